"""Options that change between runs: bookmarks that they make useless are discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Json, Tap

CHANGED = (
    "customers: `filters` has changed since the last run; reading it again from the start, for 1 shop.\n"
)


def loyal(value: str) -> Json:
    return {"stream_options": {"customers": {"filters": {"lifecycle_stage": value}}}}


def test_other_filters_read_the_stream_again_from_the_start(tap: Tap, sandbox: Sandbox) -> None:
    """Rows that the new filter returns may be older than the bookmark."""
    first = tap.sync(streams=("customers", "orders"), **loyal("loyal"))
    rows = sandbox.truth("acme", "customers")
    for options in (loyal("at_risk"), {}):
        output = tap.sync(first.state, streams=("customers", "orders"), **options)
        wanted = [row["id"] for row in rows if row["lifecycle_stage"] == "at_risk" or not options]
        assert sorted(output.ids("customers")) == sorted(wanted)
        assert len(output.ids("orders")) < sandbox.counts()["acme"]["orders"]
        assert output.log.count(CHANGED) == 1
    again = tap.sync(output.state, streams=("customers", "orders"))
    assert "has changed since" not in again.log
    assert len(again.ids("customers")) < 10


def test_the_state_does_not_contain_filter_values(tap: Tap) -> None:
    state = tap.sync(streams=("customers",), **loyal("loyal")).state
    assert "loyal" not in str(state)


def test_more_columns_or_includes_do_not_read_old_rows_again(tap: Tap, sandbox: Sandbox) -> None:
    """Old rows get the new columns when they change, or by a full refresh."""
    first = tap.sync(catalog=tap.catalog("customers", deselected=(("customers", "email"),)))
    options = {"customers": {"include": ["orders"]}}
    second = tap.sync(first.state, streams=("customers",), stream_options=options)
    assert second.code == 0, second.log
    assert len(second.ids("customers")) < sandbox.counts()["acme"]["customers"] / 2
