"""The tap as the SDK requires it: settings, discovery, and the start of a sync or a check."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, StreamMapConfigError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import Catalog, Schema
from typing_extensions import override

from tap_sumeru.catalog.personal_columns import columns_of, personal_columns
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.command_line import CommandLine
from tap_sumeru.config.column_names import check_columns
from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.replication_keys import replication_keys
from tap_sumeru.config.schema import CONFIG_SCHEMA, DEFAULTS
from tap_sumeru.config.settings import Settings, check_types
from tap_sumeru.config.stream_maps import check_keys, check_maps, flattened_names
from tap_sumeru.errors import SettingsError, TapError
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.input_files import load_catalog
from tap_sumeru.output.batch_files import BatchConfig, BatchFiles
from tap_sumeru.output.mapped_records import emitting_maps
from tap_sumeru.output.private_columns import PrivateColumns, check_seed
from tap_sumeru.output.private_maps import PrivateMaps
from tap_sumeru.output.stream_writer import StreamWriter
from tap_sumeru.private_log import silence_libraries
from tap_sumeru.state.bookmarks import Bookmarks, State
from tap_sumeru.state.unknown_parts import unknown_parts
from tap_sumeru.state.validation import validate
from tap_sumeru.stream import SumeruStream
from tap_sumeru.sync.engine import Engine
from tap_sumeru.sync.results import Failure
from tap_sumeru.sync.run import Run
from tap_sumeru.sync.start_log import log_privacy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import CatalogEntry

    from tap_sumeru.catalog.selection import StreamSelection

logger = logging.getLogger("tap-sumeru")

silence_libraries()


class TapSumeru(CommandLine):
    """Singer tap for the Sumeru v1 admin API."""

    name = "tap-sumeru"
    package_name = "tap-sumeru"
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_SCHEMA
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    _settings: Settings | None = None

    def __init__(
        self,
        *,
        catalog: PurePath | str | dict[str, Any] | Catalog | None = None,
        **options: Any,  # noqa: ANN401 - those of the SDK
    ) -> None:
        if isinstance(catalog, (PurePath, str)):
            catalog = load_catalog(str(catalog))
        self._given_columns = columns_of(catalog)  # with the marks, which the SDK removes
        super().__init__(catalog=catalog, **options)

    @property
    @override
    def settings(self) -> Settings:
        """The settings, validated.

        Raises:
            SettingsError: A setting is not valid.
        """
        if self._settings is None:
            self._settings = Settings.from_config(self.config, datetime.now(UTC))
        return self._settings

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Validate the settings. Unlike the SDK's errors, ours quote no value."""
        self.append_builtin_config(self.config_jsonschema)
        try:
            self._config = given_values(self._config, self.config_jsonschema)
            _ = self.settings
            check_maps(self.config.get("stream_maps", {}))
            check_seed(self.settings.pii, self.config.get("stream_map_config"))
            BatchConfig.from_config(self.config.get("batch_config"))
        except SettingsError as error:
            if raise_errors:
                raise ConfigValidationError("Config validation failed", errors=[str(error)]) from None
            return [str(error)]
        return []

    @override
    def discover_streams(self) -> Sequence[SumeruStream]:
        """Return the streams: without a request, unless `discover_rows` has columns learned from rows."""
        keys = replication_keys(self.config)
        columns = self._discovered_columns(keys) if self.input_catalog is None else {}
        return [
            SumeruStream(self, self, spec, keys[name], columns.get(name)) for name, spec in STREAMS.items()
        ]

    def _discovered_columns(self, keys: dict[str, str]) -> dict[str, dict[str, Any]]:
        """Return the columns of the OpenAPI document and those learned from rows, by stream."""
        path = self.config.get("openapi_file")
        check_types({"openapi_file": path})
        described: dict[str, dict[str, Any]] = {}
        if path:
            from tap_sumeru.diagnose.openapi import read_columns  # noqa: PLC0415 - makes each start slower

            described = read_columns(path, keys)
        learned: dict[str, dict[str, Any]] = {}
        if self.config.get("discover_rows"):
            from tap_sumeru.diagnose.discovery import learn_columns  # noqa: PLC0415 - as above

            learned = learn_columns(self.settings, described)
        return {name: described.get(name, {}) | learned.get(name, {}) for name in STREAMS}

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog, with the keys `x-pii` and `x-provenance`, which the SDK removes from the schemas."""
        catalog: dict[str, Any] = super().catalog_dict
        for entry in catalog["streams"]:
            entry["schema"] = self.streams[entry["tap_stream_id"]].schema
        return catalog

    @override
    def setup_mapper(self) -> None:
        """Load the stream maps of selected streams: the SDK rejects a map of a deselected one."""
        check_columns(self.config, self.streams)
        try:
            self._load_maps()
        except (ConfigValidationError, StreamMapConfigError, TapError):
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises many kinds, and quotes expressions
            source = "stream_maps" if self.config.get("stream_maps") else "catalog"
            raise SettingsError(f"{source}: cannot be used ({type(error).__name__}).") from None

    def _load_maps(self) -> None:
        super(Tap, self).setup_mapper()
        how = self.config.get("pii", "keep")  # not from the settings: the SDK makes taps without valid ones
        maps = None if how == "keep" else PrivateMaps(self.mapper, how)
        for name, entry in self.catalog.items():
            if entry.metadata.resolve_selection()[()]:
                if maps:
                    self._hide(name, maps)
                applied = Catalog({name: self._as_applied(name, entry)})
                with flattened_names(name):
                    self.mapper.register_raw_streams_from_catalog(applied)
                    if maps:
                        maps.complete(name)
        check_keys(self.mapper.stream_maps)

    def _hide(self, name: str, maps: PrivateMaps) -> None:
        """Decide what becomes of the personal columns of a stream."""
        stream = self.streams.get(name)
        if isinstance(stream, SumeruStream):
            properties = stream.schema["properties"]
            personal = personal_columns(name, properties, self._given_columns.get(name, {}))
            selected = [column for column in properties if stream.mask["properties", column]]
            stream.private = maps.prepare(name, personal, selected, stream.primary_keys)

    def _as_applied(self, name: str, entry: CatalogEntry) -> CatalogEntry:
        """Return an entry of the catalog with the schema and the keys that the tap uses."""
        stream = self.streams.get(name)
        if not isinstance(stream, SumeruStream):
            return entry
        columns, deselected = stream.schema["properties"], stream.private.deselected
        kept = {column: one for column, one in columns.items() if column not in deselected}
        schema = Schema.from_dict({**stream.schema, "properties": kept})
        return replace(entry, stream=name, schema=schema, key_properties=list(stream.primary_keys))

    @override
    def load_state(self, state_dict: dict[str, Any]) -> None:
        """Load a state after validating it, whole: what this version does not know passes through.

        Raises:
            StateError: The state is not valid.
        """
        if not state_dict:
            return
        shops = self.settings.configured
        validate(state_dict, shops)
        for line in unknown_parts(state_dict, shops, DEFAULTS["shop"]):
            self.logger.warning("%s", line)
        cast("State", self.state).update(state_dict)

    def read(self, stream: SumeruStream, context: Context | None) -> Iterable[Record]:
        """Yield the records of one stream, without writing a message.

        Raises:
            TapError: The read failed.
        """
        shops = tuple(shop for shop in self.settings.shops if not context or shop.name == context["shop"])
        engine = Engine(self.settings.only(shops), [stream.selection()], Bookmarks({}), datetime.now(UTC))
        for item in engine.items():
            if isinstance(item, ReadPage):
                yield from item.records
            elif isinstance(item, Failure):
                raise TapError(str(item)) from item.error

    @override
    def run(self) -> int:
        """Sync all selected streams; return the exit code."""
        selected = [one for one in self.streams.values() if one.selected and isinstance(one, SumeruStream)]
        batch_config = BatchConfig.from_config(self.config.get("batch_config"))
        files = BatchFiles(batch_config, self.message_writer) if batch_config else None
        writers = {}
        for stream in selected:
            stream.choose_replication_key(self.settings.options[stream.name].replication_key)
            for level, note in stream.catalog_schema.notes(stream.name) if self.input_catalog else ():
                logger.log(level, "%s", note)
            writer = writers[stream.name] = StreamWriter(stream, self.message_writer, files)
            if stream.full_table:
                writer.version = int(time.time() * 1000)
        if self.settings.pii != "keep":
            emitted = {stream.name: stream.private for stream in selected if emitting_maps(stream)}
            log_privacy(self.settings.pii, emitted)
        selections = [stream.selection(columnar=writers[stream.name].direct) for stream in selected]
        state = cast("State", self.state)
        return Run(self.settings, selections, writers, state, self.message_writer, files=files).sync()

    @override
    def check(self, *, json: bool) -> int:
        """Check the selected streams of all shops; return the exit code."""
        from tap_sumeru.diagnose.command import run_check  # noqa: PLC0415 - makes each start slower

        return run_check(self.settings, self._selections(), json=json)

    @override
    def estimate(self, *, json: bool) -> int:
        """Estimate a first sync of the selected streams of all shops; return the exit code."""
        from tap_sumeru.diagnose.command import run_estimate  # noqa: PLC0415 - makes each start slower

        return run_estimate(self.settings, self._selections(), json=json)

    def _selections(self) -> list[StreamSelection]:
        """Return what is selected, with records that are dicts."""
        selected = [one for one in self.streams.values() if one.selected and isinstance(one, SumeruStream)]
        for stream in selected:
            stream.choose_replication_key(self.settings.options[stream.name].replication_key)
            stream.private = PrivateColumns()  # unknown fields are in `extra`; no value is emitted
        return [stream.selection() for stream in selected]

    @override  # type: ignore[misc]  # final in the SDK, see below
    def sync_all(self) -> None:
        """Sync all selected streams.

        The SDK marks this method as final; the tap replaces the loop behind it to keep failures isolated.

        Raises:
            TapError: The sync failed; the log has the reasons.
        """
        if code := self.run():
            raise TapError(f"The sync failed with exit code {code}.")

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Exit at once: this handler is active only outside of a sync, which sets its own."""
        sys.exit(128 + signum)
