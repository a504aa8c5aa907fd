"""Decodes JSON exactly: numbers keep every digit, and lone surrogates become U+FFFD."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_INTEGER_DIGITS = 4000
"""Python refuses to convert longer texts to an integer."""


class UndecodableError(ValueError):
    """The body is not JSON."""


def exact_number(text: str) -> Decimal | msgspec.Raw:
    """Return a number that is encoded exactly as it was received."""
    try:
        number = Decimal(text)
    except ArithmeticError:  # the exponent is too large
        return msgspec.Raw(text.encode())
    return number if str(number) == text else msgspec.Raw(text.encode())


def _integer(text: str) -> int | Decimal | msgspec.Raw:
    if text == "-0":  # Python has no such integer
        return Decimal(text)
    return int(text) if len(text) <= _MAX_INTEGER_DIGITS else msgspec.Raw(text.encode())


_decode = msgspec.json.Decoder(float_hook=exact_number).decode
_MINUS_ZERO = re.compile(rb"-0\s*[,}\]]")
# A surrogate pair, a lone surrogate, or another escape. Only a lone surrogate has six characters.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)"
)
_LONE_LENGTH = 6
_REPLACEMENT = "\ufffd"
_LONE = r"\ufffd"


def decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a JSON body; see `decode_counting`."""
    return decode_counting(body)[0]


def scalars(body: bytes) -> list[str]:
    """Return every text and number in a JSON body, as text; nothing if it is not JSON."""
    try:
        return list(_scalars(decode(body)))
    except UndecodableError:
        return []


def _scalars(content: object) -> Iterator[str]:
    if isinstance(content, (dict, list)):
        for value in content.values() if isinstance(content, dict) else content:
            yield from _scalars(value)
    elif isinstance(content, msgspec.Raw):
        yield bytes(content).decode()
    elif content is not None and not isinstance(content, bool):
        yield str(content)


def decode_counting(body: bytes) -> tuple[Any, int]:
    """Return the content of a JSON body, and how many characters could not be decoded.

    Numbers are exact; broken UTF-8 and lone surrogates become U+FFFD.

    Args:
        body: The body, in UTF-8.

    Raises:
        UndecodableError: The body is not JSON.
    """
    # The strict decoder rejects lone surrogates and invalid UTF-8; the lenient one below accepts them.
    with suppress(msgspec.DecodeError, ValueError, RecursionError):
        if not _MINUS_ZERO.search(body):
            return _decode(body), 0
    text, replaced = _repaired(body)
    try:
        content = json.loads(
            text, parse_float=exact_number, parse_int=_integer, parse_constant=str, strict=False
        )
    except (ValueError, RecursionError):
        raise UndecodableError("the body is not JSON") from None
    return content, replaced


def _repaired(body: bytes) -> tuple[str, int]:
    """Return a body as text that a JSON decoder accepts, and how many characters were replaced for that."""
    decoded = body.decode("utf-8-sig", errors="replace")
    text = _ESCAPE.sub(_without_lone, decoded)
    broken = decoded.count(_REPLACEMENT) - body.count(_REPLACEMENT.encode())
    return text, broken + text.count(_LONE) - decoded.count(_LONE)


def _without_lone(escape: re.Match[str]) -> str:
    return _LONE if len(escape[0]) == _LONE_LENGTH else escape[0]
