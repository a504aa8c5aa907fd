"""A run stops if too large a share of the answers are refusals, but not because of the first few."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_sumeru.apply.results import RejectionLimit


@given(share=st.floats(0, 1), answers=st.lists(st.booleans(), max_size=100))
def test_the_limit_is_the_share_of_twenty_answers_or_more(share: float, answers: list[bool]) -> None:
    limit = RejectionLimit(share)
    for rejected in answers:
        limit.count(rejected=rejected)
    assert limit.exceeded == (len(answers) >= 20 and sum(answers) > share * len(answers))
