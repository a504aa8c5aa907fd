"""The table of a stream: its name, its columns, its key, and the key of a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from tap_sumeru.bulk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_sumeru.bulk.messages import Schema, SchemaMessage

METADATA: dict[str, Schema] = {
    **{
        f"_sdc_{name}_at": {"type": ["null", "string"], "format": "date-time"}
        for name in ("extracted", "received", "batched", "deleted")
    },
    **{
        f"_sdc_{name}": {"type": ["null", "integer"]}
        for name in ("sequence", "table_version", "sync_started_at")
    },
}
"""The columns that singer-sdk targets add to a table, in their order."""


@dataclass(frozen=True)
class Table:
    """The table of a stream.

    Attributes:
        stream: Name of the stream.
        columns: Schema of each column, without those that targets add.
        key: Columns of the primary key; empty if rows are appended.
    """

    stream: str
    columns: dict[str, Schema] = field(hash=False)
    key: tuple[str, ...]

    @classmethod
    def of(cls, message: SchemaMessage) -> Table:
        """Return the table of a SCHEMA message.

        Raises:
            InputError: The schema has no columns, or not those of its key.
        """
        columns = message.schema.get("properties") or {}
        missing = [name for name in message.key_properties if name not in columns]
        if not columns or missing:
            raise InputError(f"{message.stream}: the SCHEMA lacks its {'key' if columns else 'columns'}.")
        return cls(message.stream, columns, tuple(message.key_properties))

    @property
    def name(self) -> str:
        """Name of the table, as singer-sdk targets derive it from that of the stream."""
        return self.stream.split("-")[-1]

    @cached_property
    def key_of(self) -> Callable[[bytes], tuple[Any, ...]]:
        """A function that returns the key of an encoded record; it raises `InputError` if there is none."""
        fields = {f"key{i}": name for i, name in enumerate(self.key)}
        kind = msgspec.defstruct("Key", [(field, str | int | float) for field in fields], rename=fields)
        decode, astuple = msgspec.json.Decoder(kind).decode, msgspec.structs.astuple

        def key_of(record: bytes) -> tuple[Any, ...]:
            try:
                return astuple(decode(record))
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise InputError(f"{self.stream}: a record has no value for its key.") from None

        return key_of
