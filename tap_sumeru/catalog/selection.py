"""What a catalog selects of one stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_sumeru.catalog.stream_schemas import Schema


@dataclass(frozen=True, slots=True)
class StreamSelection:
    """A selected stream.

    Attributes:
        name: Name of the stream.
        properties: Properties of its schema.
        columns: The selected columns.
        replication_key: Replication key of the catalog, None to use that of the stream.
        full_table: Whether the replication method is FULL_TABLE.
        protected: Columns that are deselected, wholly or in part, or that a stream map changes or leaves out,
            so that the original values must not reach the target through `extra`.
        retyped: Columns whose type the catalog sets.
        columnar: Whether records may be msgspec structs instead of dicts; only possible if the tap encodes
            them itself.
    """

    name: str
    properties: Schema
    columns: tuple[str, ...]
    replication_key: str | None = None
    full_table: bool = False
    protected: frozenset[str] = frozenset()
    retyped: frozenset[str] = frozenset()
    columnar: bool = False
