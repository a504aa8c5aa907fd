"""Converts a body of any charset to UTF-8, which the JSON decoder needs."""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import NamedTuple

_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_UTF_8 = "utf-8"
_WIDE = ("utf-16", "utf-32")
_PYTHON_ONLY = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined")
_PROBE = '{"a": 1}'
REPLACEMENT = "\ufffd"


class Text(NamedTuple):
    """A body in UTF-8.

    Attributes:
        body: The body. What was declared as UTF-8 is not checked, which would take time for every page.
        replaced: How many characters could not be decoded, and have become U+FFFD.
        unusable: The declared charset, if it is not known or cannot be that of this body; else empty.
    """

    body: bytes
    replaced: int = 0
    unusable: str = ""


def to_utf8(body: bytes, content_type: str | None) -> Text:
    """Return a body of JSON in UTF-8.

    The first bytes of JSON tell UTF-16 and UTF-32 from all others, with or without a byte order mark, so they
    are believed before the header is.

    Args:
        body: The body.
        content_type: The header `Content-Type`.
    """
    detected = json.detect_encoding(body)
    if detected == "utf-8-sig":
        return Text(body.removeprefix(codecs.BOM_UTF8))
    if detected != _UTF_8:
        return _converted(body, detected)
    if not content_type or ";" not in content_type:
        return Text(body)
    declared = _declared(content_type)
    charset = _known(declared)
    if charset is None or charset.startswith(_WIDE):
        return Text(body, unusable=declared)
    return Text(body) if charset in (_UTF_8, "ascii") else _converted(body, charset)


@lru_cache
def _declared(content_type: str) -> str:
    """Return the charset that a header declares, UTF-8 if it declares none."""
    found = _CHARSET.search(content_type)
    return found[1] if found else _UTF_8


@lru_cache
def _known(charset: str) -> str | None:
    """Return Python's name of a charset; None if it is not one, or not one that can hold JSON."""
    try:
        name = codecs.lookup(charset).name.replace("_", "-")
        usable = name not in _PYTHON_ONLY and _PROBE.encode(name).decode(name) == _PROBE
    except (LookupError, ValueError):
        return None
    return name if usable else None


def _converted(body: bytes, charset: str) -> Text:
    try:
        return Text(body.decode(charset).encode())
    except UnicodeError:
        text = body.decode(charset, errors="replace")
        return Text(text.encode(errors="replace"), max(1, text.count(REPLACEMENT)))
