"""What the tap uses of singer-sdk beyond its public promises: each name is pinned by what it does.

A test fails when the line of the tap that uses the name is removed, or when the SDK renames it.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_sumeru.errors import SettingsError, TapError
from tap_sumeru.output.messages import MessageWriter
from tap_sumeru.output.stream_writer import StreamWriter
from tap_sumeru.stream import SumeruStream
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Json, Tap

SECRET = "copt_live_aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g"
RECORD = {"shop": "acme", "id": "ord_1", "email": "jane@example.com", "extra": None}


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """Restore the handlers of the process, which every tap replaces."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


def make_tap(catalog: Json | None = None, **config: Any) -> TapSumeru:
    return TapSumeru(config={"api_token": SECRET, "shop": "acme", **config}, catalog=catalog)


def stream_of(tap: TapSumeru, name: str = "orders") -> SumeruStream:
    stream = tap.streams[name]
    assert isinstance(stream, SumeruStream)
    return stream


def writer_of(tap: TapSumeru, name: str = "orders") -> StreamWriter:
    return StreamWriter(stream_of(tap, name), MessageWriter())


def written(capsys: pytest.CaptureFixture[str]) -> list[Json]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def full_table(tap: Tap, stream: str) -> Json:
    catalog = tap.catalog(stream)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        for item in entry["metadata"]:
            if item["breadcrumb"] == []:
                item["metadata"]["forced-replication-method"] = "FULL_TABLE"
    return catalog


# The version of a FULL_TABLE read, which the SDK keeps in Stream._stream_version


def test_mapped_records_of_a_full_table_stream_have_the_version_that_is_activated(tap: Tap) -> None:
    """Without a version, the target soft-deletes all records."""
    output = tap.sync(catalog=full_table(tap, "products"), stream_maps={"products": {"shop": "shop"}})
    assert output.code == 0, output.log
    (activated,) = output.of_type("ACTIVATE_VERSION")
    records = output.of_type("RECORD")
    assert records
    assert {record.get("version") for record in records} == {activated["version"]}


@pytest.mark.parametrize("maps", [{}, {"orders": {"email": "email.upper()"}}])
def test_records_have_the_version_of_their_writer(
    capsys: pytest.CaptureFixture[str], maps: dict[str, Any]
) -> None:
    writer = writer_of(make_tap(stream_maps=maps))
    assert writer.direct is not bool(maps)
    writer.write_records([RECORD])
    writer.version = 1_800_000_000_000
    writer.write_records([RECORD])
    _, without, versioned = written(capsys)
    assert "version" not in without
    assert versioned["version"] == 1_800_000_000_000


# singer_sdk.Stream._generate_schema_messages, mask; SameRecordTransform


def test_schema_messages_follow_the_stream_maps(capsys: pytest.CaptureFixture[str]) -> None:
    maps = {"orders": {"__alias__": "sales", "email": None, "domain": "email.split('@')[1]"}}
    writer_of(make_tap(stream_maps=maps)).write_schema()
    (schema,) = written(capsys)
    assert (schema["type"], schema["stream"], schema["key_properties"]) == ("SCHEMA", "sales", ["shop", "id"])
    assert "email" not in schema["schema"]["properties"]
    assert "domain" in schema["schema"]["properties"]


def test_schema_messages_keep_the_marks_of_personal_data(capsys: pytest.CaptureFixture[str]) -> None:
    writer_of(make_tap()).write_schema()
    (schema,) = written(capsys)
    assert schema["schema"]["properties"]["email"]["x-pii"] is True


def test_record_messages_follow_the_stream_maps(capsys: pytest.CaptureFixture[str]) -> None:
    maps = {"orders": {"__alias__": "sales", "email": "email.upper()"}}
    writer_of(make_tap(stream_maps=maps)).write_records([RECORD])
    schema, record = written(capsys)
    assert (schema["type"], record["type"], record["stream"]) == ("SCHEMA", "RECORD", "sales")
    assert record["record"]["email"] == "JANE@EXAMPLE.COM"
    assert record["time_extracted"].endswith("Z") or record["time_extracted"].endswith("+00:00")


@pytest.mark.parametrize(
    ("config", "direct"),
    [
        ({}, True),
        ({"stream_maps": {"customers": {"email": None}}}, True),
        ({"stream_maps": {"orders": {"email": None}}}, False),
        ({"stream_maps": {"orders": {"__alias__": "sales"}}}, False),
        ({"flattening_enabled": True, "flattening_max_depth": 1}, False),
        ({"flattening_enabled": False, "flattening_max_depth": 1}, True),
    ],
)
def test_records_go_out_as_they_are_shaped_only_if_the_sdk_would_not_change_them(
    config: dict[str, Any], direct: bool
) -> None:
    assert writer_of(make_tap(**config)).direct is direct


@pytest.mark.parametrize(
    ("breadcrumb", "direct", "column"),
    [
        (("properties", "email"), True, False),
        (("properties", "shipping_address", "properties", "city"), False, True),
    ],
)
def test_the_mask_says_what_the_catalog_selects(
    tap: Tap, breadcrumb: tuple[str, ...], direct: bool, column: bool
) -> None:
    catalog = tap.catalog("orders")
    (entry,) = (one for one in catalog["streams"] if one["stream"] == "orders")
    entry["metadata"] = [one for one in entry["metadata"] if tuple(one["breadcrumb"]) != breadcrumb]
    entry["metadata"].append(
        {"breadcrumb": list(breadcrumb), "metadata": {"selected": False, "inclusion": "available"}}
    )
    made = make_tap(catalog)
    writer, selection = writer_of(made), stream_of(made).selection()
    assert writer.direct is direct
    assert (breadcrumb[1] in writer.columns) is column
    assert (breadcrumb[1] in selection.columns) is column
    assert breadcrumb[1] in selection.protected


# singer_sdk.Stream._increment_stream_state, TYPE_CONFORMANCE_LEVEL, get_batch_config


def sandbox_tap(sandbox: Sandbox, **config: Any) -> TapSumeru:
    return make_tap(api_url=sandbox.url, api_token=sandbox.token("acme"), **config)


def test_records_that_the_sdk_reads_move_no_bookmark(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    tap = sandbox_tap(sandbox)
    assert tap.run_connection_test()
    stream = stream_of(tap)
    stream.ABORT_AT_RECORD_COUNT = None  # no limit
    stream.sync()
    assert [one for one in written(capsys) if one["type"] == "RECORD" and one["stream"] == "orders"]
    text = json.dumps(tap.state)
    assert "replication_key_value" not in text
    assert "progress_markers" not in text


def test_records_that_the_sdk_reads_keep_members_that_the_catalog_does_not_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = make_tap().catalog_dict
    (entry,) = (one for one in catalog["streams"] if one["stream"] == "orders")
    column = {"type": ["object", "null"], "properties": {"city": {"type": "string"}}}
    entry["schema"]["properties"]["depot"] = column
    stream = stream_of(make_tap(catalog))
    depot = {"city": "Pune", "landmark": "the old mill"}
    monkeypatch.setattr(stream, "get_records", lambda _: [{**RECORD, "depot": depot}])
    stream.sync()
    (record,) = [one["record"] for one in written(capsys) if one["type"] == "RECORD"]
    assert record["depot"] == depot


def test_the_connection_test_writes_no_batch_file(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batches = tmp_path / "batches"
    storage = {"root": batches.as_uri(), "prefix": ""}
    encoding = {"format": "jsonl", "compression": "none"}
    batch_config = {"encoding": encoding, "storage": storage, "batch_size": 1}
    assert sandbox_tap(sandbox, batch_config=batch_config).run_connection_test()
    assert not batches.exists()
    assert "BATCH" not in capsys.readouterr().out


# singer_sdk.Tap._env_var_config, _env_var_prefix; singer_sdk.configuration._dict_config;
# singer_sdk.helpers._classproperty


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    shops = [{"shop": "acme", "api_token": SECRET}]
    monkeypatch.setenv("TAP_SUMERU_SHOPS", json.dumps(shops))
    monkeypatch.setenv("TAP_SUMERU_CONCURRENCY", "3")
    monkeypatch.setenv("TAP_SUMERU_STREAM_MAPS", '{"orders": {"email": null}}')
    tap = TapSumeru(config={}, parse_env_config=True)
    assert [shop.name for shop in tap.settings.shops] == ["acme"]
    assert tap.settings.concurrency == 3
    assert tap.config["stream_maps"] == {"orders": {"email": None}}
    assert TapSumeru._env_var_config["concurrency"] == 3  # noqa: SLF001 - the SDK has it on the class


SHOPS = "a list of objects with the keys shop, api_token"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TAP_SUMERU_CONCURRENCY", SECRET, "TAP_SUMERU_CONCURRENCY: must be an integer."),
        ("TAP_SUMERU_SHOPS", f'[{{"api_token": "{SECRET}"', f"TAP_SUMERU_SHOPS: must be JSON: {SHOPS}."),
    ],
)
def test_an_unusable_variable_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        TapSumeru(config={}, parse_env_config=True)
    assert str(caught.value) == message
    assert caught.value.__context__ is None


# singer_sdk.Tap._validate_config


def test_an_unusable_setting_is_named_and_not_quoted() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        make_tap(concurrency=SECRET)
    assert caught.value.errors == ["concurrency: must be an integer."]


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ({"stream_maps": {"orders": {"email": f"({SECRET}"}}}, "stream_maps.orders.email"),
        ({"batch_config": {"storage": {"params": SECRET}}}, "batch_config"),
    ],
)
def test_settings_of_the_sdk_are_validated_too(config: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        make_tap(**config)
    (error,) = caught.value.errors
    assert error.startswith(setting)
    assert SECRET not in error


def test_without_validation_a_tap_can_be_made_of_unusable_settings() -> None:
    assert TapSumeru(config={"concurrency": "eight"}, validate_config=False).streams


# singer_sdk.Tap._handle_termination, sync_all


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_outside_of_a_run_ends_the_process_without_a_state(
    signum: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    tap = make_tap()
    with pytest.raises(SystemExit) as caught:
        signal.raise_signal(signum)
    assert caught.value.code == 128 + signum
    assert capsys.readouterr().out == ""
    assert tap.state == {}


@pytest.mark.parametrize(("code", "fails"), [(0, False), (1, True), (143, True)])
def test_sync_all_is_the_taps_own_run(monkeypatch: pytest.MonkeyPatch, code: int, fails: bool) -> None:
    tap = make_tap()
    monkeypatch.setattr(tap, "run", lambda: code)
    if not fails:
        tap.sync_all()
        return
    with pytest.raises(TapError, match=f"exit code {code}"):
        tap.sync_all()
