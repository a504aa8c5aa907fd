"""Row faults: rows that differ from the documentation, such as missing ids or values of a wrong type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_sandbox.spec.endpoints import REPLICATION_KEYS
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.world.clock import DAY, HOUR, format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_sandbox.faults.switches import RowFault

    Row = dict[str, Any]

_encode = msgspec.json.Encoder(decimal_format="number").encode
_MEGABYTE = 2**20
_FIVE_YEARS = 5 * 365 * DAY
_WEST_OF_UTC = 8 * HOUR
"""Zone of local timestamps."""


def kinds_for_row(faults: Sequence[RowFault], index: int) -> list[str]:
    """Return the kinds of fault that apply to a row."""
    return [fault.kind for fault in faults if (index + 1) % fault.every == 0]


def change_attributes(kinds: Sequence[str], stream: str, attributes: Row, *, flat: bool) -> None:
    """Apply faults to the attributes of a row."""
    for kind in kinds:
        if kind == "unknown_field":
            attributes["loyalty_tier"] = {"level": 3, "name": "gold"}
        elif kind == "shadow":
            # In a flat row, `id` and `relationships` are the resource's own members.
            attributes |= {"shop": "another", "extra": {"shadow": True}}
            attributes |= {} if flat else {"relationships": "none", "id": "shadow_1"}
        elif kind in {"offset_timestamp", "fraction_timestamp"}:
            attributes |= _reformatted_timestamps(stream, attributes, kind)
        elif kind in {"hidden_dates", "nested_dates"}:
            _move_other_dates(stream, attributes, nest=kind == "nested_dates")
        elif kind in _BAD_VALUES:
            types, value = _BAD_VALUES[kind]
            attributes |= dict.fromkeys(_first_of_type(stream, attributes, types), value)
        else:
            attributes |= _replication_key_change(kind, stream, attributes)


def change_resource(kinds: Sequence[str], index: int, resource: Row) -> Any:  # noqa: ANN401 - any JSON
    """Apply faults to the members around the attributes."""
    if "missing_id" in kinds:
        del resource["id"]
    if "numeric_id" in kinds:
        resource["id"] = index + 1
    if "local_id" in kinds:
        resource["id"] = resource["id"].rpartition("#")[2]
    if "duplicate_key" in kinds:
        return _with_duplicate_key(resource)
    return f"row {index}" if "not_an_object" in kinds else resource


def _with_duplicate_key(resource: Row) -> msgspec.Raw:
    """Repeat the first attribute under the same key; JSON parsers usually keep the last value."""
    where = resource.get("attributes", resource)
    name = next(name for name in where if name != "id")
    twice = msgspec.Raw(_encode({name: "said before"})[:-1] + b"," + _encode(where)[1:])
    return twice if where is resource else msgspec.Raw(_encode(resource | {"attributes": twice}))


# By fault: the types of the attribute that it changes, and the value that it sets.
_BAD_VALUES: dict[str, tuple[tuple[str, ...], object]] = {
    "drift": (("integer", "number"), "n/a"),
    "big_integer": (("integer", "number"), msgspec.Raw(b"1234567890" * 4)),
    "surrogate": (("string",), msgspec.Raw(rb'"half of a pair: \ud83d"')),
    "big_string": (("string",), "x" * _MEGABYTE),
}


def _first_of_type(stream: str, attributes: Row, types: Sequence[str]) -> list[str]:
    """Return the first attribute, by the order of the types, that is not a date; an empty list if none."""
    fitting = [
        name
        for type_ in types
        for name in attributes
        if (schema := FIELDS[stream].get(name)) and schema.schema["type"][0] == type_
        if "format" not in schema.schema
    ]
    return fitting[:1]


def _replication_key_change(kind: str, stream: str, attributes: Row) -> Row:
    """Return a replacement for the replication key, if the row has one."""
    name = REPLICATION_KEYS[stream]
    timestamp = parse_timestamp(attributes.get(name))
    if kind == "future" and timestamp is not None:
        later = format_timestamp(timestamp + _FIVE_YEARS)
        return {name: later[:10] if name == "date" else later}
    if kind == "day_replication_key" and timestamp is not None:
        return {name: format_timestamp(timestamp)[:10]}
    if kind == "local_replication_key" and timestamp is not None and name != "date":
        return {name: format_timestamp(timestamp - _WEST_OF_UTC).rstrip("Z")}
    if kind in {"null_replication_key", "bad_replication_key"} and name in attributes:
        return {name: None if kind == "null_replication_key" else "yesterday"}
    return {}


def _move_other_dates(stream: str, attributes: Row, *, nest: bool) -> None:
    """Remove all dates except the replication key, or move them into an object, as Unix seconds."""
    key = REPLICATION_KEYS[stream]
    dates = {
        name: parse_timestamp(attributes.pop(name))
        for name in list(attributes)
        if name != key and name in FIELDS[stream] and "date" in FIELDS[stream][name].schema.get("format", "")
    }
    if nest:
        attributes["meta"] = {name: date for name, date in dates.items() if date is not None}


def _reformatted_timestamps(stream: str, attributes: Row, kind: str) -> Row:
    """Return the row's timestamps in another format: the same time, or a fraction of a second later."""
    reformatted = {}
    for name, value in attributes.items():
        field = FIELDS[stream].get(name)
        timestamp = parse_timestamp(value)
        if timestamp is None or field is None or field.schema.get("format") != "date-time":
            continue
        offset = format_timestamp(timestamp + 2 * HOUR).replace("Z", "+02:00")
        fraction = format_timestamp(timestamp).replace("Z", ".123456789Z")
        reformatted[name] = offset if kind == "offset_timestamp" else fraction
    return reformatted
