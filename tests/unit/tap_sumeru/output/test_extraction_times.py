"""Times of extraction: one per record, each later than the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from typing_extensions import override

from tap_sumeru.output import extraction_times
from tap_sumeru.output.extraction_times import ExtractionTimes


@pytest.mark.parametrize("counts", [[0], [1], [99, 1], [100], [101, 0, 1], [1] * 50, [1000, 250]])
def test_each_record_has_a_later_time_than_the_one_before(counts: list[int]) -> None:
    times, found = ExtractionTimes(), []
    before = datetime.now(UTC)
    for count in counts:
        page = times.next(count)
        assert len(page) == count
        found += page
    moments = [datetime.fromisoformat(text) for text in found]
    assert all(one < following for one, following in pairwise(moments))
    assert all(before <= moment for moment in moments)
    assert all(len(text) == len("2026-05-10T14:23:00.123456Z") and text.endswith("Z") for text in found)


def test_the_time_moves_on_although_the_clock_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        moments = [datetime(2026, 5, 10, 23, 59, 59, 999_950, tzinfo=UTC)] * 2

        @classmethod
        @override
        def now(cls, _: object = None) -> datetime:  # type: ignore[override]  # a fake
            return cls.moments.pop() if cls.moments else datetime(2026, 5, 1, tzinfo=UTC)

    monkeypatch.setattr(extraction_times, "datetime", Clock)
    times = ExtractionTimes()
    found = [datetime.fromisoformat(text) for _ in range(3) for text in times.next(2)]
    assert found[0] == datetime(2026, 5, 11, tzinfo=UTC), "the first times of a page begin a hundred"
    steps = [following - one for one, following in pairwise(found)]
    assert all(timedelta() < step <= timedelta(microseconds=100) for step in steps)
