"""Merges the rows that several streams of the input have for one key, in the order of their lines."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from target_sumeru.config.streams import TAG_CHANGES
from target_sumeru.input.spool import SpooledRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_ADD, _REMOVE = TAG_CHANGES


def merged(rows: Iterable[SpooledRow]) -> Iterator[SpooledRow]:
    """Yield one row for each key.

    Args:
        rows: The rows, by key and line.
    """
    for _, same in groupby(rows, attrgetter("key")):
        first, *others = same
        yield _merge([first, *others]) if others else first


def _merge(rows: list[SpooledRow]) -> SpooledRow:
    rejected = next((row for row in rows if row.reason), None)
    body: dict[str, Any] = {}
    for row in rows:
        body = combine(body, _decode(row.body))
    return SpooledRow(
        rows[0].key,
        min(row.first_line for row in rows),
        rows[-1].line,
        _encode(body),
        rejected.reason if rejected else "",
        rejected.column if rejected else "",
    )


def combine(body: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that have the same effect as two rows, one after the other."""
    both = {**body, **{name: value for name, value in later.items() if name not in TAG_CHANGES}}
    if "tags" in later:
        return {name: value for name, value in both.items() if name not in TAG_CHANGES}
    add, remove = later.get(_ADD) or [], later.get(_REMOVE) or []
    if "tags" in body:
        return {**both, "tags": changed_tags(body["tags"], add, remove)}
    added = changed_tags(body.get(_ADD), add, remove)
    removed = changed_tags(body.get(_REMOVE), remove, [tag for tag in add if tag not in remove])
    changes = {_ADD: added, _REMOVE: removed}
    columns = {name: value for name, value in both.items() if name not in TAG_CHANGES}
    return columns | {name: tags for name, tags in changes.items() if tags}


def changed_tags(tags: list[str] | None, add: list[str], remove: list[str]) -> list[str]:
    """Return tags without some and with others, in their order, each once."""
    kept = [tag for tag in tags or [] if tag not in remove]
    return list(dict.fromkeys([*kept, *(tag for tag in add if tag not in remove)]))
