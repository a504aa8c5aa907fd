"""Keeps private values out of texts that the API sends: tokens, addresses, numbers, quoted values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Looked for in this order: a token may hold digits that look like a phone number.
_PRIVATE = (
    (re.compile(r"copt_\w{4,}|\b(?:sk|pk|wsec)_\w{4,}"), "[token]"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "[token]"),
    (re.compile(r"[^\s@<>\"'=]+(?:@|%40)[^\s@<>\"',;]+"), "[e-mail]"),
    (re.compile(r"\+?\d[\d\s().-]{6,}\d"), "[number]"),
    (re.compile(r"[A-Za-z0-9+/_.-]{40,}={0,2}|[A-Za-z0-9+/]{32,}={0,2}"), "[token]"),
)
_QUOTED = re.compile(r"([\"`])([^\"`]*)\1")
_SPELT_AS_FIELD = re.compile(r"\[[a-z-]+\]|[a-z][a-z0-9_.\[\]]*")
_MESSAGE_LIMIT = 300
_NAME = re.compile(r"[A-Za-z][\w-]{0,79}", re.ASCII)


def mask(text: str, sent: Iterable[str] = ()) -> str:
    """Return a text of the API on one short line, without what may be private.

    That is e-mail addresses, phone numbers, tokens, values in quotes, and the values that were `sent`.
    """
    for value in filter(None, sent):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[value]", text)
    for pattern, instead in _PRIVATE:
        text = pattern.sub(instead, text)
    text = _QUOTED.sub(_mask_quoted, text)
    text = " ".join(text.split())
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "…"


def _mask_quoted(found: re.Match[str]) -> str:
    """Return a quoted value masked, but the name of a field or a parameter as it is."""
    return found[0] if _SPELT_AS_FIELD.fullmatch(found[2]) else f"{found[1]}[value]{found[1]}"


def name_only(text: str) -> str:
    """Return a code or an id of the API as it is, or nothing if it is none, or might be a token."""
    return text if _NAME.fullmatch(text) and not _PRIVATE[0][0].search(text) else ""
