"""Probe of the date filter: it is judged by all that it returns, and the candidate must be among it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.windows import Window
from tap_sumeru.records import ShapedPage
from tap_sumeru.records.row_dates import other_dates_of
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = datetime(2026, 5, 10, tzinfo=UTC)
BEGAN = DAY + timedelta(days=60)
ACCEPTED = Window(DAY, DAY + timedelta(days=1)).accepted_range

Dated = tuple[str, datetime | None, dict[str, Any]]

GOOD: Dated = ("good", DAY, {"created_at": "2025-01-01"})
VAGUE: Dated = ("vague", DAY, {"created_at": "2026-05-10"})
BARE: Dated = ("bare", DAY, {})
KEYLESS: Dated = ("keyless", None, {})
OUTSIDE: Dated = ("outside", DAY + timedelta(days=30), {})
CHANGED: Dated = ("changed", BEGAN, {})


class Rows(ShapedPage):
    """Rows, each given by its id, its replication key and its other attributes."""

    def __init__(self, *rows: Dated) -> None:
        self.ids, self.timestamps = [one for one, _, _ in rows], [at for _, at, _ in rows]
        self.records = [row for _, _, row in rows]

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return other_dates_of(self.records[index], "updated_at")


def probed(candidate: Dated, *pages: Rows, known: Verdict = Verdict.UNPROVEN, to_end: bool = True) -> Verdict:
    """Return the verdict after an unfiltered read with one row, and a probe of its day."""
    bookmark = Bookmark({}, "updated_at", ("from", "to"))
    bookmark.verdict = known
    trust = FilterTrust(bookmark, usable=True)
    trust.look_for_candidate(BEGAN)
    trust.consider(Rows(candidate), None)
    found = trust.take_candidate()
    assert found is not None
    for page in pages:
        if not trust.check_probe_page(found, ACCEPTED, page, BEGAN):
            break
    else:
        trust.conclude_probe(read_to_end=to_end)
    return bookmark.verdict


@pytest.mark.parametrize(
    ("candidate", "pages", "verdict"),
    [
        (GOOD, [Rows(GOOD)], Verdict.PROVEN),
        (GOOD, [Rows(VAGUE, KEYLESS), Rows(GOOD)], Verdict.PROVEN),
        (BARE, [Rows(BARE)], Verdict.PLAUSIBLE),
        (BARE, [Rows(VAGUE, BARE)], Verdict.PLAUSIBLE),
        (GOOD, [Rows(KEYLESS, GOOD)], Verdict.PROVEN),
        # A page that looks good is not the last word.
        (GOOD, [Rows(GOOD), Rows(OUTSIDE)], Verdict.REFUTED),
        (BARE, [Rows(OUTSIDE, BARE)], Verdict.REFUTED),
        # A row that has changed since the read began may lie anywhere.
        (GOOD, [Rows(GOOD), Rows(CHANGED)], Verdict.PROVEN),
        # The filter leaves out the row that it should return: it acts on a date that is not shown.
        (BARE, [Rows(("other", DAY, {}))], Verdict.UNPROVEN),
        (BARE, [], Verdict.UNPROVEN),
        (GOOD, [Rows(("good", DAY + timedelta(hours=1), {}))], Verdict.UNPROVEN),
    ],
)
def test_a_probe_is_judged_by_all_that_it_returns(
    candidate: Dated, pages: list[Rows], verdict: Verdict
) -> None:
    assert probed(candidate, *pages) is verdict


@pytest.mark.parametrize("before", range(15))
@pytest.mark.parametrize("pages", [True, False])
def test_ten_rows_without_other_dates_are_enough_to_see_that_a_probe_proves_nothing(
    before: int, *, pages: bool
) -> None:
    """Whatever the number of rows, one from outside of the range refutes the filter."""
    rows = [*[BARE] * before, GOOD]
    probe = [Rows(one) for one in rows] if pages else [Rows(*rows)]
    assert probed(GOOD, *probe) is (Verdict.PROVEN if before < 10 else Verdict.PLAUSIBLE)
    assert probed(GOOD, *probe, Rows(OUTSIDE)) is Verdict.REFUTED


def test_a_plausible_filter_is_proven_or_doubted_by_a_later_probe() -> None:
    assert probed(GOOD, Rows(GOOD), known=Verdict.PLAUSIBLE) is Verdict.PROVEN
    assert probed(BARE, Rows(BARE), known=Verdict.PLAUSIBLE) is Verdict.PLAUSIBLE
    assert probed(BARE, Rows(VAGUE), known=Verdict.PLAUSIBLE) is Verdict.UNPROVEN


def test_a_probe_that_is_not_read_to_its_end_need_not_hold_the_candidate() -> None:
    other: Dated = ("other", DAY, {"created_at": "2025-01-01"})
    assert probed(GOOD, Rows(other), to_end=False) is Verdict.PROVEN
    assert probed(GOOD, Rows(VAGUE), to_end=False) is Verdict.UNPROVEN


def test_a_row_with_other_dates_is_preferred_and_one_without_will_do_after_many_rows() -> None:
    bookmark = Bookmark({}, "updated_at", ("from", "to"))
    trust = FilterTrust(bookmark, usable=True)
    trust.look_for_candidate(BEGAN)
    trust.consider(Rows(VAGUE, BARE, GOOD), None)
    found = trust.take_candidate()
    assert found is not None
    assert found.found
    assert found.is_row("good", DAY)
    trust.look_for_candidate(BEGAN)
    trust.consider(Rows(*[BARE] * 1000), None)
    trust.consider(Rows(GOOD), None)
    found = trust.take_candidate()
    assert found is not None
    assert found.is_row("bare", DAY)
