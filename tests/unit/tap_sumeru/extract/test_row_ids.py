"""Made ids: when the natural key is given up, and when it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.responses import Page
from support.factories import stream_options
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.recovery import StartOver
from tap_sumeru.extract.row_ids import RowIds
from tap_sumeru.extract.slices import Slice
from tap_sumeru.extract.windows import Window
from tap_sumeru.records import RecordShaper, ShapedPage
from tap_sumeru.state.bookmarks import Bookmark

Json = dict[str, Any]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, OLDER, YOUNG, YOUNGER = (
    "2026-05-10T00:00:00Z",
    "2026-05-09T00:00:00Z",
    NOW.isoformat(),
    "2026-06-01T01:00:00Z",
)


class FakePlan:
    """A plan of one read."""

    forgotten = False
    since = datetime.min.replace(tzinfo=UTC)

    @property
    def range(self) -> FakePlan:
        return self

    def holds(self, slice_: Slice, timestamp: datetime) -> bool:
        return timestamp >= self.since if slice_.window is None else slice_.window.holds(timestamp)

    def is_young(self, timestamp: datetime) -> bool:
        return timestamp >= NOW

    def forget(self) -> None:
        self.forgotten = True


class Read:
    """A read of one stream, whose rows have no ids."""

    def __init__(self, stream: str, *, remembered: int = 1000) -> None:
        self.spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
        self.bookmark = Bookmark({}, self.spec.replication_key, None)
        self.plan = FakePlan()
        self.query = Query(self.spec, stream_options(), ("id", "model"))
        self.ids = RowIds(
            self.spec,
            self.bookmark,
            self.query,
            self.plan,  # type: ignore[arg-type]  # a fake
            "acme",
            max_remembered=remembered,
        )
        selection = StreamSelection(stream, properties, tuple(properties))
        self._shaper = RecordShaper(self.spec, selection, self.spec.replication_key)

    def shape(self, rows: list[Json], parent: str | None = None) -> ShapedPage:
        return self._shaper.shape_page(Page(rows), "acme", parent, natural_key=self.ids.natural_key)

    def take(self, *rows: Json, slice_: Slice | None = None, whole: bool = True) -> bool:
        """Take a page; return whether the natural key is still in use."""
        slice_ = slice_ or Slice()
        try:
            self.ids.check(slice_, self.shape(list(rows), slice_.parent), whole=whole)
        except StartOver:
            assert self.plan.forgotten
        assert self.ids.natural_key is (self.bookmark.not_unique == ())
        return self.ids.natural_key


def attribution(at: str | None, note: str, order: str = "ord_1") -> Json:
    return {"order_id": order, "model": "linear", "attributed_at": at, "note": note}


@pytest.mark.parametrize(
    ("one", "other", "unique"),
    [
        (attribution(OLD, "a"), attribution(OLD, "a"), True),  # a row that came twice
        (attribution(OLD, "a"), attribution(OLD, "b", "ord_2"), True),
        (attribution(OLD, "a"), attribution(OLD, "b"), False),
        (attribution(OLDER, "a"), attribution(OLD, "b"), False),
        (attribution(None, "a"), attribution(None, "b"), False),
        (attribution(OLD, "a"), attribution(YOUNG, "b"), True),  # it has changed meanwhile
        (attribution(YOUNG, "a"), attribution(YOUNGER, "b"), True),
        (attribution(YOUNG, "a"), attribution(YOUNG, "b"), False),
    ],
)
def test_two_rows_of_two_pages(one: Json, other: Json, unique: bool) -> None:
    read = Read("attribution")
    assert read.take(one)
    assert read.take(other) is unique
    assert read.bookmark.not_unique == (() if unique else ("order_id", "model"))


@pytest.mark.parametrize("at", [OLD, YOUNG, None])
def test_two_rows_of_one_page_are_never_the_same_row(at: str | None) -> None:
    assert not Read("attribution").take(attribution(YOUNGER, "a"), attribution(at, "b"))


def test_the_natural_key_of_a_child_is_its_own_within_its_parent() -> None:
    read = Read("enrollments")
    for number, parent in enumerate(("jrn_1", "jrn_2")):
        row = {"customer_id": "cus_1", "updated_at": OLD, "status": str(number)}
        assert read.take(row, slice_=Slice(parent=parent))
    assert not read.take(
        {"customer_id": "cus_1", "updated_at": OLD, "status": "x"}, slice_=Slice(parent="jrn_1")
    )


def test_a_row_of_another_window_is_left_to_that_window() -> None:
    """Windows overlap: a row may come with two of them, and change in between."""
    read, day = Read("attribution"), datetime(2026, 5, 10, tzinfo=UTC)
    read.take(attribution(OLD, "a"), slice_=Slice(window=Window(day, day + timedelta(days=1))))
    before = Slice(window=Window(day - timedelta(days=1), day))
    assert read.take(attribution(OLD, "b"), slice_=before)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 28)), max_size=8), st.integers(1, 28))
def test_a_list_of_all_rows_is_compared_as_a_whole(rows: list[tuple[str, int]], since: int) -> None:
    """Rows from before the range of a read were written by an earlier one, under the same ids."""
    read = Read("attribution")
    read.plan.since = datetime(2026, 5, since, tzinfo=UTC)
    taken = [read.take(attribution(f"2026-05-{day:02}T12:00:00Z", str(day), order)) for order, day in rows]
    days = {order: {day for one, day in rows if one == order} for order, _ in rows}
    assert all(taken) is all(len(one) == 1 for one in days.values())


def test_rows_beyond_those_that_are_remembered_are_compared_with_these() -> None:
    read = Read("attribution", remembered=1)
    assert read.take(attribution(OLD, "a"), attribution(OLD, "b", "ord_2"))
    assert read.take(attribution(OLD, "c", "ord_2"))
    assert not read.take(attribution(OLD, "d"))


def test_rows_with_ids_are_not_compared() -> None:
    read = Read("attribution")
    assert read.take(*({"id": str(number), **attribution(OLD, str(number))} for number in range(3)))
    assert not read.ids.comparing
    read.take(attribution(OLD, "a"))
    assert read.ids.comparing


def test_what_is_known_of_another_natural_key_says_nothing() -> None:
    read = Read("attribution")
    read.bookmark.not_unique = ("order_id",)
    assert read.ids.natural_key


def test_an_id_is_not_made_from_a_part_of_the_attributes() -> None:
    read = Read("attribution")
    with pytest.raises(StartOver):
        read.ids.check(Slice(), read.shape([attribution(OLD, "a")]), whole=False)
    assert read.query.fields == ()
    read.ids.check(Slice(), read.shape([{"id": "att_1"}]), whole=False)


ROWS = st.lists(
    st.fixed_dictionaries(
        {"date": st.sampled_from(["2026-05-01", "2026-05-02"]), "channel": st.sampled_from("abc")},
        optional={"id": st.sampled_from("xyz")},
    ),
    max_size=6,
)


@given(ROWS, st.integers(1, 4))
def test_no_two_different_rows_of_a_read_have_one_made_id(rows: list[Json], size: int) -> None:
    rows = [{**row, "id": f"{row['id']}{number}"} if "id" in row else row for number, row in enumerate(rows)]
    read = Read("usage")
    pages = [rows[start : start + size] for start in range(0, len(rows), size)]
    if not all(read.take(*page) for page in pages):
        assert all(read.take(*page) is False for page in pages)
    ids: dict[str, Json] = {}
    for page in pages:
        for row, record in zip(page, read.shape(page).records, strict=True):
            assert ids.setdefault(record["id"], row) == row
