"""Decodes JSON that a user gives, in any Unicode encoding, with or without a byte order mark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def is_blank(raw: bytes) -> bool:
    """Return whether a file has no content: no byte, or only white space and a byte order mark."""
    try:
        return not unicode_text(raw).strip()
    except ValueError:
        return False


def decode(raw: bytes | str, parse_float: Callable[[str], Any] = float) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a JSON text.

    Args:
        raw: The text, or the bytes of a file.
        parse_float: What fractions become.

    Raises:
        ValueError: It is not JSON, or holds what no message can carry: NaN, infinity, or half a character.
    """
    text = raw if isinstance(raw, str) else unicode_text(raw)
    try:
        content = json.loads(text, parse_float=parse_float, parse_constant=_reject)
        if "\\ud" in text.lower():
            json.dumps(content, default=str, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError from None
    return content


def unicode_text(raw: bytes) -> str:
    """Return the text of a file in any Unicode encoding, without a byte order mark.

    Raises:
        ValueError: It is not in Unicode.
    """
    return raw.decode(json.detect_encoding(raw)).removeprefix("\ufeff")


def _reject(_: str) -> NoReturn:
    raise ValueError
