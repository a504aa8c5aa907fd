"""Rows that are not as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.world.clock import DAY, HOUR, parse_moment, stamp
from sumeru_sandbox.world.date_patterns import REPLICATION_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_sandbox.faults.switches import RowFault

    Row = dict[str, Any]

_encode = msgspec.json.Encoder(decimal_format="number").encode
_MEGABYTE = 2**20
_YEARS = 5 * 365 * DAY


def met(faults: Sequence[RowFault], index: int) -> list[str]:
    """The kinds of fault that a row meets."""
    return [fault.kind for fault in faults if (index + 1) % fault.every == 0]


def spoil_attributes(kinds: Sequence[str], stream: str, attributes: Row, *, flat: bool) -> None:
    """Change the attributes of a row as the faults that it meets say."""
    for kind in kinds:
        if kind == "unknown_field":
            attributes["loyalty_tier"] = {"level": 3, "name": "gold"}
        elif kind == "shadow":
            # In a flat row, an attribute of these last two names would be the thing itself.
            attributes |= {"shop": "another", "extra": {"shadow": True}}
            attributes |= {} if flat else {"relationships": "none", "id": "shadow_1"}
        elif kind in {"offset_timestamp", "fraction_timestamp"}:
            attributes |= _rewritten(stream, attributes, kind)
        elif kind in _VALUES:
            types, value = _VALUES[kind]
            attributes |= dict.fromkeys(_first(stream, attributes, types), value)
        else:
            attributes |= _key(kind, stream, attributes)


def spoil_resource(kinds: Sequence[str], index: int, resource: Row) -> Any:  # noqa: ANN401 - no row at all, perhaps
    """Change what is around the attributes."""
    if "missing_id" in kinds:
        del resource["id"]
    if "numeric_id" in kinds:
        resource["id"] = index + 1
    if "duplicate_key" in kinds:
        return _said_twice(resource)
    return f"row {index}" if "not_an_object" in kinds else resource


def _said_twice(resource: Row) -> msgspec.Raw:
    """The resource with its first attribute said twice, of which the later one holds by custom."""
    where = resource.get("attributes", resource)
    name = next(name for name in where if name != "id")
    twice = msgspec.Raw(_encode({name: "said before"})[:-1] + b"," + _encode(where)[1:])
    return twice if where is resource else msgspec.Raw(_encode(resource | {"attributes": twice}))


# The fault's value goes to the first attribute of one of these types.
_VALUES: dict[str, tuple[tuple[str, ...], object]] = {
    "drift": (("integer", "number"), "n/a"),
    "big_integer": (("integer", "number"), msgspec.Raw(b"1234567890" * 4)),
    "surrogate": (("string",), msgspec.Raw(rb'"half of a pair: \ud83d"')),
    "big_string": (("string",), "x" * _MEGABYTE),
}


def _first(stream: str, attributes: Row, types: Sequence[str]) -> list[str]:
    """The first attribute of one of the types that is neither date nor, if there is a choice, a number."""
    fitting = [
        name
        for type_ in types
        for name in attributes
        if (schema := FIELDS[stream].get(name)) and schema.schema["type"][0] == type_
        if "format" not in schema.schema
    ]
    return fitting[:1]


def _key(kind: str, stream: str, attributes: Row) -> Row:
    """Another value for the replication key, if it is there."""
    name = REPLICATION_KEYS[stream]
    moment = parse_moment(attributes.get(name))
    if kind == "future" and moment is not None:
        later = stamp(moment + _YEARS)
        return {name: later[:10] if name == "date" else later}
    if kind in {"null_replication_key", "bad_replication_key"} and name in attributes:
        return {name: None if kind == "null_replication_key" else "yesterday"}
    return {}


def _rewritten(stream: str, attributes: Row, kind: str) -> Row:
    """The timestamps of a row in another spelling, which means the same moment (or a fraction later)."""
    spelt = {}
    for name, value in attributes.items():
        field = FIELDS[stream].get(name)
        moment = parse_moment(value)
        if moment is None or field is None or field.schema.get("format") != "date-time":
            continue
        offset = stamp(moment + 2 * HOUR).replace("Z", "+02:00")
        fraction = stamp(moment).replace("Z", ".123456789Z")
        spelt[name] = offset if kind == "offset_timestamp" else fraction
    return spelt
