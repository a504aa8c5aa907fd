"""`--reset` and `--shops`: the state with which a stream is read again, and the shops of a run."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.in_process import TOKEN, Inputs, assert_rejected, partition, run_text, state
from support.tap_cli import Output
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.state.bookmarks import Bookmark
from tap_sumeru.state.reset import reset

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Json, Tap

SHOPS: Json = {
    "shops": [
        {"shop": "acme", "api_token": "copt_test_acme"},
        {"shop": "globex", "api_token": "copt_test_globex", "start_date": "2025-01-01"},
    ]
}
FULL: Json = {
    "start_date": "2025-01-01T00:00:00Z",
    "filters": "0123456789abcdef",
    "unproven_from": "2025-01-01T00:00:00Z",
    "last_audit": "2026-05-04T00:00:00Z",
    "filtered_from": "2026-05-03T23:00:00Z",
    "date_filter": {"verdict": "proven", "names": ["filter[date_from]", "filter[date_to]"]},
    "reading": {"began": "2026-05-04T00:00:00Z", "query": "q", "cursor": "c"},
}
STAYS: Json = {"precision": "day", "not_unique": ["date"], "watermark": 5}
"""What a reset keeps; the last key is of a newer version."""


def reset_cli(inputs: Inputs, *options: str, config: Json = SHOPS, content: Any = None) -> Output:
    files = ["--config", inputs.file("config", config)]
    if content is not None:
        files += ["--state", inputs.file("state", content)]
    code, out, log = run_text(*files, *options)
    return Output(code, out.splitlines(), log)


def infos(output: Output) -> list[str]:
    lines = [line.split(" | ") for line in output.log.splitlines()]
    return [line[-1].strip() for line in lines if len(line) > 1 and ": " in line[-1] and "INFO" in line[1]]


def test_a_stream_of_one_shop_loses_its_bookmark_and_all_else_stays(inputs: Inputs) -> None:
    before = state(partition("acme", **FULL, **STAYS), partition("globex", **FULL), partition("gone", **FULL))
    before["bookmarks"]["customers"] = {"partitions": [partition("acme")]}
    before |= {"version": 3, "ratio": 0.10}
    wanted = deepcopy(before)
    kept = {"context": {"shop": "acme"}, "replication_key": "updated_at", **STAYS}
    wanted["bookmarks"]["orders"]["partitions"][0] = kept
    output = reset_cli(inputs, "--reset", "orders", "--shop", "acme", content=before)
    assert output.code == 0, output.log
    (line,) = output.lines
    assert json.loads(line) == wanted
    expected = "orders: reset for 1 shop (acme). The next run reads it again from its beginning."
    assert infos(output) == [expected]


def test_a_state_in_meltanos_form_keeps_that_form(inputs: Inputs) -> None:
    """`meltano state get` prints this form, and `meltano state set` takes no other."""
    plain = state(partition("acme", **FULL), partition("globex"))
    output = reset_cli(inputs, "--reset", "orders", content={"singer_state": plain, "other": 1})
    assert output.code == 0, output.log
    (expected,) = reset_cli(inputs, "--reset", "orders", content=plain).messages
    assert output.messages == [{"singer_state": expected, "other": 1}]


def test_without_a_shop_all_shops_of_the_settings_are_reset(inputs: Inputs) -> None:
    before = state(partition("acme"), partition("globex"), partition("gone"))
    output = reset_cli(inputs, "--reset", "orders", content=before)
    entries = output.messages[0]["bookmarks"]["orders"]["partitions"]
    assert ["replication_key_value" in entry for entry in entries] == [False, False, True]
    assert "orders: reset for 1 shop (globex). The next run reads it again from 2025-01-01." in infos(output)


def test_several_streams_and_what_depends_on_them(inputs: Inputs) -> None:
    before = state(partition("acme"))
    before["bookmarks"]["journeys"] = deepcopy(before["bookmarks"]["orders"])
    output = reset_cli(inputs, "--reset", "orders", "--reset", "journeys", "--shop", "acme", content=before)
    bookmarks = output.messages[0]["bookmarks"]
    assert not any("replication_key_value" in one["partitions"][0] for one in bookmarks.values())
    assert "Add --reset enrollments to read it again too" in output.log
    output = reset_cli(inputs, "--reset", "enrollments", content=before)
    assert output.messages == [before]
    assert "enrollments: every run walks all journeys, so their bookmark stays." in infos(output)
    assert "has no bookmark to reset for 1 shop (globex)" in output.log


def test_numbers_of_an_unknown_key_keep_their_text(inputs: Inputs) -> None:
    raw = b'{"x": 1.10, "y": 123456789012345678901234567890, "bookmarks": {}}'
    output = reset_cli(inputs, "--reset", "orders", content=raw)
    assert output.lines == ['{"x":1.10,"y":123456789012345678901234567890,"bookmarks":{}}']


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--reset", "ordrs"), ("--reset", "Did you mean orders?")),
        (("--reset", "Orders"), ("--reset", "Did you mean orders?")),
        (("--reset", TOKEN), ("--reset: is not a stream", "customers, orders")),
        (("--reset", "orders", "--shop", "acmee"), ("--shop", "Did you mean acme?")),
        (("--reset", "orders", "--shop", TOKEN), ("--shop: is not a shop", "There are: acme, globex")),
        (("--reset", "orders", "--check"), ("--check: cannot be combined with --reset",)),
        (("--shop", "acme"), ("--shop: has an effect with --reset only",)),
        (("--shops", "--check"), ("--check: cannot be combined with --shops",)),
    ],
)
def test_names_and_options_that_cannot_be_meant_are_errors(
    inputs: Inputs, options: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    output = reset_cli(inputs, *options, content=state(partition()))
    assert_rejected(output, *parts)
    assert output.lines == []


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "--reset: needs the last state"), (b"", "the file is empty"), ([], "must be a JSON object")],
)
def test_a_reset_without_a_state_is_an_error(inputs: Inputs, content: Any, part: str) -> None:
    """A shell empties the file of `--state` first if the output is redirected to it."""
    output = reset_cli(inputs, "--reset", "orders", content=content)
    assert_rejected(output, part)
    assert output.lines == []


def test_a_shop_of_another_shard_is_not_reset(inputs: Inputs) -> None:
    for index in (1, 2):
        config = {**SHOPS, "shard": f"{index}/2"}
        code, out, _ = run_text("--config", inputs.file("config", config), "--shops")
        assert code == 0
        before = state(partition("acme"), partition("globex"))
        after = reset_cli(inputs, "--reset", "orders", config=config, content=before).messages[0]
        changed = [
            entry["context"]["shop"]
            for entry in after["bookmarks"]["orders"]["partitions"]
            if "replication_key_value" not in entry
        ]
        assert changed == out.splitlines()


def test_after_a_reset_the_stream_is_read_again_and_no_other(tap: Tap, sandbox: Sandbox) -> None:
    first = tap.sync(streams=("orders", "customers"))
    command = [*tap.command(state=first.state), "--reset", "orders", "--shop", "acme"]
    output = tap.run(command)
    assert output.code == 0, output.log
    again = tap.sync(state=output.messages[0], streams=("orders", "customers"))
    assert again.code == 0, again.log
    counts = sandbox.counts()["acme"]
    assert len(set(again.ids("orders"))) == counts["orders"]
    assert len(set(again.ids("customers"))) < counts["customers"]


def test_the_shops_of_a_run_are_one_name_a_line_without_tokens(inputs: Inputs) -> None:
    names = ["acme", "Köln & Söhne", "globex eu"]
    shops = [{"shop": name, "api_token": f"copt_test_{i}"} for i, name in enumerate(names)]
    # With `discover_rows`, the start of a sync would need the API.
    config = {"shops": shops, "discover_rows": 10}
    code, out, log = run_text("--config", inputs.file("config", config), "--shops")
    assert code == 0, log
    assert out == "acme\nKöln & Söhne\nglobex eu\n"
    assert "copt_test" not in out + log
    shards = [
        run_text("--config", inputs.file("config", {**config, "shard": f"{i}/40"}), "--shops")
        for i in range(1, 41)
    ]
    assert {code for code, _, _ in shards} == {0}
    assert sorted("".join(out for _, out, _ in shards).splitlines()) == sorted(names)
    assert any(out == "" and "has no shops" in log for _, out, log in shards)


entries = st.fixed_dictionaries(
    {"context": st.fixed_dictionaries({"shop": st.sampled_from(["acme", "globex", "gone"])})},
    optional={
        "replication_key": st.sampled_from(["updated_at", "created_at"]),
        "replication_key_value": st.just("2026-05-10T00:00:00Z"),
        **{name: st.just(value) for name, value in FULL.items()},
        **{name: st.just(value) for name, value in STAYS.items()},
    },
)
states = st.fixed_dictionaries(
    {
        "bookmarks": st.dictionaries(
            st.sampled_from([*STREAMS, "refunds"]),
            st.builds(
                lambda entries: {"partitions": entries},
                st.lists(entries, max_size=3, unique_by=lambda entry: entry["context"]["shop"]),
            ),
        )
    },
    optional={"version": st.integers()},
)


@given(before=states, stream=st.sampled_from([*STREAMS]), shops=st.sets(st.sampled_from(["acme", "globex"])))
def test_whatever_a_state_holds_a_reset_makes_the_next_read_a_first_one(
    before: Json, stream: str, shops: set[str]
) -> None:
    untouched = deepcopy(before)
    after, found = reset(before, stream, shops)
    assert before == untouched
    restored = deepcopy(after)
    pairs = zip(
        before["bookmarks"].get(stream, {}).get("partitions", []),
        restored["bookmarks"].get(stream, {}).get("partitions", []),
        strict=True,
    )
    for old, new in pairs:
        if old["context"]["shop"] in shops:
            read = Bookmark(new, "updated_at", ("filter[date_from]", "filter[date_to]"))
            fresh = Bookmark({}, "updated_at", ("filter[date_from]", "filter[date_to]"))
            for name in ("value", "position", "unproven_from", "last_audit", "filtered_from", "verdict"):
                assert getattr(read, name) == getattr(fresh, name)
            assert {key: new.get(key) for key in STAYS} == {key: old.get(key) for key in STAYS}
            assert (new != old) == (old["context"]["shop"] in found)
            new.clear()
            new.update(old)
    assert restored == before
