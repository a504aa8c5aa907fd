"""Ids that several rows share: found by their natural keys, unless the row may only have changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sumeru_api.responses import Page
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.duplicate_ids import DuplicateIds
from tap_sumeru.records import RecordShaper, ShapedPage

BEFORE, SINCE = "2026-05-09T00:00:00Z", "2026-05-10T12:00:00Z"
BEGAN = datetime(2026, 5, 10, tzinfo=UTC)


def stock(row_id: str | None, location: str, at: str | None = BEFORE) -> dict[str, Any]:
    attributes = {"product_id": "pro_1", "location_id": location, "updated_at": at}
    return {"id": row_id, "attributes": attributes}


def page(*rows: dict[str, Any]) -> ShapedPage:
    properties = stream_schemas.load("inventory")["properties"]
    selection = StreamSelection("inventory", properties, tuple(properties))
    return RecordShaper(STREAMS["inventory"], selection, "updated_at").shape_page(Page(list(rows)), "acme")


def found(*pages: ShapedPage, parents: tuple[str | None, ...] = ()) -> bool:
    shared = DuplicateIds(STREAMS["inventory"].natural_key)
    owners = parents or (None,) * len(pages)
    return [
        shared.found(parent, one, lambda at: at >= BEGAN) for parent, one in zip(owners, pages, strict=True)
    ][-1]


def test_one_page_with_an_id_of_two_rows_is_enough() -> None:
    assert found(page(stock("a", "x"), stock("a", "y")))
    assert found(page(stock("a", "x", SINCE), stock("a", "y", SINCE)))
    assert not found(page(stock("a", "x"), stock("a", "x"), stock("b", "x")))


def test_of_several_pages_two_ids_must_be_shared() -> None:
    first = page(stock("a", "x"), stock("b", "x"))
    assert found(first, page(stock("a", "y"), stock("b", "y")))
    assert not found(first, page(stock("a", "y"), stock("b", "x")))


@pytest.mark.parametrize("at", [SINCE, None])
def test_a_row_that_may_have_changed_may_have_another_natural_key(at: str | None) -> None:
    first = page(stock("a", "x"), stock("b", "x"))
    assert not found(first, page(stock("a", "y", at), stock("b", "y", at)))


def test_ids_are_numbered_for_each_parent() -> None:
    first, second = page(stock("a", "x"), stock("b", "x")), page(stock("a", "y"), stock("b", "y"))
    assert not found(first, second, parents=("one", "two"))
    assert found(first, second, parents=("one", "one"))


def test_rows_without_an_id_share_none() -> None:
    assert not found(page(stock(None, "x"), stock(None, "y")))


def test_rows_of_a_long_read_are_compared_with_a_sample_of_its_first() -> None:
    pages = [page(*(stock(f"{number}-{one}", "x") for one in range(100))) for number in range(8)]
    assert found(*pages, page(stock("0-1", "y"), stock("3-7", "y")))
    assert not found(*pages, page(stock("7-1", "y"), stock("7-2", "y")))
