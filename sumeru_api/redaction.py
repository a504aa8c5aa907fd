"""Redacts private values in texts from the API: tokens, e-mail addresses, numbers, quoted values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# The order matters: a token can contain digits that look like a phone number.
_PRIVATE = (
    (re.compile(r"copt_\w{4,}|\b(?:sk|pk|wsec)_\w{4,}"), "[token]"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "[token]"),
    (re.compile(r"[^\s@<>\"'=]+(?:@|%40)[^\s@<>\"',;]+"), "[e-mail]"),
    (re.compile(r"\+?\d[\d\s().-]{6,}\d"), "[number]"),
    (re.compile(r"[A-Za-z0-9+/_.-]{40,}={0,2}|[A-Za-z0-9+/]{32,}={0,2}"), "[token]"),
)
_QUOTED = re.compile(r"([\"`])([^\"`]*)\1")
_FIELD_NAME = re.compile(r"\[[a-z-]+\]|[a-z][a-z0-9_.\[\]]*")
_MAX_LENGTH = 300
_NAME = re.compile(r"[A-Za-z][\w-]{0,79}", re.ASCII)


def mask(text: str, sent: Iterable[str] = ()) -> str:
    """Return a text as one short line, with private values replaced.

    Args:
        text: The text, which may contain e-mail addresses, phone numbers, tokens or quoted values.
        sent: Values of the request, which the API may repeat in its message.
    """
    for value in filter(None, sent):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[value]", text)
    for pattern, replacement in _PRIVATE:
        text = pattern.sub(replacement, text)
    text = _QUOTED.sub(_mask_quoted, text)
    text = " ".join(text.split())
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "…"


def _mask_quoted(found: re.Match[str]) -> str:
    """Mask a quoted value, unless it is the name of a field or a parameter."""
    return found[0] if _FIELD_NAME.fullmatch(found[2]) else f"{found[1]}[value]{found[1]}"


def name_only(text: str) -> str:
    """Return an error code or a request id unchanged, an empty string if it may be a private value."""
    return text if _NAME.fullmatch(text) and not _PRIVATE[0][0].search(text) else ""
