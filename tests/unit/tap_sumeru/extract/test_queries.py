"""`queries`: what a stream's lists are asked with."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.settings import StreamOptions
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.windows import Window

DAY = datetime(2026, 5, 10, tzinfo=UTC)
LIMIT = ("limit", "100")


def query(stream: str = "orders", fields: tuple[str, ...] = (), **options: Any) -> Query:
    return Query(STREAMS[stream], StreamOptions("updated_at", **options), fields)


def test_all_rows_are_asked_for_with_the_limit_alone() -> None:
    assert query().rows() == ("orders", (LIMIT,))


def test_everything_that_was_wished_for_is_asked_for() -> None:
    full = query(
        fields=("number", "updated_at"),
        filters=(("status", "paid"), ("channel", "web")),
        include=("customer", "items"),
    )
    assert full.rows(Window(DAY, DAY + timedelta(days=1))) == (
        "orders",
        (
            LIMIT,
            ("filter[status]", "paid"),
            ("filter[channel]", "web"),
            ("filter[date_from]", "2026-05-09"),
            ("filter[date_to]", "2026-05-12"),
            ("include", "customer,items"),
            ("fields", "number,updated_at"),
        ),
    )


def test_an_open_window_is_asked_for_by_its_first_day() -> None:
    one = query(date_filter=("from", "to"))
    assert one.rows(Window(DAY, None)) == ("orders", (LIMIT, ("from", "2026-05-09")))


def test_without_a_filter_a_window_is_not_asked_for() -> None:
    assert query(date_filter=None).rows(Window(DAY, None)) == ("orders", (LIMIT,))


@pytest.mark.parametrize(
    ("parent", "path"),
    [
        ("jrn_1", "journeys/jrn_1/enrollments"),
        ("a/b?c=1#d", "journeys/a%2Fb%3Fc%3D1%23d/enrollments"),
        ("..", "journeys/../enrollments"),
        (None, "journeys//enrollments"),
    ],
)
def test_the_id_of_a_parent_is_one_segment_of_the_path(parent: str | None, path: str) -> None:
    assert query("enrollments").rows(parent=parent) == (path, (LIMIT,))


def test_parents_are_asked_for_whole() -> None:
    enrollments = query("enrollments", ("state",), filters=(("state", "active"),))
    assert enrollments.parents() == ("journeys", (LIMIT,))


def test_a_probe_asks_the_same_with_all_fields() -> None:
    one = query("enrollments", ("state",), filters=(("fields", "x"),), include=("customer",))
    assert one.probe(Window(DAY, None), "jrn_1") == (
        "journeys/jrn_1/enrollments",
        (
            LIMIT,
            ("filter[fields]", "x"),
            ("filter[date_from]", "2026-05-09"),
            ("include", "customer"),
        ),
    )


def test_fields_can_be_dropped_without_another_read_being_meant() -> None:
    """The API may refuse `fields`; the place of the read stays good."""
    one = query(fields=("number",))
    before = one.fingerprint(None, None)
    one.fields = ()
    assert one.rows() == ("orders", (LIMIT,))
    assert one.fingerprint(None, None) == before


def test_every_other_read_has_another_fingerprint() -> None:
    reads = [
        query().fingerprint(None, None),
        query().fingerprint(DAY, None),
        query().fingerprint(None, DAY),
        query("customers").fingerprint(None, None),
        query(fields=("number",)).fingerprint(None, None),
        query(filters=(("status", "paid"),)).fingerprint(None, None),
        query(include=("customer",)).fingerprint(None, None),
        Query(STREAMS["orders"], StreamOptions("placed_at")).fingerprint(None, None),
    ]
    assert all(one != other for one, other in itertools.combinations(reads, 2))
    assert query().fingerprint(DAY, DAY) == query().fingerprint(DAY, DAY)
    assert {len(read) for read in reads} == {16}
