"""Compares the columns of a row with the API's row: equal values are equal however they are written."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import msgspec

from sumeru_api import timestamps
from target_sumeru.config.streams import TAG_CHANGES
from target_sumeru.plan.merge import changed_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME_FORMATS = ("date-time", "date")
_ADD, _REMOVE = TAG_CHANGES


def changes(
    wanted: Mapping[str, Any],
    current: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, Any]],
    *,
    missing_is_equal: bool = False,
) -> dict[str, Any]:
    """Return the wanted columns that differ from the current ones.

    Args:
        wanted: The columns of a row; changes of tags are compared with the tags.
        current: The attributes in the API.
        columns: JSON Schemas of the columns.
        missing_is_equal: Whether an attribute that the API does not show counts as equal.
    """
    found = {}
    for name, value in wanted.items():
        if name in TAG_CHANGES:
            continue
        if name not in current and missing_is_equal:
            continue
        if not _equal(value, current.get(name), columns[name]):
            found[name] = value
    tag_changes = {name: wanted[name] for name in TAG_CHANGES if wanted.get(name)}
    if tag_changes:
        tags = current.get("tags") or []
        new = with_tag_changes(wanted, tags)
        if set(new) != set(tags):
            found |= tag_changes
    return found


def shows_tags(attributes: Mapping[str, Any]) -> bool:
    """Return whether the API shows tags that can be changed: a list of texts, or null for none."""
    tags = attributes.get("tags", "")
    return tags is None or (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags))


def with_tag_changes(wanted: Mapping[str, Any], tags: list[str] | None) -> list[str]:
    """Return tags with the changes that a row asks for."""
    return changed_tags(tags, wanted.get(_ADD) or [], wanted.get(_REMOVE) or [])


def _equal(wanted: object, current: object, schema: Mapping[str, Any]) -> bool:
    if wanted is None or current is None:
        return wanted is current
    if isinstance(wanted, list):
        return isinstance(current, list) and sorted(wanted) == sorted(map(str, current))
    if isinstance(wanted, bool) or isinstance(current, bool):
        return wanted is current
    if isinstance(wanted, (int, Decimal)):
        return _number(current) == wanted
    if schema.get("format") in _TIME_FORMATS and isinstance(wanted, str) and isinstance(current, str):
        moment = timestamps.parse(current)
        return moment is not None and timestamps.text(moment.replace(microsecond=0)) == wanted
    return _composed(wanted) == _composed(current)


def _composed(value: object) -> object:
    """Return a text with each accented letter as one character; anything else as it is."""
    return normalize("NFC", value) if isinstance(value, str) else value


def _number(value: object) -> Decimal | None:
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
