"""Which columns hold personal data: those that the schemas, a discovery or a catalog mark with `x-pii`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.learned_columns import suggests_person

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = "x-pii"


def is_marked(schema: Mapping[str, Any]) -> bool:
    """Return whether a column or a part of it is marked as personal."""
    inside = [*(schema.get("properties") or {}).values(), schema.get("items"), *(schema.get("anyOf") or ())]
    return bool(schema.get(_MARK)) or any(is_marked(part) for part in inside if part)


def personal_columns(stream: str, properties: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of a stream that hold personal data, without `extra`.

    A catalog can mark further columns, but not remove a mark of the tap's schemas. A column
    that only the catalog has, without a mark, counts as personal if its name suggests the data of a person,
    as at a discovery. `x-pii: false` prevents that.

    Args:
        stream: Name of the stream.
        properties: The columns in use.
        given: The columns of the catalog as its file has them, because the SDK removes the marks.
    """
    known = stream_schemas.load(stream)["properties"]

    def is_personal(name: str) -> bool:
        column = given.get(name, {})
        if is_marked(known.get(name, {})) or is_marked(properties[name]) or is_marked(column):
            return True
        return name not in known and _MARK not in column and suggests_person(name)

    return tuple(name for name in properties if name != "extra" and is_personal(name))


def columns_of(catalog: object) -> dict[str, dict[str, Any]]:
    """Return the columns of each stream of a catalog, with all keys of their schemas."""
    entries = catalog.get("streams", ()) if isinstance(catalog, dict) else ()
    return {entry["tap_stream_id"]: (entry.get("schema") or {}).get("properties") or {} for entry in entries}
