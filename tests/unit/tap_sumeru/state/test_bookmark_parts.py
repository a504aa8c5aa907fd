"""Bookmarks: each of their parts survives the state, and what makes a part useless."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.timestamps import Precision
from tap_sumeru.state.bookmarks import Bookmark, Bookmarks, Entry, Verdict

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
NAMES = ("filter[date_from]", "filter[date_to]")


def bookmark(entry: Entry | None = None, key: str = "updated_at", **options: Any) -> Bookmark:
    return Bookmark(entry or {}, key, options.pop("names", NAMES), **options)


def saved(one: Bookmark) -> Entry:
    """Return the partition as a state file holds it."""
    entry: Entry = json.loads(json.dumps(one.snapshot()))
    return entry


moments = st.none() | st.datetimes(timezones=st.just(UTC))


@given(
    audit=moments,
    filtered=moments,
    shared=st.lists(st.text(), max_size=2),
    precision=st.sampled_from(Precision),
)
def test_what_is_known_besides_the_moment_survives_the_state(
    audit: datetime | None, filtered: datetime | None, shared: list[str], precision: Precision
) -> None:
    one = bookmark()
    one.last_audit, one.filtered_from = audit, filtered
    one.not_unique, one.precision = tuple(shared), precision
    again = bookmark(saved(one))
    assert (again.last_audit, again.filtered_from) == (audit, filtered)
    assert (again.not_unique, again.precision) == (tuple(shared), precision)


def test_another_replication_key_has_a_precision_and_a_start_of_its_own() -> None:
    one = bookmark(start=NOON)
    one.value, one.precision = LATER, Precision.DAY
    other = bookmark(saved(one), "created_at", start=LATER)
    assert other.precision is Precision.SECOND
    other.value = LATER
    assert saved(other)["start_date"] == "2026-05-11T12:00:00Z"


def test_a_precision_that_only_a_newer_version_knows_is_the_coarsest() -> None:
    assert bookmark({"precision": "week"}).precision is Precision.DAY


def test_a_verdict_on_another_filter_is_kept_until_there_is_one_on_this() -> None:
    one = bookmark()
    one.verdict = Verdict.PROVEN
    other = bookmark(saved(one), names=("from", "to"))
    assert saved(other)["date_filter"] == {"verdict": "proven", "names": list(NAMES)}
    other.verdict = Verdict.REFUTED
    assert saved(other)["date_filter"] == {"verdict": "refuted", "names": ["from", "to"]}


def test_nothing_is_left_to_read_before_the_bookmark_unless_rows_may_be_missing() -> None:
    one = bookmark()
    assert not one.reaches(NOON)
    one.value = NOON
    assert one.reaches(NOON)
    assert not one.reaches(NOON + MICROSECOND)
    one.unproven_from = NOON
    assert not one.reaches(NOON)


def test_what_lies_after_a_moment_is_forgotten_and_what_lies_at_it_stays() -> None:
    one = bookmark()
    one.value = one.last_audit = NOON
    for moment, left in ((NOON, NOON), (NOON - MICROSECOND, None)):
        assert one.forget_after(moment) is (left is None)
        assert (one.value, one.last_audit) == (left, left)


def test_a_bookmark_goes_back_by_the_distance_of_the_coarsest_precision() -> None:
    one = bookmark()
    one.value = NOON
    for precision in (Precision.MINUTE, Precision.HOUR, Precision.DAY):
        assert one.learn_precision(precision)
        assert one.value == NOON - precision.distance


def test_a_parent_that_an_earlier_release_skipped_is_still_known() -> None:
    assert bookmark({"skipped": ["f22e8815"]}).has_skipped("jrn_1")


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({}, False),
        ({"replication_key": "updated_at"}, False),
        ({"replication_key_value": "2026-05-10T12:00:00Z"}, True),
        ({"reading": {"began": "2026-05-10T12:00:00Z", "query": "q"}}, True),
    ],
)
def test_a_stream_of_a_shop_goes_on_if_it_has_a_moment_or_a_position(entry: Entry, found: bool) -> None:
    partition = {"context": {"shop": "acme"}, **entry}
    bookmarks = Bookmarks({"bookmarks": {"orders": {"partitions": [partition]}}})
    assert bookmarks.has("orders", "acme") is found
    assert not bookmarks.has("orders", "globex")
    assert not bookmarks.has("customers", "acme")
