"""A stream as the SDK requires it, for discovery, selection and stream maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk import Stream
from typing_extensions import override

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import Settings

_FULL_TABLE = "FULL_TABLE"


class StreamSource(Protocol):
    """Reads the records of a stream; the tap implements it."""

    @property
    def settings(self) -> Settings:
        """The settings, validated."""

    def read(self, stream: SumeruStream, context: Context | None) -> Iterable[Record]:
        """Yield the records of one stream."""


class SumeruStream(Stream):
    """A stream of the tap.

    A sync uses `sync.run.Run` instead of `get_records`; only `--test` and the SDK's tests call that.

    Args:
        tap: The tap.
        source: Reads the stream.
        spec: The definition of the stream.
        replication_key: Its replication key.
    """

    def __init__(self, tap: Tap, source: StreamSource, spec: StreamSpec, replication_key: str) -> None:
        self.spec = spec
        self._source = source
        super().__init__(tap, stream_schemas.load(spec.name), spec.name)
        self.primary_keys = spec.primary_key
        self.replication_key = replication_key

    @property
    def full_table(self) -> bool:
        """Whether the replication method is FULL_TABLE."""
        return self.replication_method == _FULL_TABLE

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        """One partition per shop."""
        return [{"shop": shop.name} for shop in self._source.settings.shops]

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield the records of one shop, or of all shops without a context.

        Raises:
            TapError: The read failed.
        """
        yield from self._source.read(self, context)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Disable the SDK's BATCH, which ignores maps and selection; `output.batch_files` replaces it."""

    @override
    def _increment_stream_state(self, *_: Any, **__: Any) -> None:
        """Disable the SDK's bookmarks, which follow single records; `state.bookmarks` replaces them."""

    def selection(self, *, columnar: bool = False) -> StreamSelection:
        """Return what the catalog selects of this stream.

        Args:
            columnar: Whether records may be structs, which only the tap's own encoder can encode.
        """
        properties = self.schema["properties"]
        mapped = (self.config.get("stream_maps") or {}).get(self.name)
        partly = {breadcrumb[1] for breadcrumb, selected in self.mask.items() if breadcrumb and not selected}
        return StreamSelection(
            self.name,
            properties,
            tuple(name for name in properties if self.mask["properties", name]),
            self.replication_key,
            full_table=self.full_table,
            protected=frozenset({*partly, *(mapped if isinstance(mapped, dict) else ())}),
            columnar=columnar,
        )
