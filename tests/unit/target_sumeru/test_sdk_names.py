"""What the target uses of singer-sdk beyond its public promises: each name is pinned by what it does.

A test fails when the line of the target that uses the name is removed, or when the SDK renames it.
"""

from __future__ import annotations

import io
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Target

from target_sumeru.errors import InputError
from target_sumeru.target import TargetSumeru

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.target_cli import Json

SCHEMA = {"type": "SCHEMA", "stream": "customers", "schema": {"properties": {"id": {}, "tags": {}}}}
RECORD = {"type": "RECORD", "stream": "customers", "record": {"id": "c", "tags": ["a"]}}


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """Restore the handlers of the process, which every target replaces."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def target() -> Iterator[TargetSumeru]:
    made = TargetSumeru(config={"api_token": "copt_test_x", "shop": "acme", "api_url": "http://127.0.0.1:9"})
    yield made
    made.close()


def feed(target: TargetSumeru, *messages: Json) -> None:
    """Feed messages to a target, up to the end of the input."""
    lines = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    target.process_lines(io.BytesIO(lines))  # type: ignore[arg-type]  # as the SDK does


def test_no_message_reaches_a_sink_and_no_state_goes_out_early(
    target: TargetSumeru, capsys: pytest.CaptureFixture[str]
) -> None:
    """_process_schema_message, _process_record_message, _process_state_message."""
    feed(target, SCHEMA, RECORD, {"type": "STATE", "value": {"a": 1}})
    assert target._sinks_active == {}  # noqa: SLF001 - what is pinned
    assert target._latest_state is None  # noqa: SLF001 - as above
    assert capsys.readouterr().out == ""


def test_the_age_of_records_drains_nothing(target: TargetSumeru, capsys: pytest.CaptureFixture[str]) -> None:
    """_handle_max_record_age, _latest_state, _last_full_drain_at: the SDK would emit a STATE."""
    target._last_full_drain_at = 0.0  # noqa: SLF001 - what is pinned
    target._latest_state = {"a": 1}  # type: ignore[dict-item]  # noqa: SLF001 - as above
    Target._handle_max_record_age(target)  # noqa: SLF001 - as above
    assert capsys.readouterr().out == '{"a": 1}\n'
    target._last_full_drain_at = 0.0  # noqa: SLF001 - as above
    target._handle_max_record_age()  # noqa: SLF001 - as above
    assert capsys.readouterr().out == ""


def test_a_signal_exits_with_its_number(target: TargetSumeru) -> None:
    """_handle_termination: the SDK would drain its sinks and exit with 0."""
    with pytest.raises(SystemExit) as raised:
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.code == 143
    assert target.exit_code == 0


def test_a_batch_is_an_error(target: TargetSumeru) -> None:
    """_process_batch_message."""
    with pytest.raises(InputError, match="line 2: is a BATCH message"):
        feed(target, SCHEMA, {"type": "BATCH", "stream": "customers", "encoding": {}, "manifest": []})


def test_a_version_is_ignored(target: TargetSumeru) -> None:
    """_process_activate_version_message: the SDK would look for a sink."""
    feed(target, SCHEMA, {"type": "ACTIVATE_VERSION", "stream": "customers", "version": 1})


@pytest.mark.parametrize("message", [{"type": "SCHEMA"}, {"type": "STATE"}, {"type": "kanari"}, {"a": 1}])
def test_errors_of_the_reader_quote_no_line(target: TargetSumeru, message: dict[str, Any]) -> None:
    """assert_line_requires, _process_unknown_message."""
    with pytest.raises(InputError) as raised:
        feed(target, {**message, "jane@kanari.example": "kanari"})
    assert "kanari" not in str(raised.value)


def test_settings_of_sinks_are_not_offered() -> None:
    """append_builtin_config: those of the SDK would have no effect."""
    properties = TargetSumeru._get_about_info().settings["properties"]  # noqa: SLF001 - what is pinned
    assert {"stream_maps", "flattening_enabled", "compare"} <= set(properties)
    assert not {"add_record_metadata", "load_method", "batch_size_rows", "validate_records"} & set(properties)


def test_a_map_that_removes_a_stream_is_recognised(target: TargetSumeru) -> None:
    """singer_sdk.mapper.RemoveRecordTransform: its stream need not be one of the target's."""
    config = {"api_token": "copt_test_x", "shop": "acme", "stream_maps": {"weather": "__NULL__"}}
    removing = TargetSumeru(config=config)
    feed(removing, {**SCHEMA, "stream": "weather"}, {**RECORD, "stream": "weather"})
    removing.close()
    with pytest.raises(InputError, match="weather: is not a stream of the target"):
        feed(target, {**SCHEMA, "stream": "weather"})
