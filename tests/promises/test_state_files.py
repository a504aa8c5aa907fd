"""Promise 6, never silent: shops that are gone or renamed, and states of a newer version of the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.in_process import BASE, TOKEN, assert_rejected, partition, state, warnings

if TYPE_CHECKING:
    from support.in_process import Inputs
    from support.tap_cli import Json, Tap

NEWER: Json = {
    "version": 3,
    "bookmarks": {
        "orders": {
            "schema": "2",
            "partitions": [
                partition("acme", audit={"due": "2026-06-01"}, watermark=5),
                partition("gone", replication_key_value=None, reading=[1]),
                {"context": {"shop": "acme", "region": "eu"}, "anything": [1.5]},
                {"context": {"shop": "gone", "region": "eu"}},
            ],
        },
        "refunds": {"partitions": "none"},
        "returns": None,
    },
}


def test_what_a_newer_version_has_written_passes_through_unchanged(inputs: Inputs) -> None:
    output = inputs.run(state=NEWER)
    log = warnings(output)
    assert output.state == NEWER
    for name in ("version", "refunds", "orders.schema", "orders.audit", "orders.watermark"):
        assert name in log
    assert "gone" in log


def test_so_it_does_after_a_sync(tap: Tap) -> None:
    output = tap.sync(state=NEWER, streams=("orders",))
    assert output.code == 0, output.log
    after, before = output.state, NEWER["bookmarks"]["orders"]["partitions"]
    assert after.keys() == NEWER.keys()
    assert after["version"] == 3
    assert {name: after["bookmarks"][name] for name in ("refunds", "returns")} == {
        name: NEWER["bookmarks"][name] for name in ("refunds", "returns")
    }
    ours, *others = after["bookmarks"]["orders"]["partitions"]
    assert others == before[1:]
    assert ours["audit"] == {"due": "2026-06-01"}
    assert ours["watermark"] == 5
    assert ours["replication_key_value"] > before[0]["replication_key_value"]


def test_an_unknown_verdict_is_treated_as_none(tap: Tap) -> None:
    names = ["filter[date_from]", "filter[date_to]"]
    given = state(partition(date_filter={"verdict": "beyond doubt", "names": names}))
    output = tap.sync(state=given, streams=("orders",))
    assert output.code == 0, output.log
    assert "orders.date_filter.verdict" in output.log
    assert output.bookmark("orders")["date_filter"]["verdict"] == "proven"


def test_a_position_with_an_unknown_key_is_not_used(tap: Tap) -> None:
    position = {"began": "2026-05-10T00:00:00Z", "query": "q", "cursor": "c", "page_size": 50}
    output = tap.sync(state=state(partition(reading=position)), streams=("orders",))
    assert output.code == 0, output.log
    assert "orders.reading.page_size" in output.log
    assert "reading" not in output.bookmark("orders")


def shops(*names: str, **more: Any) -> Json:
    return {"shops": [{"shop": name, "api_token": f"copt_test_{name}"} for name in names], **more}


def test_bookmarks_that_a_run_without_shop_has_left_are_explained(inputs: Inputs) -> None:
    output = inputs.run(shops("acme"), state=state(partition("default"), partition("acme")))
    (line,) = [one for one in warnings(output).splitlines() if "default" in one]
    assert "shops that are not in the settings: default" in line
    assert (
        "The shop default is that of a run without the setting `shop`: to continue it, name the shop default"
        in line
    )
    assert output.state == state(partition("default"), partition("acme"))


def test_shops_that_are_not_in_the_settings_are_named_once(inputs: Inputs) -> None:
    names = [f"shop-{i}" for i in range(25)]
    given = state(*map(partition, names))
    given["bookmarks"]["customers"] = given["bookmarks"]["orders"]
    output = inputs.run(shops("acme"), state=given)
    (line,) = [one for one in warnings(output).splitlines() if "shop-0" in one]
    assert "shop-19 and 5 more" in line
    assert "shop-20" not in line
    assert output.state == given


def test_shops_of_other_shards_are_in_the_settings(inputs: Inputs) -> None:
    names = ("acme", "globex", "initech", "umbrella")
    output = inputs.run(shops(*names, shard="1/4"), state=state(*map(partition, names)))
    assert "not in the settings" not in warnings(output)


@pytest.mark.parametrize(
    ("entries", "parts"),
    [
        ([("acme", TOKEN), ("globex", f" {TOKEN}\n")], ("shops acme and globex", "same token")),
        ([("acme", "copt_test_one"), ("Acme ", "copt_test_two")], ("shops[1].shop: Acme and acme", "unique")),
        ([("acme", f"{TOKEN} {TOKEN}")], ("shops[0].api_token: is empty, or contains a space",)),
        ([("acme", f"{TOKEN}\n{TOKEN}")], ("shops[0].api_token: must contain printable",)),
        ([("ac\nme", TOKEN)], ("shops[0].shop: must be a name without control characters",)),
    ],
)
def test_two_entries_for_one_shop_are_an_error(
    inputs: Inputs, entries: list[tuple[str, str]], parts: tuple[str, ...]
) -> None:
    config = {"shops": [{"shop": name, "api_token": token} for name, token in entries]}
    assert_rejected(inputs.run(config), *parts)


def test_a_token_and_shops_together_are_an_error(inputs: Inputs) -> None:
    assert_rejected(inputs.run({**BASE, **shops("globex")}), "api_token: cannot be combined with shops")


def test_a_token_may_have_white_space_around_it(inputs: Inputs) -> None:
    assert inputs.run({**BASE, "api_token": f"\n {TOKEN}\r\n"}).code == 0
