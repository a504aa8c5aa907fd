"""The door to the records: which path a page takes, and what is known about its rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.responses import Page
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records import RecordShaper
from tap_sumeru.records.columnar import ColumnarPage

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def selection(stream: str, *, columnar: bool = False) -> StreamSelection:
    properties = stream_schemas.load(stream)["properties"]
    return StreamSelection(stream, properties, tuple(properties), columnar=columnar)


def shaper(stream: str = "customers", *, key: str = "", columnar: bool = False) -> RecordShaper:
    spec = STREAMS[stream]
    return RecordShaper(spec, selection(stream, columnar=columnar), key or spec.replication_key, spec.include)


def body(*rows: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"data": rows, "pagination": {"has_next": False}, **more})


def row(**attributes: Any) -> dict[str, Any]:
    return {"id": "cus_1", "type": "customer", "attributes": attributes}


@pytest.mark.parametrize(
    ("stream", "key", "by_day"),
    [("usage", "date", True), ("orders", "updated_at", False), ("orders", "new", False)],
)
def test_a_row_belongs_to_a_day_if_its_replication_key_is_a_date(stream: str, key: str, by_day: bool) -> None:
    assert shaper(stream, key=key).by_day is by_day


def test_without_the_columnar_path_every_page_needs_the_reference_path() -> None:
    assert shaper().decode(body(row())) is None


def test_a_page_of_the_columnar_path_can_be_continued() -> None:
    pagination = {"has_next": True, "next_cursor": "c2"}
    page = shaper(columnar=True).decode(body(row(), pagination=pagination))
    assert page is not None
    assert page.next_cursor == "c2"
    with pytest.raises(UnexpectedResponse):
        shaper(columnar=True).decode(body(row(), pagination={"has_next": True}))


def test_the_columnar_path_learns_fields_that_the_schema_does_not_know() -> None:
    one, content = shaper(columnar=True), row(new=1)
    assert one.decode(body(content)) is None
    one.shape_page(Page([content]), "acme")
    page = one.decode(body(content))
    assert page is not None
    shaped = one.shape_page(page, "acme")
    assert isinstance(shaped, ColumnarPage)
    assert msgspec.json.encode(shaped.records[0].extra) == b'{"new":1}'


def test_what_is_known_about_the_rows_of_a_page() -> None:
    rows = [
        row(updated_at="2026-05-10T12:00:00Z", created_at="2026-05-09", tags="vip"),
        {"type": "customer", "attributes": {"updated_at": "soon"}},
        {"id": 7, "attributes": {"updated_at": "2026-05-10T11:00:00Z", "new": "2026-05-01"}},
    ]
    page = shaper().shape_page(Page(rows), "acme")
    assert [record["shop"] for record in page.records] == ["acme"] * 3
    assert page.ids == ["cus_1", None, "7"]
    assert page.timestamps == [NOON, None, NOON.replace(hour=11)]
    assert page.span == (NOON.replace(hour=11), NOON)
    assert list(page.other_dates(0)) == [datetime(2026, 5, 9, tzinfo=UTC)]
    assert list(page.other_dates(2)) == [datetime(2026, 5, 1, tzinfo=UTC)]
    assert page.mismatches == {"tags": 1, "updated_at": 1}


def test_a_page_without_dated_rows_has_no_span() -> None:
    assert shaper().shape_page(Page([]), "acme").span == ()
    assert shaper().shape_page(Page([row()]), "acme").span == ()


def test_mismatches_are_those_of_the_page() -> None:
    one = shaper()
    for _ in range(2):
        assert one.shape_page(Page([row(tags="vip")]), "acme").mismatches == {"tags": 1}
    assert one.shape_page(Page([row()]), "acme").mismatches == {}


def test_a_protected_column_is_not_kept_in_extra() -> None:
    protected = replace(selection("customers"), protected=frozenset({"tags"}))
    page = RecordShaper(STREAMS["customers"], protected, "updated_at").shape_page(
        Page([row(tags="vip")]), "acme"
    )
    assert (page.records[0]["extra"], page.mismatches) == (None, {"tags": 1})


def test_the_replication_key_of_a_row_is_known_before_its_record_is_built() -> None:
    listed = row(updated_at="2026-05-10T12:00:00Z")
    assert shaper().timestamp(listed, Page([listed])) == NOON
    assert shaper().timestamp(row(), Page([row()])) is None
