"""Columns of a stream from the vendor's OpenAPI document, combined with the built-in ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog.column_types import personal_mark, structure
from tap_sumeru.catalog.learned_columns import MAX_LEARNED, is_safe, suggests_person
from tap_sumeru.catalog.openapi_rows import row_fields
from tap_sumeru.catalog.openapi_types import OpenApiTypes
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_sumeru.catalog.stream_schemas import Schema
    from tap_sumeru.catalog.streams import StreamSpec

_ORDER = ("description", "type", "format", "properties", "additionalProperties", "items")
_NO_DESCRIPTION = "Described by the vendor's OpenAPI document only."
_ID_TYPES = ("string", "integer", "number")


@dataclass(frozen=True, slots=True)
class OpenApiColumns:
    """Columns of one stream.

    Attributes:
        columns: Schemas by name, in the order of the document, built-in columns that it has included.
        others: Other fields of the document, sorted: no single type, no safe name, or the replication key in
            another format. Built-in columns of these names stay as they are.
    """

    columns: dict[str, Schema]
    others: tuple[str, ...]


def openapi_columns(
    document: Mapping[str, Any], spec: StreamSpec, known: Mapping[str, Schema], replication_key: str
) -> OpenApiColumns | None:
    """Return the columns of a stream, None if the document does not describe its rows.

    Args:
        document: The OpenAPI document.
        spec: The stream.
        known: The columns that the stream has without it.
        replication_key: The replication key.

    Raises:
        CatalogError: The document gives a key or the replication key a type that the tap cannot work with.
    """
    types = OpenApiTypes(document)
    row = row_fields(types, document, spec)
    if row is None:
        return None
    fields: Mapping[str, Any] = row.members or {}
    folded = [name.lower() for name in fields]
    taken = {name.lower() for name in (*known, *OWN_COLUMNS)}
    columns: dict[str, Schema] = {}
    others = []
    for name, schema in fields.items():
        column = types.column(schema, row.refs)
        if name in ("id", spec.parent_column):
            _check_id(f"{spec.name}.{name}", column)
            column = column and {**column, "type": known.get(name, column)["type"]}
        elif name == replication_key:
            column = _moment(f"{spec.name}.{name}", column, known.get(name))
        fits = is_safe(name) and name.lower() not in taken and folded.count(name.lower()) == 1
        room = len(columns.keys() - known.keys()) < MAX_LEARNED
        if name == "id":
            continue
        if column and name not in OWN_COLUMNS and (name in known or (fits and room)):
            columns[name] = _documented(name, column, known.get(name))
        else:
            others.append(name)
    return OpenApiColumns(columns, tuple(sorted(others)))


def retyped(columns: Mapping[str, Schema], known: Mapping[str, Schema]) -> list[str]:
    """Return the names of the columns whose type differs from that of the known ones."""
    return [
        name
        for name, column in columns.items()
        if name in known and structure(column) != structure(known[name])
    ]


def _check_id(where: str, column: Schema | None) -> None:
    """Check that a key is a string or a number, which the tap converts to a string."""
    if column and column["type"][0] not in _ID_TYPES:
        raise CatalogError(
            f"openapi_file: {where}: is a key, and must be a string or a number in the document."
        )


def _moment(where: str, column: Schema | None, known: Schema | None) -> Schema | None:
    """Return the column of the replication key, None if it has another format than the built-in one."""
    if column is None:
        return None
    needed = (known or {}).get("format") or column.get("format", "date-time")
    if column["type"][0] != "string":
        raise CatalogError(
            f"openapi_file: {where}: is the replication key, and must be a string of format {needed} "
            "in the document."
        )
    return {**column, "format": needed} if column.get("format", needed) == needed else None


def _documented(name: str, column: Schema, known: Schema | None) -> Schema:
    if known is None:
        marked = {"description": _NO_DESCRIPTION, **column}
        if suggests_person(name):
            marked["x-pii"] = "suspected"
    else:
        marked = _keep_marks(column, known)
    return _ordered({**marked, "x-provenance": "openapi"})


def _keep_marks(column: Schema, known: Schema) -> Schema:
    """Return a column with the personal marks of the built-in one, and its description if it has none.

    A mark of a part that the document does not describe goes to the whole.
    """
    inherited = ("description", "additionalProperties") if column["type"][0] == "object" else ("description",)
    kept = {key: known[key] for key in inherited if key in known} | column
    if column["type"][0] not in ("object", "array"):
        kept.pop("x-pii", None)  # a person has read the name and has not marked it
    parts = dict(column.get("properties", {}))
    lost = []
    for name, part in known.get("properties", {}).items():
        if name in parts:
            parts[name] = _keep_marks(parts[name], part)
        else:
            lost.append(part)
    if parts:
        kept["properties"] = parts
    if "items" in known and "items" in column:
        kept["items"] = _keep_marks(column["items"], known["items"])
    elif "items" in known:
        lost.append(known["items"])
    mark = known.get("x-pii") or next(filter(None, map(personal_mark, lost)), None)
    return _ordered({**kept, "x-pii": mark} if mark else kept)


def _ordered(column: Schema) -> Schema:
    rest = sorted(column.keys() - {*_ORDER})
    return {key: column[key] for key in (*_ORDER, *rest) if key in column}
