"""The advice of an error fits its cause, also if a write was in doubt before."""

from __future__ import annotations

import pytest

from sumeru_api.errors import ApiError, AuthenticationError, OutcomeUnknown
from target_sumeru.summary import advice


@pytest.mark.parametrize("in_doubt", [False, True])
def test_a_token_that_is_not_accepted_is_what_must_be_changed(*, in_doubt: bool) -> None:
    """A write that has lost its first answer meets the 401 with its second try."""
    error: ApiError = AuthenticationError("expired", status=401)
    assert "`api_token`" in advice(OutcomeUnknown.after(error) if in_doubt else error, "customers:write")
