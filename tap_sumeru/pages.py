"""One answer of a list endpoint: decoded exactly, and checked against the API's own rules of paging."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_sumeru.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]

_LONGEST_INTEGER = 4000
"""Digits beyond which Python refuses to make a number of a text."""
_MOST_CURSORS = 2000


class UndecodableError(ValueError):
    """The body is not JSON, however leniently read."""


@dataclass(slots=True)
class Page:
    """The rows of one answer.

    Attributes:
        rows: The rows as the API gave them.
        included: Related resources from the top-level `included`, by type and id.
        next_cursor: Cursor of the next page, or None on the last.
    """

    rows: list[Row]
    included: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    next_cursor: str | None = None


class Trail:
    """The cursors of a list, to notice that it runs in a circle, however many there are.

    The first few thousand are kept, of all later ones the last whose number is a power of two: a circle
    comes back to it, if not at once.
    """

    def __init__(self) -> None:
        self._first: set[str] = set()
        self._later: str | None = None
        self._count = 0

    def repeats(self, cursor: str) -> bool:
        """Return whether a cursor has come before, else go on to it."""
        if cursor == self._later or cursor in self._first:
            return True
        self._count += 1
        if self._count <= _MOST_CURSORS:
            self._first.add(cursor)
        elif self._count.bit_count() == 1:
            self._later = cursor
        return False


def exact_number(text: str) -> Decimal | msgspec.Raw:
    """Return a number that will be written with the very letters that it was read with."""
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent beyond all measure
        return msgspec.Raw(text.encode())
    return number if str(number) == text else msgspec.Raw(text.encode())


def _integer(text: str) -> int | Decimal | msgspec.Raw:
    if text == "-0":  # no integer of Python has this sign
        return Decimal(text)
    return int(text) if len(text) <= _LONGEST_INTEGER else msgspec.Raw(text.encode())


_decode = msgspec.json.Decoder(float_hook=exact_number).decode
_MINUS_ZERO = re.compile(rb"-0\s*[,}\]]")
# A pair of surrogates, a lone one, or any other escape: of six characters is only the lone one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)"
)
_LONE_LENGTH = 6


def decode(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the content of a JSON body, with numbers exact and lone surrogates as U+FFFD.

    Raises:
        UndecodableError: The body is not JSON.
    """
    # Strict decoders refuse lone surrogates and broken UTF-8: rather than lose the page, read it leniently.
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


def read_page(answer: object) -> Page:
    """Return the page in a decoded answer.

    Raises:
        BadAnswer: It has no `data`, a row is no object, or paging contradicts itself.
    """
    if not isinstance(answer, dict) or "data" not in answer:
        raise BadAnswer("the answer has no data")
    data, pagination = answer["data"], answer.get("pagination")
    if data is None and isinstance(pagination, dict) and pagination.get("has_next") is False:
        data = []  # no row, and said so twice
    rows = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows):
        raise BadAnswer("a row is no object")
    return Page(rows, _included(answer.get("included")), next_cursor(pagination))


def read_resource(answer: object) -> Row:
    """Return the resource in the decoded answer of an endpoint that gives one.

    Raises:
        BadAnswer: There is none.
    """
    page = read_page(answer)
    if len(page.rows) != 1:
        raise BadAnswer("the answer does not hold one resource")
    return page.rows[0]


def row_id(row: Row) -> str | None:
    """Return the id that the API gives a row, as text; None if it gives none."""
    attributes = row.get("attributes")
    inside = attributes.get("id") if isinstance(attributes, dict) else None
    given = row.get("id") if row.get("id") not in (None, "") else inside
    return (
        str(given) if isinstance(given, (str, int)) and not isinstance(given, bool) and given != "" else None
    )


def next_cursor(pagination: object) -> str | None:
    """Return the cursor of the next page, or None on the last.

    Raises:
        BadAnswer: What is said about it contradicts itself.
    """
    if pagination is None:
        return None
    if not isinstance(pagination, dict):
        raise BadAnswer("the answer's pagination is no object")
    cursor, has_next = pagination.get("next_cursor"), pagination.get("has_next")
    if has_next is None:
        has_next = cursor not in (None, "")
    if not isinstance(has_next, bool):
        raise BadAnswer("the answer does not say whether there are more pages")
    if not has_next:
        return None
    if cursor is None or cursor == "":
        raise BadAnswer("there are more pages, but no cursor")
    return str(cursor)


def _included(resources: object) -> dict[tuple[str, str], Row]:
    found = {}
    for resource in resources if isinstance(resources, list) else ():
        if isinstance(resource, dict) and "id" in resource:
            found[str(resource.get("type", "")), str(resource["id"])] = resource
    return found
