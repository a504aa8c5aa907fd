"""Transient faults are retried; invalid responses, settings and files are errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_sumeru.catalog.streams import PAGE_SIZE, STREAMS

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output, Tap


def assert_all_rows(output: Output, sandbox: Sandbox, *streams: str) -> None:
    assert output.code == 0, output.log
    for stream in streams:
        assert set(output.ids(stream)) == {row["id"] for row in sandbox.truth("acme", stream)}, stream


TRANSIENT: list[dict[str, Any]] = [
    {"kind": "status", "status": 500, "every": 3, "times": 2},
    {"kind": "status", "status": 503, "every": 2, "times": 1},
    {"kind": "reset", "every": 3, "times": 2},
    {"kind": "truncate", "every": 3, "times": 2},
    {"kind": "html", "every": 3, "times": 2},
    {"kind": "rubbish", "every": 3, "times": 2},
    {"kind": "status", "status": 429, "retry_after": 1, "every": 4, "times": 1},
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}")
def test_a_transient_fault_loses_and_repeats_no_row(
    tap: Tap, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    sandbox.configure({"orders": {"faults": [fault]}})
    output = tap.sync(streams=("orders",))
    assert_all_rows(output, sandbox, "orders")
    assert len(output.ids("orders")) == len(set(output.ids("orders")))


def test_a_request_without_a_response_times_out_and_is_retried(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"faults": [{"kind": "hang", "seconds": 30, "times": 1}]}})
    output = tap.sync(streams=("orders",), request_timeout_seconds=0.5)
    assert_all_rows(output, sandbox, "orders")
    assert "no answer within the read timeout" in output.log


@pytest.mark.parametrize(
    ("switch", "cause"),
    [
        ({"cursor_repeats": True}, "the same cursor for the second time"),
        ({"cursor_missing": True}, "has no cursor"),
        ({"data_missing": True}, "has no `data`"),
        ({"rows": [{"kind": "not_an_object", "every": 7}]}, "a row is not an object"),
    ],
)
def test_an_invalid_response_fails_the_stream(
    tap: Tap, sandbox: Sandbox, switch: dict[str, Any], cause: str
) -> None:
    sandbox.configure({"orders": switch})
    output = tap.sync(streams=("orders",))
    assert output.code == 1
    assert cause in output.log
    assert "replication_key_value" not in output.bookmark("orders")


def test_empty_pages_with_a_cursor_are_followed(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"*": {"empty_every": 2}})
    assert_all_rows(tap.sync(), sandbox, *STREAMS)


def test_an_expired_cursor_restarts_its_list(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"cursor_expires_every": 2}})
    output = tap.sync(streams=("orders",))
    assert_all_rows(output, sandbox, "orders")
    assert "the cursor has expired" in output.log


def test_without_pagination_only_a_page_that_is_not_full_is_the_only_one(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"*": {"pagination": "absent"}})
    small = [name for name, rows in sandbox.counts()["acme"].items() if rows < PAGE_SIZE]
    assert_all_rows(tap.sync(streams=tuple(small)), sandbox, *small)
    output = tap.sync(streams=("orders",))
    assert output.code == 1
    assert "the page is full: more rows may follow" in output.log
    assert "replication_key_value" not in output.bookmark("orders")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"api_token": ""}, "api_token: is missing"),
        ({"api_url": "http://example.com"}, "api_url: must start with https://"),
        ({"on_error": "shrug"}, "on_error: must be"),
        (
            {"stream_maps": {"customers": {"email": "((("}}},
            "stream_maps.customers.email: must be a valid Python expression",
        ),
        ({"stream_maps": {"customers": {"email": 5}}}, "stream_maps.customers.email: must be null or"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line(tap: Tap, config: dict[str, Any], message: str) -> None:
    output = tap.sync(**config)
    assert output.code == 1
    assert output.lines == []
    assert message in output.log
    assert "Traceback" not in output.log


@pytest.mark.parametrize(
    ("content", "message"), [(None, "config: the file does not exist"), ("{", "config: must be JSON")]
)
@pytest.mark.parametrize("mode", [(), ("--test",), ("--discover",)])
def test_an_unreadable_config_is_reported_in_one_line(
    tap: Tap, content: str | None, message: str, mode: tuple[str, ...]
) -> None:
    command = tap.command()
    path = tap.folder / "config.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    output = tap.run([*command, *mode])
    assert output.code == 1
    assert message in output.log
    assert "Traceback" not in output.log


def test_a_failed_connection_test_says_what_to_do(tap: Tap) -> None:
    tap.config["api_token"] = "copt_test_wrong"
    output = tap.run([*tap.command(), "--test"])
    assert output.code == 1
    assert "Put a valid token" in output.log
    assert "Traceback" not in output.log


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"bookmarks": []}', '{"value": {"bookmarks": {}}}'])
def test_an_invalid_state_file_is_rejected(tap: Tap, content: str) -> None:
    command = tap.command({})
    (tap.folder / "state.json").write_text(content)
    output = tap.run(command)
    assert output.code == 1
    assert output.lines == []
    assert "state: " in output.log
    assert "Traceback" not in output.log
