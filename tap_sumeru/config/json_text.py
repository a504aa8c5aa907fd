"""Decodes JSON that a user gives, in any Unicode encoding, with or without a byte order mark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_MARKS_AND_SPACES = b"\xef\xbb\xbf\xfe\xff\x00 \t\r\n"


def is_blank(raw: bytes) -> bool:
    """Return whether a file has no content: no byte, or only white space and a byte order mark."""
    return not raw.strip(_MARKS_AND_SPACES)


def decode(raw: bytes | str, parse_float: Callable[[str], Any] = float) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a JSON text.

    Args:
        raw: The text, or the bytes of a file.
        parse_float: What fractions become.

    Raises:
        ValueError: It is not JSON, or holds what no message can carry: NaN, infinity, or half a character.
    """
    text = raw if isinstance(raw, str) else raw.decode(json.detect_encoding(raw))
    try:
        content = json.loads(text.removeprefix("\ufeff"), parse_float=parse_float, parse_constant=_reject)
        if "\\ud" in text.lower():
            json.dumps(content, default=str, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError from None
    return content


def _reject(_: str) -> NoReturn:
    raise ValueError
