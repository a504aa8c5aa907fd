"""DESIGN 6.4: what is tried again, what is not, and what a failure leaves untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output, Tap


def assert_all_rows(output: Output, sandbox: Sandbox, *streams: str) -> None:
    assert output.code == 0, output.log
    for stream in streams:
        assert set(output.ids(stream)) == {row["id"] for row in sandbox.truth("acme", stream)}, stream


PASSING: list[dict[str, Any]] = [
    {"kind": "status", "status": 500, "every": 3, "times": 2},
    {"kind": "status", "status": 503, "every": 2, "times": 1},
    {"kind": "reset", "every": 3, "times": 2},
    {"kind": "truncate", "every": 3, "times": 2},
    {"kind": "html", "every": 3, "times": 2},
    {"kind": "rubbish", "every": 3, "times": 2},
    {"kind": "status", "status": 429, "retry_after": 1, "every": 4, "times": 1},
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}")
def test_a_passing_fault_costs_nothing_but_time(tap: Tap, sandbox: Sandbox, fault: dict[str, Any]) -> None:
    sandbox.configure({"orders": {"faults": [fault]}})
    output = tap.sync(streams=("orders",))
    assert_all_rows(output, sandbox, "orders")
    assert len(output.ids("orders")) == len(set(output.ids("orders")))


def test_a_silent_answer_is_given_up_and_asked_for_again(tap: Tap, sandbox: Sandbox) -> None:
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
def test_an_answer_that_breaks_the_rules_is_an_error_not_a_silence(
    tap: Tap, sandbox: Sandbox, switch: dict[str, Any], cause: str
) -> None:
    sandbox.configure({"orders": switch})
    output = tap.sync(streams=("orders",))
    assert output.code == 1
    assert cause in output.log
    assert "replication_key_value" not in output.bookmark("orders")


def test_empty_pages_with_a_live_cursor_are_followed(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"*": {"empty_every": 2}})
    assert_all_rows(tap.sync(), sandbox, *STREAMS)


def test_an_expired_cursor_starts_its_list_again(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"cursor_expires_every": 2}})
    output = tap.sync(streams=("orders",))
    assert_all_rows(output, sandbox, "orders")
    assert "the cursor has expired" in output.log


def test_no_pagination_means_one_page(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"*": {"pagination": "absent"}})
    assert_all_rows(tap.sync(), sandbox, *STREAMS)


@pytest.mark.parametrize(
    ("config", "said"),
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
def test_bad_settings_are_one_line_and_no_traceback(tap: Tap, config: dict[str, Any], said: str) -> None:
    output = tap.sync(**config)
    assert output.code == 1
    assert output.lines == []
    assert said in output.log
    assert "Traceback" not in output.log


@pytest.mark.parametrize(
    ("content", "said"), [(None, "config: the file does not exist"), ("{", "config: must be JSON")]
)
@pytest.mark.parametrize("mode", [(), ("--test",), ("--discover",)])
def test_a_config_that_cannot_be_read_is_one_line(
    tap: Tap, content: str | None, said: str, mode: tuple[str, ...]
) -> None:
    command = tap.command()
    path = tap.folder / "config.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    output = tap.run([*command, *mode])
    assert output.code == 1
    assert said in output.log
    assert "Traceback" not in output.log


def test_a_connection_test_that_fails_says_what_to_do(tap: Tap) -> None:
    tap.config["api_token"] = "copt_test_wrong"
    output = tap.run([*tap.command(), "--test"])
    assert output.code == 1
    assert "Put a valid token" in output.log
    assert "Traceback" not in output.log


@pytest.mark.parametrize(
    "content", ["", "not JSON", "[]", '{"bookmarks": []}', '{"value": {"bookmarks": {}}}']
)
def test_a_damaged_state_file_is_refused(tap: Tap, content: str) -> None:
    command = tap.command({})
    (tap.folder / "state.json").write_text(content)
    output = tap.run(command)
    assert output.code == 1
    assert output.lines == []
    assert "state: " in output.log
    assert "Traceback" not in output.log
