"""Which columns of a stream are read, and which personal ones are hashed or dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.personal_columns import personal_columns
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.output.encoding import plain_record
from tap_sumeru.output.private_columns import hashed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence


def stream_selection(
    stream: str, columns: Collection[str] | None, pii: str, *, full_table: bool
) -> StreamSelection:
    """Return what is read of a stream.

    Args:
        stream: Name of the stream.
        columns: The columns to read besides the key, None for all. Those of other streams are ignored.
        pii: What happens to personal columns: `keep`, `hash` or `drop`.
        full_table: Whether all rows are read, whatever the state says.
    """
    properties = stream_schemas.load(stream)["properties"]
    key = STREAMS[stream].primary_key
    selected = [name for name in properties if columns is None or name in columns or name in key]
    personal = hidden_columns(stream, pii)
    if pii != "keep":
        left_out = {"extra", *(personal if pii == "drop" else ())}
        selected = [name for name in selected if name not in left_out]
    protected = properties.keys() - selected | set(personal)
    return StreamSelection(
        stream,
        properties,
        tuple(selected),
        full_table=full_table,
        protected=frozenset(protected),
        columnar=pii != "hash",
    )


def hidden_columns(stream: str, pii: str) -> tuple[str, ...]:
    """Return the columns of a stream that are hashed or left out, without `extra`."""
    if pii == "keep":
        return ()
    return personal_columns(stream, stream_schemas.load(stream)["properties"], {})


def with_hashes(records: Sequence[Any], hidden: Collection[str], seed: str) -> Iterator[dict[str, Any]]:
    """Yield records, as dicts, with the salted hashes of their personal values; null stays null."""
    for record in records:
        plain = plain_record(record)
        for name in hidden:
            if plain.get(name) is not None:
                plain[name] = hashed(plain[name], seed)
        yield plain
