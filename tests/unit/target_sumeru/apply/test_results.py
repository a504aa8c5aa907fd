"""A run stops if too large a share of the answers are refusals, but not because of the first few."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_sumeru.apply.outcomes import Outcome
from target_sumeru.apply.report import Report
from target_sumeru.apply.results import RejectionLimit, Results
from target_sumeru.apply.state_release import StateRelease
from target_sumeru.plan.items import Item, Status


@given(share=st.floats(0, 1), answers=st.lists(st.booleans(), max_size=100))
def test_the_limit_is_the_share_of_twenty_answers_or_more(share: float, answers: list[bool]) -> None:
    limit = RejectionLimit(share)
    for rejected in answers:
        limit.count(rejected=rejected)
    assert limit.exceeded == (len(answers) >= 20 and sum(answers) > share * len(answers))


@given(rejected=st.integers(0, 40), written=st.integers(0, 40), adopted=st.integers(0, 40))
def test_rows_that_were_read_back_count_as_answers_whatever_became_of_them(
    rejected: int, written: int, adopted: int
) -> None:
    """If only the rejected ones counted, 20 of them would stop a run that has written thousands."""
    limit = RejectionLimit(0.5)
    results = Results(StateRelease([], []), Report("", ""), limit, lambda _: None, hold_rejected=True)
    numbers = {Status.REJECTED: rejected, Status.WRITTEN: written, Status.ADOPTED: adopted}
    for status, number in numbers.items():
        for i in range(number):
            results.answered(Item("inventory", "acme", f"{i}", i, i, b"", b""), Outcome(status))
    assert limit.exceeded == (rejected + written >= 20 and rejected > written)
