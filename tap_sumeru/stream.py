"""The SDK's face of a stream: what it discovers, selects and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk import Stream
from typing_extensions import override

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import PRIMARY_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import Settings

_FULL_TABLE = "FULL_TABLE"


class StreamSource(Protocol):
    """Where the records of a stream come from: the tap."""

    @property
    def settings(self) -> Settings:
        """The settings, checked."""

    def read(self, stream: SumeruStream, context: Context | None) -> Iterable[Record]:
        """Yield the records of one stream."""


class SumeruStream(Stream):
    """A stream of the tap, for the SDK.

    A sync does not use it but `sync.run.Run`; `get_records` reads one stream alone, as `--test` and the SDK's
    own tests require.

    Args:
        tap: The tap, for the SDK.
        source: The tap again, which reads the stream.
        spec: The stream.
        replication_key: Its replication key.
    """

    def __init__(self, tap: Tap, source: StreamSource, spec: StreamSpec, replication_key: str) -> None:
        self.spec = spec
        self._source = source
        super().__init__(tap, stream_schemas.load(spec.name), spec.name)
        self.primary_keys = PRIMARY_KEY
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
            TapError: The stream could not be read.
        """
        yield from self._source.read(self, context)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Leave BATCH to a sync: the SDK's own skips maps and selection, and `--test` must write no file."""

    @override
    def _increment_stream_state(self, *_: Any, **__: Any) -> None:
        """Leave the bookmarks to a sync: they follow what is complete, not what was seen."""

    def selection(self, *, columnar: bool = False) -> StreamSelection:
        """Return what the catalog selects of this stream.

        Args:
            columnar: Whether records may be structs that only the tap's own encoder understands.
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
