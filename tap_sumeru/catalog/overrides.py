"""What a catalog changes in the schema of a stream: columns that it adds, and types that it sets.

A catalog is edited by hand, or by Meltano's extra `schema`, which replaces the schema of a whole column.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog.column_types import column_type, structure
from tap_sumeru.catalog.stream_schemas import LEADING_COLUMNS, OWN_COLUMNS, TRAILING_COLUMNS, Schema
from tap_sumeru.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_NOT_IN_A_NAME = frozenset('*?[]"\\')
_MOMENTS = frozenset({"date-time", "date"})


@dataclass(frozen=True, slots=True)
class CatalogSchema:
    """The schema of a stream, as a catalog has it.

    Attributes:
        schema: The schema, with the columns that no catalog can leave out.
        retyped: Columns whose type the catalog sets, those that it adds included.
        restored: Columns that the catalog lacks although the tap needs them.
        missing: Other columns that the tap knows and the catalog does not.
    """

    schema: Schema
    retyped: frozenset[str] = frozenset()
    restored: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def notes(self, stream: str) -> Iterator[tuple[int, str]]:
        """Yield a line, with its log level, for each difference of the catalog's schema from the tap's."""
        if self.retyped:
            names = _names(name for name in self.schema["properties"] if name in self.retyped)
            yield logging.INFO, f"{stream}: the catalog sets the type of {names}; null is allowed in each."
        if self.restored:
            text = f"{stream}: the catalog lacks {_names(self.restored)}, which the tap needs and has added."
            yield logging.WARNING, text
        if self.missing:
            text = f"{stream}: the catalog does not know {_names(self.missing)}; such values go into `extra`"
            advice = "A new catalog, from --discover, has them as columns."
            yield logging.WARNING, f"{text}, unless that is left out. {advice}"


def apply_schema(
    stream: str, own: Schema, given: Mapping[str, Any], *, moments: Collection[str], parent_column: str = ""
) -> CatalogSchema:
    """Return the schema of a stream as a catalog has it.

    Args:
        stream: Name of the stream, for messages.
        own: The tap's schema of it.
        given: The catalog's; without `properties`, that of the tap is used.
        moments: The replication keys.
        parent_column: Column that holds the parent's id, empty if there is none.

    Raises:
        CatalogError: A type cannot be honoured.
    """
    columns = given.get("properties")
    if not columns:
        return CatalogSchema(own)
    known: Schema = own["properties"]
    needed = OWN_COLUMNS | {*moments, parent_column}
    properties: Schema = {name: known[name] for name in LEADING_COLUMNS}
    retyped = set()
    for name, column in columns.items():
        where = f"catalog: {stream}.{name}"
        merged = _merged(where, name, column, known.get(name), fixed=name in needed)
        if merged is not known.get(name):
            _check_fixed(where, name, merged, known, moments, parent_column)
            retyped.add(name)
        properties.setdefault(name, merged)
    restored = tuple(name for name in known if name in needed and name not in columns)
    properties |= {name: known[name] for name in restored if name not in properties}
    properties |= {name: properties.pop(name, known[name]) for name in TRAILING_COLUMNS}
    missing = tuple(name for name in known if name not in properties)
    return CatalogSchema({**own, "properties": properties}, frozenset(retyped), restored, missing)


def _merged(where: str, name: str, column: Mapping[str, Any], known: Schema | None, *, fixed: bool) -> Schema:
    """Return the schema of a column: the tap's, unless the catalog's has another type or was written anew."""
    given = column_type(where, column)
    if known is None:
        if not name or _NOT_IN_A_NAME & set(name) or not name.isprintable():
            raise CatalogError(f"{where}: is not the name of a column.")
        return given
    same = structure(given) == structure(column_type(where, known))
    if same and (fixed or "description" in column):  # what --discover has written has a description
        return known
    kept = {key: value for key, value in known.items() if key == "description" or key.startswith("x-")}
    return {**kept, **given}


def _check_fixed(
    where: str, name: str, merged: Schema, known: Schema, moments: Collection[str], parent_column: str
) -> None:
    """Raise an error if the tap cannot work with another type of a column."""
    if name in TRAILING_COLUMNS:
        raise CatalogError(f"{where}: must be an object without `properties`.")
    if name in LEADING_COLUMNS or name == parent_column:
        raise CatalogError(f"{where}: is a key, and must be a string.")
    if name not in moments:
        return
    if name in known or merged["type"] != ["string", "null"] or merged.get("format") not in _MOMENTS:
        needed = known.get(name, {}).get("format", "date-time")
        raise CatalogError(f"{where}: is the replication key, and must be a string of format {needed}.")


def _names(names: Collection[str] | Iterator[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
