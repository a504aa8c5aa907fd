"""Decodes JSON that a user gives, in any Unicode encoding, with or without a byte order mark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from sumeru_api.redaction import mask_name

if TYPE_CHECKING:
    from collections.abc import Callable


class RepeatedKeyError(ValueError):
    """An object has a key twice, so that one of its two values would be lost.

    Attributes:
        key: The key, masked if it may be private.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = mask_name(key)


def is_blank(raw: bytes) -> bool:
    """Return whether a file has no content: no byte, or only white space and a byte order mark."""
    try:
        return not unicode_text(raw).strip()
    except ValueError:
        return False


def decode(
    raw: bytes | str, parse_float: Callable[[str], Any] = float, *, repeated_keys: bool = False
) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a JSON text.

    Args:
        raw: The text, or the bytes of a file.
        parse_float: What fractions become.
        repeated_keys: Whether an object may have a key twice; the last value counts.

    Raises:
        RepeatedKeyError: An object has a key twice.
        ValueError: It is not JSON, or holds what no message can carry: NaN, infinity, or half a character.
    """
    text = raw if isinstance(raw, str) else unicode_text(raw)
    try:
        content = json.loads(
            text,
            parse_float=parse_float,
            parse_constant=_reject,
            object_pairs_hook=None if repeated_keys else _unique,
        )
        if "\\ud" in text.lower():
            json.dumps(content, default=str, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError from None
    return content


def decode_input(
    raw: bytes | str,
    where: str,
    error: type[Exception],
    parse_float: Callable[[str], Any] = float,
    *,
    repeated_keys: bool = False,
) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a JSON text, or raise an error that says what is wrong with it.

    Args:
        raw: The text, or the bytes of a file.
        where: What the text is, for the message.
        error: Class of the error.
        parse_float: What fractions become.
        repeated_keys: Whether an object may have a key twice; the last value counts.
    """
    try:
        return decode(raw, parse_float, repeated_keys=repeated_keys)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise error(f"{where}: must be JSON; the error is in {place}.") from None
    except RepeatedKeyError as fault:
        raise error(f"{where}: an object has the key {fault.key} twice. Remove one of the two.") from None
    except ValueError:
        raise error(f"{where}: must be JSON in Unicode, without NaN or infinity.") from None


def unicode_text(raw: bytes) -> str:
    """Return the text of a file in any Unicode encoding, without a byte order mark.

    Raises:
        ValueError: It is not in Unicode.
    """
    return raw.decode(json.detect_encoding(raw)).removeprefix("\ufeff")


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(members)
    if len(content) < len(members):
        keys = [key for key, _ in members]
        raise RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return content


def _reject(_: str) -> NoReturn:
    raise ValueError
