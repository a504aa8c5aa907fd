"""Shards whose number changes: no row is missing, with and without the bookmarks of the shops that move."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from support.in_process import TOKEN, assert_rejected, partition, run_text, state
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from support.in_process import Inputs
    from support.tap_cli import Json

SHOPS = ("acme", "globex", "initech", "umbrella")
"""Of three shards, acme and umbrella are in the third, and of two in the first and in the second."""
STREAMS = ("campaigns", "orders")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(shops=SHOPS, customers=100) as running:
        yield running


@pytest.fixture
def tap(sandbox: Sandbox, tmp_path: Path) -> Tap:
    entries = [{"shop": name, "api_token": sandbox.token(name)} for name in SHOPS]
    return Tap(tmp_path, {"api_url": sandbox.url, "shops": entries})


def merge_cli(inputs: Inputs, *options: str) -> Output:
    """Run the command line with the settings of two shops."""
    shops = [{"shop": name, "api_token": f"copt_test_{name}"} for name in SHOPS[:2]]
    code, out, log = run_text("--config", inputs.file("config", {"shops": shops}), *options)
    return Output(code, out.splitlines(), log)


def sync(tap: Tap, count: int, states: Sequence[Json | None]) -> list[Output]:
    """Sync all shards, each with its state."""
    outputs = [tap.sync(one, streams=STREAMS, shard=f"{i}/{count}") for i, one in enumerate(states, start=1)]
    assert [one.code for one in outputs] == [0] * count
    return outputs


def rows(*outputs: Output) -> list[tuple[str, str, str]]:
    return [
        (stream, record["shop"], record["id"])
        for output in outputs
        for stream in STREAMS
        for record in output.records(stream)
    ]


def truth(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return sorted(
        (stream, shop, row["id"])
        for stream in STREAMS
        for shop in SHOPS
        for row in sandbox.truth(shop, stream)
    )


def shops_of(state: Json) -> set[str]:
    streams = state["bookmarks"].values()
    return {one["context"]["shop"] for stream in streams for one in stream["partitions"]}


def merged(tap: Tap, shard: str, *states: Json) -> Json:
    """Merge states through the command line."""
    options = []
    for number, content in enumerate(states):
        file = tap.folder / f"state-{number}.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        options += ["--merge", str(file)]
    output = tap.run([*tap.command(shard=shard), *options])
    assert output.code == 0, output.log
    (state,) = output.messages
    return state


def test_with_merged_states_another_number_of_shards_goes_on_where_the_others_were(
    tap: Tap, sandbox: Sandbox
) -> None:
    first = sync(tap, 2, [None, None])
    assert sorted(rows(*first)) == truth(sandbox)
    states = [merged(tap, f"{i}/3", *(one.state for one in first)) for i in (1, 2, 3)]
    assert [sorted(shops_of(one)) for one in states] == [["initech"], ["globex"], ["acme", "umbrella"]]

    sandbox.advance(3 * 3600)
    for shop in SHOPS:
        sandbox.put(shop, "campaigns", f"new_{shop}", subject="new")
    second = sync(tap, 3, states)
    assert {("campaigns", shop, f"new_{shop}") for shop in SHOPS} <= set(rows(*second))
    assert len(rows(*second)) < len(truth(sandbox)) / 4
    assert set(rows(*first, *second)) == set(truth(sandbox))
    assert not any("New in shard" in one.log for one in second)


def test_without_it_a_shop_that_moves_is_read_in_full_with_a_line(tap: Tap, sandbox: Sandbox) -> None:
    first = sync(tap, 3, [None, None, None])
    second = sync(tap, 2, [first[0].state, first[1].state])
    for output, shop in zip(second, ("acme", "umbrella"), strict=True):
        expected = sorted(row for row in truth(sandbox) if row[1] == shop)
        assert sorted(row for row in rows(output) if row[1] == shop) == expected
        assert f": 1 shop ({shop}), read from the start date. If another shard has read" in output.log

    # Moved back, a shop goes on from the bookmark that its old shard has kept.
    sandbox.put("acme", "campaigns", "new", subject="new")
    third = sync(tap, 3, [second[0].state, second[1].state, first[2].state])
    assert ("campaigns", "acme", "new") in rows(third[2])
    assert len(rows(*third)) < len(truth(sandbox)) / 4


def test_of_two_bookmarks_of_a_shop_the_earlier_is_used_and_a_line_says_so(inputs: Inputs) -> None:
    early = state(partition("acme", replication_key_value="2026-01-01T00:00:00Z"))
    files = [inputs.file("early", early), inputs.file("late", state(partition("acme"), partition("globex")))]
    for order in (files, files[::-1]):
        output = merge_cli(inputs, "--merge", order[0], "--merge", order[1])
        (found,) = output.messages
        assert shops_of(found) == {"acme", "globex"}
        assert (
            partition("acme", replication_key_value="2026-01-01T00:00:00Z")
            in (found["bookmarks"]["orders"]["partitions"])
        )
        assert "Merged 2 states: bookmarks of 2 shops." in output.log
        assert "Several states have different bookmarks of 1 shop (acme). The earliest is used" in output.log


def test_states_in_meltanos_form_are_merged_in_that_form(inputs: Inputs) -> None:
    plain = inputs.file("plain", state(partition("acme")))
    wrapped = inputs.file("wrapped", {"singer_state": state(partition("globex")), "other": 1})
    output = merge_cli(inputs, "--merge", plain, "--merge", wrapped)
    assert output.messages == [{"singer_state": state(partition("acme"), partition("globex")), "other": 1}]


def test_what_a_newer_version_has_written_differently_is_named(inputs: Inputs) -> None:
    files = [inputs.file(f"v{i}", {**state(partition()), "version": i, TOKEN: i}) for i in (3, 4)]
    output = merge_cli(inputs, "--merge", files[0], "--merge", files[1])
    assert output.messages == [{**state(partition()), "version": 3, TOKEN: 3}]
    assert "The states differ in version" in output.log
    assert TOKEN not in output.log


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (
            b"",
            "--merge, file 2: state: the file is empty. Write the new state to another file.",
        ),
        (b"{", "--merge, file 2: state: must be JSON"),
        ([], "--merge, file 2: state: must be a JSON object"),
        ({"value": {"bookmarks": {}}}, "--merge, file 2: state: the bookmarks are inside `value`"),
        (state(partition(replication_key_value="soon")), "--merge, file 2: state of orders, shop acme: "),
    ],
)
def test_a_file_that_is_no_state_is_named_by_its_number(inputs: Inputs, content: Any, part: str) -> None:
    files = [inputs.file("good", state(partition())), inputs.file("bad", content)]
    output = merge_cli(inputs, "--merge", files[0], "--merge", files[1])
    assert_rejected(output, part)
    assert output.lines == []


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--merge", "nothing.json"), "--merge, file 1: state: the file does not exist (nothing.json)."),
        (("--merge", "s.json", "--state", "s.json"), "--state: has no effect with --merge."),
        (("--merge", "s.json", "--check"), "--check: cannot be combined with --merge."),
        (("--merge", "s.json", "--shops"), "--merge: cannot be combined with --shops."),
    ],
)
def test_options_that_do_not_fit_together_are_errors(
    inputs: Inputs, options: tuple[str, ...], part: str
) -> None:
    assert_rejected(merge_cli(inputs, *options), part)
