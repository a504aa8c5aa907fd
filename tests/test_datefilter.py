"""`datefilter`: trust in a date filter is earned by rows, and lost by one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tap_sumeru.datefilter import Witness, dates_of, judge, others_of
from tap_sumeru.state import Verdict
from tap_sumeru.windows import Window

UTC = timezone.utc
DAY = datetime(2026, 5, 10, tzinfo=UTC)
REACH = Window(DAY, DAY + timedelta(days=1)).reach


@pytest.mark.parametrize(
    ("key", "others", "verdict"),
    [
        ("2026-05-10T12:00:00Z", {}, Verdict.PROVEN),
        ("2026-05-10T12:00:00Z", {"created_at": "2025-01-01T00:00:00Z"}, Verdict.PROVEN),
        ("2026-05-10T12:00:00Z", {"created_at": None, "name": "2025"}, Verdict.PROVEN),
        ("2026-05-10T12:00:00Z", {"created_at": "2026-05-10T11:00:00Z"}, Verdict.UNPROVEN),
        ("2026-05-10T12:00:00Z", {"unknown": "2026-05-09", "created_at": "2025-01-01"}, Verdict.UNPROVEN),
        # Outside of the day, but within what an API of another time zone may give for it.
        ("2026-05-08T12:00:00Z", {"created_at": "2025-01-01"}, Verdict.PROVEN),
        ("2026-05-08T09:00:00Z", {"created_at": "2025-01-01"}, Verdict.REFUTED),
        ("2026-05-01T12:00:00Z", {"created_at": "2026-05-10T12:00:00Z"}, Verdict.REFUTED),
        ("2026-06-01T12:00:00Z", {}, Verdict.REFUTED),
    ],
)
def test_what_a_row_says_about_the_filter(key: str, others: dict[str, str | None], verdict: Verdict) -> None:
    instant = datetime.fromisoformat(key.replace("Z", "+00:00"))
    dates = others_of({"updated_at": key, **others}, "updated_at")
    assert judge(REACH, instant, dates) is verdict


def test_dates_are_found_whether_the_schema_knows_them_or_not() -> None:
    row = {
        "a": "2026-05-10",
        "b": "2026-05-10T00:00:00Z",
        "c": 5,
        "d": "x" * 20,
        "e": None,
        "f": ["2026-05-10"],
    }
    assert set(dates_of(row)) == {"a", "b"}


def test_the_witness_is_a_settled_row_whose_other_dates_lie_elsewhere() -> None:
    useless = Witness(DAY + timedelta(days=10))
    useless.look(DAY, [DAY], None)
    assert useless.window is None
    witness = Witness(DAY + timedelta(days=10))
    elsewhere = datetime(2025, 1, 1, tzinfo=UTC)
    witness.look(DAY + timedelta(days=9, hours=12), [elsewhere], "jrn_2")
    assert witness.window == Window(DAY + timedelta(days=9), DAY + timedelta(days=10))
    assert (witness.parent, witness.found) == ("jrn_2", False)
    witness.look(DAY, [elsewhere], "jrn_1")
    assert witness.window == Window(DAY, DAY + timedelta(days=1))
    assert (witness.parent, witness.found) == ("jrn_1", True)
