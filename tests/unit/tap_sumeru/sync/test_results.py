"""Failures of a run: one for each stream, or one for a shop in which no stream was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    NotFound,
    PermissionDenied,
    Redirected,
    RequestRejected,
    UnexpectedResponse,
)
from tap_sumeru.sync.results import Failure, Results

SHOPS = ["acme", "globex", "initech"]
STREAMS = ["orders", "products", "usage"]


@given(
    st.lists(st.sampled_from(STREAMS), min_size=1, unique=True),
    st.dictionaries(
        st.tuples(st.sampled_from(SHOPS), st.sampled_from(STREAMS)),
        st.sampled_from([NotFound, NotFound, NotFound, PermissionDenied]),
    ),
)
def test_a_shop_has_one_failure_if_several_streams_are_read_and_none_is_found(
    selected: list[str], errors: dict[tuple[str, str], type[ApiError]]
) -> None:
    results = Results(selected, SHOPS)
    failed = {key: kind for key, kind in errors.items() if key[1] in selected}
    for (shop, stream), kind in failed.items():
        results.failed(Failure(shop, (stream,), whole_shop=False, error=kind("it failed", status=404)))
    merged = results.merged_failures()
    assert {(one.shop, stream) for one in merged for stream in one.streams} == set(failed)
    for shop in SHOPS:
        of_shop = [one for one in merged if one.shop == shop]
        kinds = [kind for key, kind in failed.items() if key[0] == shop]
        nothing_found = len(selected) > 1 and kinds == [NotFound] * len(selected)
        assert len(of_shop) == (1 if nothing_found else len(kinds))
        assert all(one.whole_shop == nothing_found for one in of_shop)
        for one in of_shop:
            found = "no selected stream can be read at this address" in str(one)
            assert found == nothing_found


@pytest.mark.parametrize("streams", [("orders",), ("orders", "usage")])
def test_a_shop_that_fails_as_a_whole_stays_one_failure(streams: tuple[str, ...]) -> None:
    results = Results(list(streams), ["acme"])
    failure = Failure("acme", streams, whole_shop=True, error=PermissionDenied("no plan", status=403))
    results.failed(failure)
    assert results.merged_failures() == [failure]


@pytest.mark.parametrize(
    ("errors", "merged"),
    [
        (
            [Redirected("it redirects", status=301), Redirected("the list failed: it redirects", status=301)],
            True,
        ),
        ([RequestRejected("no reason", status=405)] * 2, True),
        ([RequestRejected("no reason", status=410)] * 2, True),
        ([RequestRejected("no such filter", status=400)] * 2, False),
        ([UnexpectedResponse("no `data`", status=200)] * 2, True),
        ([UnexpectedResponse("no `data`"), UnexpectedResponse("a row is not an object")], False),
        ([ApiUnavailable("not JSON", status=200)] * 2, True),
        ([ApiUnavailable("not JSON", status=200), ApiUnavailable("not JSON", status=502)], False),
        ([NotFound("none", status=404), NotFound("no such page", status=404)], True),
        ([NotFound("none", status=404), Redirected("none", status=404)], False),
        ([PermissionDenied("no scope", status=403)] * 2, False),
    ],
)
def test_streams_that_fail_in_the_same_way_at_a_wrong_address_are_one_failure(
    errors: list[ApiError], merged: bool
) -> None:
    results = Results(["orders", "usage"], ["acme"])
    for stream, error in zip(results.by_stream, errors, strict=True):
        results.failed(Failure("acme", (stream,), whole_shop=False, error=error))
    assert len(results.merged_failures()) == (1 if merged else 2)
