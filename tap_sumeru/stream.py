"""A stream as the SDK requires it, for discovery, selection and stream maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import SelectionMask
from typing_extensions import override

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.overrides import CatalogSchema, apply_schema
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.errors import CatalogError
from tap_sumeru.output.mapped_records import masked_columns
from tap_sumeru.output.private_columns import PrivateColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

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
        learned: Columns that a discovery adds or replaces.

    Attributes:
        private: What becomes of its personal columns.
    """

    def __init__(
        self,
        tap: Tap,
        source: StreamSource,
        spec: StreamSpec,
        replication_key: str,
        learned: stream_schemas.Schema | None = None,
    ) -> None:
        self.spec = spec
        self._source = source
        schema = stream_schemas.load_for_reading(spec.name, learned)
        self.private = PrivateColumns()
        self.catalog_schema = CatalogSchema(schema, _retyped(spec, schema) if learned else frozenset())
        super().__init__(tap, self.catalog_schema.schema, spec.name)
        self.primary_keys = spec.primary_key
        self.replication_key = replication_key

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """The SDK would drop members of objects that a schema does not have."""

    @property
    @override
    def schema(self) -> stream_schemas.Schema:
        """The schema, as the catalog has it."""
        return self.catalog_schema.schema

    @property
    @override
    def effective_schema(self) -> stream_schemas.Schema:
        """The schema, as the catalog has it."""
        return self.schema

    @property
    @override
    def mask(self) -> SelectionMask:
        """What is selected: by the catalog, and by the setting `pii`."""
        mask = super().mask
        if not self.private.deselected:
            return mask
        return SelectionMask(mask | {("properties", name): False for name in self.private.deselected})

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Use the schema, the keys and the selection of a catalog.

        Raises:
            CatalogError: A type or a key cannot be honoured.
        """
        keys = {self.replication_key}
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        if entry is None or not self.selected:
            return
        if entry.key_properties is None and not self.primary_keys:
            self.primary_keys = self.spec.primary_key
        self.catalog_schema = apply_schema(
            self.name,
            self.schema,
            entry.schema.to_dict(),
            moments={key for key in {*keys, self.replication_key} if key},
            parent_column=self.spec.parent_column,
        )
        for key in self.primary_keys:
            if key not in self.schema["properties"]:
                raise CatalogError(
                    f"catalog: {self.name}: the key property {mask_name(key)} is not a column."
                )

    def choose_replication_key(self, chosen: str) -> None:
        """Use the key of the settings; the catalog's takes precedence over the default alone."""
        if chosen != self.spec.replication_key or not self.replication_key:
            self.replication_key = chosen

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
        deselected = {
            breadcrumb[1] for breadcrumb, selected in self.mask.items() if breadcrumb and not selected
        }
        return StreamSelection(
            self.name,
            properties,
            tuple(name for name in properties if self.mask["properties", name]),
            self.replication_key,
            full_table=self.full_table,
            protected=masked_columns(self) | deselected,
            retyped=self.catalog_schema.retyped,
            columnar=columnar,
        )


def _retyped(spec: StreamSpec, schema: stream_schemas.Schema) -> frozenset[str]:
    """Return the columns whose values are converted, as in a sync with a catalog of this schema."""
    own = stream_schemas.load_for_reading(spec.name)
    return apply_schema(spec.name, own, schema, moments=(), parent_column=spec.parent_column).retyped
