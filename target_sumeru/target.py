"""The target as the SDK requires it: settings, messages, and the run at the end of the input.

The SDK's sinks are not used: they let STATE overtake the writes. All rows are taken in first; then `run.py`
plans and writes.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from singer_sdk.exceptions import ConfigValidationError, StreamMapConfigError
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper import RemoveRecordTransform
from typing_extensions import override

from sumeru_api.redaction import mask_name
from tap_sumeru.config.stream_maps import check_maps
from tap_sumeru.errors import SettingsError, StreamMapError, TapError
from tap_sumeru.output import stdout
from tap_sumeru.output.map_faults import map_fault
from tap_sumeru.private_log import silence_libraries
from tap_sumeru.sync.signals import stop_on_signal
from target_sumeru.apply.report import Report
from target_sumeru.command_line import CommandLine, open_input
from target_sumeru.config.schema import CONFIG_SCHEMA
from target_sumeru.config.settings import Settings
from target_sumeru.errors import InputError
from target_sumeru.input.intake import Intake
from target_sumeru.input.reader import MessageReader
from target_sumeru.input.spool import Spool
from target_sumeru.ledger import Ledger, exists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.mapper import StreamMap

_SHARED_LEDGER = (
    "Shop %s: the last run with this ledger used another token. If that is of another shop, give each shop a "
    "name (`shop`) or a ledger of its own: what one has would count as written to the other."
)

silence_libraries()


class TargetSumeru(CommandLine):
    """Singer target for the Sumeru v1 admin API."""

    name = "target-sumeru"
    package_name = "tap-sumeru"
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_SCHEMA
    message_reader_class = MessageReader
    message_reader: MessageReader
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of the SDK
        self._settings: Settings | None = None
        self._intake: Intake | None = None
        self._open = ExitStack()
        self._show = False
        self._told_of_versions = False
        self.exit_code = 0
        super().__init__(**options)

    @property
    def settings(self) -> Settings:
        """The settings, validated.

        Raises:
            SettingsError: A setting is not valid.
        """
        if self._settings is None:
            self._settings = Settings.from_config(self.config)
        return self._settings

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Validate the settings. Unlike the SDK's errors, ours quote no value."""
        self.append_builtin_config(self.config_jsonschema)
        try:
            _ = self.settings
            check_maps(self.config.get("stream_maps") or {})
        except SettingsError as error:
            if raise_errors:
                raise ConfigValidationError("Config validation failed", errors=[str(error)]) from None
            return [str(error)]
        return []

    @override
    def setup_mapper(self) -> None:
        """Load the stream maps."""
        try:
            super().setup_mapper()
        except (ConfigValidationError, StreamMapConfigError, TapError):
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises many kinds, and quotes expressions
            raise SettingsError(f"stream_maps: cannot be used ({type(error).__name__}).") from None

    @override
    def run(self, file_input: str | None, rows: Sequence[str], *, plan: bool) -> int:
        """Write the rows of the input; return the exit code.

        Args:
            file_input: Path of a file of Singer messages, None for standard input.
            rows: Files of plain rows, which replace the messages.
            plan: Whether nothing is written, whatever the settings say, and the plan is printed.

        Raises:
            TapError: The input or a file cannot be used; nothing was written.
        """
        self._show = plan
        if plan:
            self._settings = replace(self.settings, plan_only=True)
        with self._open:
            intake = self._take_in()
            if rows:
                for given in rows:
                    intake.rows_file(given)
                self.process_endofpipe()
            else:
                with open_input(file_input) if file_input else nullcontext() as file:
                    self.listen(file)  # type: ignore[arg-type]  # bytes, as the reader reads them
        return self.exit_code

    def _take_in(self) -> Intake:
        """Return the intake of the run; the first call opens its files."""
        if self._intake is None:
            settings = self.settings
            path = settings.ledger_path
            lasting = path if not settings.plan_only or (path and exists(path)) else ""
            self._ledger = self._open.enter_context(Ledger(lasting, settings.places))
            for shop in settings.shops.values():
                if self._ledger.token_changed(shop.name, shop.token, remember=not settings.plan_only):
                    self.logger.warning(_SHARED_LEDGER, mask_name(shop.name))
            # Only now, because another run that uses the ledger may write the same report.
            self._report = self._open.enter_context(Report(settings.report_path, uuid4().hex))
            if settings.compare == "ledger" and not path:
                self.logger.info("Without `ledger_path`, rows are not compared: each run writes all of them.")
            self._spool = self._open.enter_context(Spool())
            self._intake = Intake(settings, self._spool)
        return self._intake

    def close(self) -> None:
        """Close the files of the run, without writing anything."""
        self._open.close()
        self._intake = None

    @override
    def process_endofpipe(self) -> None:
        """Plan and write, after all of the input has been taken in."""
        from target_sumeru.run import Run  # noqa: PLC0415 - not needed for --about

        self._take_in()
        with self._open, stop_on_signal() as stop:
            show = self._print if self._show else None
            files = (self._spool, self._ledger, self._report)
            run = Run(self.settings, *files, stop=stop, emit_state=_write_line, show=show)
            self.exit_code = run.execute()
        self._intake = None

    @override
    def check(self) -> int:
        """Check token, scopes and ledger; return the exit code."""
        from target_sumeru.check import run_check  # noqa: PLC0415 - not needed for a run

        return run_check(self.settings, self._print)

    # Messages

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        self._assert_line_requires(message_dict, requires={"stream", "schema"})
        name, schema = message_dict["stream"], message_dict["schema"]
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(name, str) or not isinstance(properties, dict):
            raise InputError(f"line {self.message_reader.line}: is not a SCHEMA with `properties`.")
        try:
            self.mapper.register_raw_stream_schema(name, schema, message_dict.get("key_properties"))
        except (ConfigValidationError, StreamMapConfigError, TapError):
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises many kinds, and quotes expressions
            raise SettingsError(f"stream_maps: cannot be used ({type(error).__name__}).") from None
        intake = self._take_in()
        for stream_map in self.mapper.stream_maps[name]:
            if not isinstance(stream_map, RemoveRecordTransform):
                intake.schema(stream_map.stream_alias, stream_map.transformed_schema["properties"])

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        line = self.message_reader.line
        record = message_dict.get("record")
        stream_maps = self.mapper.stream_maps.get(str(message_dict.get("stream")))
        if not isinstance(record, dict):
            raise InputError(f"line {line}: is not a RECORD with `record`.")
        if stream_maps is None:
            raise InputError(f"line {line}: a RECORD comes before the SCHEMA of its stream.")
        intake = self._take_in()
        for stream_map in stream_maps:
            mapped = _mapped(stream_map, record, line)
            if mapped is not None:
                intake.record(stream_map.stream_alias, mapped, line)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        self._assert_line_requires(message_dict, requires={"value"})
        self._take_in().state(message_dict["value"])

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        if not self._told_of_versions:
            self._told_of_versions = True
            self.logger.info(
                "ACTIVATE_VERSION is ignored: rows that are missing in the input are not deleted."
            )

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise InputError(
            f"line {self.message_reader.line}: is a BATCH message, which the target cannot read. "
            "Remove `batch_config` from the tap's settings."
        )

    @override
    def _handle_max_record_age(self) -> None:
        """Do nothing: rows wait for the end of the input, however long it takes."""

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Exit at once: this handler is active only before the first request, while nothing is written."""
        sys.exit(128 + signum)

    def _print(self, text: str) -> None:
        """Print a text for a person."""
        _write_line(text.encode())


def _mapped(stream_map: StreamMap, record: dict[str, Any], line: int) -> dict[str, Any] | None:
    try:
        return stream_map.transform(record)
    except Exception as error:  # noqa: BLE001 - expressions raise any kind, and quote values
        fault = map_fault(stream_map, record, error)
        known = isinstance(fault, StreamMapError)
        text = str(fault) if known else f"a stream map fails ({type(error).__name__})"
        raise InputError(f"line {line}: {text}.") from None


def _write_line(content: bytes) -> None:
    stdout.write(content + b"\n")
