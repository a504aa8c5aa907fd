"""The plan of one stream: which pages are read, which rows of the API belong to which row."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sumeru_api.errors import ApiUnavailable
from support.target_factories import FakeLists, settings, spooled
from target_sumeru.config.streams import STREAMS
from target_sumeru.ledger import Ledger
from target_sumeru.plan.items import Current, Operation, Status
from target_sumeru.plan.planner import Planner

if TYPE_CHECKING:
    from target_sumeru.input.spool import SpooledRow
    from target_sumeru.plan.items import Group


def plan(
    stream: str, rows: list[SpooledRow], lists: FakeLists, ledger: Ledger | None = None, **config: Any
) -> Group:
    planner = Planner(STREAMS[stream], "acme", ledger or Ledger(), settings(**config), lists)
    return asyncio.run(planner.plan(rows))


def test_rows_by_id_need_no_list() -> None:
    lists = FakeLists()
    group = plan("customers", [spooled("id", ["c"], {"tags": ["a"]})], lists)
    assert (lists.read, group.writes, group.items[0].api_id) == (0, 1, "c")
    assert group.items[0].columns == ("tags",)


def test_reading_ends_when_all_ids_are_found() -> None:
    rows = [Current(f"c{i}", {"tags": []}) for i in range(10)]
    lists = FakeLists(rows)
    group = plan("customers", [spooled("id", ["c2"], {"tags": []})], lists, compare="api")
    assert (lists.read, group.unchanged, len(group.confirmed)) == (2, 1, 1)


def test_reading_does_not_end_early_if_another_row_may_match() -> None:
    rows = [Current(f"c{i}", {"email": "a@b.c" if i in (0, 9) else None, "tags": []}) for i in range(10)]
    match_on = {"customers": "email"}
    group = plan(
        "customers", [spooled("email", ["a@b.c"], {"tags": ["x"]})], FakeLists(rows), match_on=match_on
    )
    assert (group.items[0].status, group.items[0].reason) == (Status.REJECTED, "ambiguous")


def test_a_row_that_the_api_lists_twice_is_one_row() -> None:
    rows = [Current("c1", {"tags": []}), Current("c2", {"tags": []}), Current("c1", {"tags": []})]
    wanted = [spooled("id", [one], {"tags": []}) for one in ("c1", "c2")]
    assert plan("customers", wanted, FakeLists(rows), compare="api").unchanged == 2


def test_a_row_of_the_api_is_adopted_once() -> None:
    rows = [Current("cam_1", {"name": "N", "audience_id": "s"})]
    body = {"name": "N", "audience_id": "s"}
    wanted = [spooled("external_id", [one], body) for one in "ab"]
    group = plan("campaigns", wanted, FakeLists(rows))
    assert [item.operation for item in group.items] == [Operation.ADOPT, Operation.CREATE]
    assert group.writes == 1


def test_a_row_that_the_ledger_gives_to_another_is_not_adopted() -> None:
    ledger = Ledger()
    scope = ledger.row_hash("campaigns", "acme", "")
    ledger.done(ledger.row_hash("campaigns", "acme", "external_id\x1fother"), scope, b"c", "cam_1")
    rows = [Current("cam_1", {"name": "N", "audience_id": "s"})]
    wanted = [spooled("external_id", ["a"], {"name": "N", "audience_id": "s"})]
    group = plan("campaigns", wanted, FakeLists(rows), ledger)
    assert [item.operation for item in group.items] == [Operation.CREATE]


def test_a_list_that_cannot_be_read_holds_the_rows_that_need_it() -> None:
    error = ApiUnavailable("no response")
    rows = [spooled("id", ["c"], {"tags": []}), spooled("id", ["d"], {"add_tags": ["a"]})]
    group = plan("customers", rows, FakeLists(error=error))
    assert [(item.status, item.reason) for item in group.items] == [
        (Status.PLANNED, ""),
        (Status.HELD, "list_unreadable"),
    ]
    assert group.error is error


def test_rows_beyond_the_limit_are_counted_and_not_kept() -> None:
    rows = [spooled("id", [f"c{i}"], {"tags": []}) for i in range(10)]
    group = plan("customers", rows, FakeLists(), max_writes=3)
    assert (group.writes, len(group.items)) == (10, 3)


@given(order=st.permutations([0, 1, 2, 3, 4]), limit=st.integers(1, 6))
def test_no_row_vanishes_where_the_limit_meets_rows_of_several_names(order: list[int], limit: int) -> None:
    current = [Current(f"i{n}", {"sku": f"s{n}", "location_id": "l", "available": 0}) for n in range(3)]
    named = [
        *(spooled("id", [f"i{n}"], {"available": 1}) for n in range(3)),
        *(spooled("sku,location_id", [f"s{n}", "l"], {"available": 2}) for n in range(2)),
    ]
    group = plan("inventory", [named[n] for n in order], FakeLists(current), max_writes=limit)
    if limit < len(named):
        assert group.writes > limit  # the run stops, and writes nothing
    else:
        reasons = sorted(item.reason for item in group.items)
        assert (group.writes, reasons) == (1, ["", *["several_names"] * 4])


def test_rejected_rows_are_kept_with_their_reason() -> None:
    row = spooled("id", ["c"], {})._replace(reason="wrong_type", column="tags")
    (item,) = plan("customers", [row], FakeLists()).items
    assert (item.status, item.reason, item.columns) == (Status.REJECTED, "wrong_type", ("tags",))


@pytest.mark.parametrize("changed", [True, False])
@pytest.mark.parametrize(
    ("stream", "row", "current"),
    [
        ("products", spooled("external_id", ["e"], {"title": "T", "vendor": "V"}), {"title": "T"}),
        ("campaigns", spooled("external_id", ["e"], {"name": "N", "audience_id": "s"}), {"name": "N"}),
        ("customers", spooled("email", ["a@b.c"], {"tags": ["t"]}), {"email": "A@b.c", "tags": []}),
        (
            "inventory",
            spooled("sku,location_id", ["s", "l"], {"available": 1}),
            {"sku": "s", "location_id": "l"},
        ),
    ],
)
def test_a_row_that_the_shop_lists_without_an_id_is_neither_written_nor_created_again(
    stream: str, row: SpooledRow, current: dict[str, Any], *, changed: bool
) -> None:
    ledger = Ledger()
    if changed:  # the ledger knows many rows without an id of their own
        scope = ledger.row_hash(stream, "acme", "")
        ledger.done(ledger.row_hash(stream, "acme", "id\x1fother"), scope, b"content")
    match_on = {"match_on": {"customers": "email"}} if stream == "customers" else {}
    group = plan(stream, [row], FakeLists([Current("", current)]), ledger, **match_on)
    assert [(item.status, item.reason) for item in group.items] == [(Status.REJECTED, "without_id")]
    group = plan(stream, [row], FakeLists([Current("", current)] * 2), ledger, **match_on)
    assert [item.reason for item in group.items] == ["ambiguous"]


@given(name=st.text(min_size=1).filter(str.strip), stream=st.sampled_from(["products", "campaigns"]))
@example(name="Spring\u00a0sale", stream="campaigns")
@example(name="Spring\nsale", stream="products")
@example(name="\x1fSpring", stream="products")
def test_whatever_its_name_a_row_that_exists_is_found_before_it_is_created(name: str, stream: str) -> None:
    column = STREAMS[stream].unique
    body = {column: name, **({"audience_id": "s"} if stream == "campaigns" else {})}
    group = plan(stream, [spooled("external_id", ["e"], body)], FakeLists([Current("x_1", body)]))
    assert [(item.operation, item.api_id) for item in group.items] == [(Operation.ADOPT, "x_1")]


@pytest.mark.parametrize("names", [("Caf\u00e9", "Cafe\u0301"), ("Cafe\u0301", "Caf\u00e9")])
@pytest.mark.parametrize("stream", ["products", "campaigns"])
def test_a_name_is_found_whether_its_accents_are_characters_of_their_own(
    names: tuple[str, str], stream: str
) -> None:
    """Nobody sees the difference, and an API or a warehouse may change one into the other."""
    column = STREAMS[stream].unique
    more = {"audience_id": "s"} if stream == "campaigns" else {}
    row = spooled("external_id", ["e"], {column: names[0], **more})
    group = plan(stream, [row], FakeLists([Current("x_1", {column: names[1], **more})]))
    assert [(item.operation, item.api_id) for item in group.items] == [(Operation.ADOPT, "x_1")]
