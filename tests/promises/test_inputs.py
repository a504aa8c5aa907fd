"""Promise 6, never silent: what the user gives is read as meant, or named in one line with what to do."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.in_process import (
    BASE,
    TOKEN,
    Inputs,
    assert_rejected,
    discover,
    partition,
    run_without_api,
    state,
    warnings,
)
from tap_sumeru.config.schema import CONFIG_SCHEMA

if TYPE_CHECKING:
    from support.tap_cli import Tap

MARKS = {
    "UTF-8 with a mark": ("utf-8", codecs.BOM_UTF8),
    "UTF-16 little endian": ("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16 big endian": ("utf-16-be", codecs.BOM_UTF16_BE),
}
"""As editors on Windows write files."""


# Files


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\t", codecs.BOM_UTF8, codecs.BOM_UTF16_LE + b"\n\0"])
def test_an_empty_state_file_is_no_state(inputs: Inputs, content: bytes) -> None:
    """A shell that redirects into the state file empties it first: singer-io/getting-started#39."""
    output = inputs.run(state=content)
    assert output.code == 0, output.log
    assert "state: the file is empty" in output.log


def test_the_pipeline_of_the_readme_runs_again_after_a_run_that_wrote_no_state(tap: Tap) -> None:
    (tap.folder / "state.json").write_bytes(b"")
    output = tap.run([*tap.command(), "--state", str(tap.folder / "state.json")])
    assert output.code == 0, output.log
    assert output.counts()["customers"] == 100


@pytest.mark.parametrize(("encoding", "mark"), MARKS.values(), ids=MARKS.keys())
def test_a_byte_order_mark_is_accepted_in_every_input_file(
    inputs: Inputs, encoding: str, mark: bytes
) -> None:
    def encoded(content: Any) -> bytes:
        return mark + json.dumps(content, ensure_ascii=False).encode(encoding)

    shops = inputs.file("shops", encoded([{"shop": "Müller", "api_token": TOKEN}]))
    config = inputs.file("config", encoded({"shops_file": shops}))
    output = run_without_api(
        "--config", config,
        "--state", inputs.file("state", encoded(state(partition("Müller")))),
        "--catalog", inputs.file("catalog", encoded(discover())),
    )  # fmt: skip
    assert output.code == 0, output.log
    assert output.state == state(partition("Müller"))
    assert "not in the settings" not in output.log


@pytest.mark.parametrize("name", ["config", "state", "catalog"])
@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": "\\ud800"}', b"\x80"]
)
def test_a_file_that_is_no_json_object_is_named(inputs: Inputs, name: str, content: bytes) -> None:
    options = {"config": inputs.file("config", BASE), name: inputs.file(name, content)}
    output = run_without_api(*(part for key, path in options.items() for part in (f"--{key}", path)))
    assert_rejected(output, f"{name}: must be JSON" if content != b"[]" else f"{name}: must be a JSON object")


def test_the_place_of_the_error_is_named_and_nothing_is_quoted(inputs: Inputs) -> None:
    """Two states in one file, as from `>>`: transferwise/pipelinewise-tap-postgres#229."""
    lines = f"{json.dumps(state())}\n{json.dumps(state(partition()))}\n".encode()
    assert_rejected(inputs.run(state=lines), "state: must be JSON; the error is in line 2, column 1.")


@pytest.mark.parametrize("name", ["config", "state", "catalog"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none.json", "does not exist (none.json)."),
        ("no/such folder.json", "does not exist (no/such folder.json)."),
        ("none\x1b[2J.json", "does not exist (the path has control characters)."),
        (".", "cannot be read (Is a directory)."),
    ],
)
def test_a_file_that_cannot_be_read_is_named(inputs: Inputs, name: str, path: str, reason: str) -> None:
    """The path tells two files apart, and control characters would change the terminal."""
    options = {"config": inputs.file("config", BASE), name: path}
    output = run_without_api(*(part for key, value in options.items() for part in (f"--{key}", value)))
    assert_rejected(output, f"{name}: the file {reason}")


@pytest.mark.parametrize(
    ("content", "place"),
    [(b'[{"shop": "a"]', "line 1, column 14"), (b"", "line 1, column 1"), (b"[\n\n}", "line 3, column 1")],
)
def test_an_error_in_the_file_of_the_shops_is_named_by_its_place(
    inputs: Inputs, content: bytes, place: str
) -> None:
    output = inputs.run({"shops_file": inputs.file("shops", content)})
    assert_rejected(output, f"shops_file: must be JSON; the error is in {place}.")


@pytest.mark.parametrize("name", ["config", "state", "catalog", "shops_file", "stream_options"])
@given(st.data())
@settings(max_examples=15)
def test_a_key_that_is_there_twice_is_named(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """JSON keeps the last value, so a `start_date` or a bookmark was lost without a word."""
    contents = {
        "config": {**BASE, "start_date": "2025-01-01"},
        "state": state(partition()),
        "catalog": {"streams": discover()["streams"][:1]},
        "shops_file": [{"shop": "acme", "api_token": TOKEN}],
        "stream_options": {"orders": {"details": True}},
    }
    text = json.dumps(contents[name])
    keys = sorted({one for one in ("start_date", "bookmarks", "streams", "shop", "orders") if one in text})
    key = data.draw(st.sampled_from([one for one in keys if f'"{one}":' in text]))
    text = text.replace(f'"{key}":', f'"{key}": {data.draw(st.sampled_from(["null", "1"]))}, "{key}":', 1)
    inputs = Inputs(tmp_path_factory.mktemp("twice"))
    if name == "shops_file":
        output = inputs.run({"shops_file": inputs.file("shops", text.encode())})
    elif name == "stream_options":
        output = inputs.run({**BASE, name: text})
    else:
        files = {"config": inputs.file("config", BASE), name: inputs.file(name, text.encode())}
        output = run_without_api(*(part for one, path in files.items() for part in (f"--{one}", path)))
    assert_rejected(output, f"{name}: an object has the key {key} twice. Remove one of the two.")


# The environment


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Integers of an empty variable: meltano/meltano#7189."""
    for name in CONFIG_SCHEMA["properties"]:
        monkeypatch.setenv(f"TAP_SUMERU_{name.upper()}", "")
    monkeypatch.setenv("TAP_SUMERU_API_TOKEN", TOKEN)
    output = run_without_api("--config", "ENV")
    assert (output.code, output.errors) == (0, []), output.log


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_setting_of_a_file_sets_nothing(inputs: Inputs, empty: str | None) -> None:
    names = dict.fromkeys(CONFIG_SCHEMA["properties"], empty)
    output = inputs.run({**names, "api_token": TOKEN})
    assert (output.code, output.errors) == (0, []), output.log


def test_a_variable_holds_json_a_number_or_a_boolean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are no strings: meltano/sdk#1310."""
    given = {
        "shops": json.dumps([{"shop": "acme", "api_token": TOKEN}]),
        "concurrency": " 3 ",
        "rate_limit_share": "0.5",
        "flattening_enabled": "1",
        "flattening_max_depth": "2",
        "stream_options": '{"orders": {"details": "false", "window_days": "7", "filters": {"x": 0.50}}}',
    }
    for name, value in given.items():
        monkeypatch.setenv(f"TAP_SUMERU_{name.upper()}", value)
    output = run_without_api("--config", "ENV")
    assert (output.code, output.errors) == (0, []), output.log


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CONCURRENCY", "eight", "TAP_SUMERU_CONCURRENCY: must be an integer"),
        ("CONCURRENCY", "1.5", "TAP_SUMERU_CONCURRENCY: must be an integer"),
        ("SHOPS", f'[{{"api_token": "{TOKEN}"', "TAP_SUMERU_SHOPS: must be JSON"),
        ("SHOPS", f'"{TOKEN}"', "TAP_SUMERU_SHOPS: must be JSON"),
        ("SHOPS", "5", "shops: must be a list"),
        ("STREAM_OPTIONS", "{'orders': 1}", "TAP_SUMERU_STREAM_OPTIONS: must be JSON"),
        ("FLATTENING_ENABLED", "maybe", "TAP_SUMERU_FLATTENING_ENABLED: must be true or false"),
        ("RATE_LIMIT_SHARE", "half", "rate_limit_share: must be a number"),
        ("CONCURENCY", "3", "TAP_SUMERU_CONCURENCY: unknown setting. Did you mean TAP_SUMERU_CONCURRENCY?"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv("TAP_SUMERU_API_TOKEN", TOKEN)
    monkeypatch.setenv(f"TAP_SUMERU_{name}", value)
    assert_rejected(run_without_api("--config", "ENV"), message)


def test_variables_of_meltano_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"_SELECT": '["orders.*"]', "_CATALOG": "x", "LOGLEVEL": "INFO", "API_TOKEN": TOKEN}
    for name, value in given.items():
        monkeypatch.setenv(f"TAP_SUMERU_{name}", value)
    assert "unknown" not in warnings(run_without_api("--config", "ENV"))
