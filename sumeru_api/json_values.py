"""Decodes JSON exactly: numbers keep every digit, and lone surrogates become U+FFFD."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

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


def decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a JSON body, with numbers exact and lone surrogates as U+FFFD.

    Raises:
        UndecodableError: The body is not JSON.
    """
    # The strict decoder rejects lone surrogates and invalid UTF-8; the lenient one below accepts them.
    with suppress(msgspec.DecodeError, ValueError, RecursionError):
        if not _MINUS_ZERO.search(body):
            return _decode(body)
    try:
        text = _ESCAPE.sub(_without_lone, body.decode("utf-8-sig", errors="replace"))
        return json.loads(
            text, parse_float=exact_number, parse_int=_integer, parse_constant=str, strict=False
        )
    except (ValueError, RecursionError):
        raise UndecodableError("the body is not JSON") from None


def _without_lone(escape: re.Match[str]) -> str:
    return r"\ufffd" if len(escape[0]) == _LONE_LENGTH else escape[0]
