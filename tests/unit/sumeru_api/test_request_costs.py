"""Rate limit of bulk writes: each counts as many requests as it has items."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.client_setup import ClientSetup
from support.factories import rate_limiter
from support.fake_api import FakeApi
from support.fake_session import FakeSession, raw_response
from support.virtual_clock import now, run_virtual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.session import RawResponse
    from support.fake_session import SentRequest

BULK = 50


class Writer:
    """Sends writes of these costs, eight at a time.

    Args:
        api: The API; it counts their items.
        costs: Items of each write.
        counted: Whether the client counts them too, and not each write as one.
        share: Share of the rate limit that the client may use.
    """

    def __init__(
        self, api: FakeApi, costs: Sequence[int], *, counted: bool = True, share: float = 1.0
    ) -> None:
        self._api = api
        self._left = list(enumerate(costs))
        self._counted = counted
        self._client = ClientSetup(FakeSession(self._outcome, latency=lambda: 0.05), share=share).client

    def _outcome(self, request: SentRequest) -> RawResponse:
        status, headers = self._api.ask(request.at, len(request.body))
        return raw_response(status, b'{"data":[]}', headers)

    async def send(self) -> float:
        """Send them; return when the last has its answer."""
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(self._worker())
        return now()

    async def _worker(self) -> None:
        while self._left:
            number, cost = self._left.pop(0)
            counted, key = cost if self._counted else 1, str(number)
            await self._client.write(
                "PATCH", "inventory", b"x" * cost, "inventory", idempotency_key=key, cost=counted
            )


def write_all(api: FakeApi, costs: Sequence[int], *, counted: bool = True, share: float = 1.0) -> float:
    """Send writes; return the seconds that they take."""

    async def main() -> float:
        return await Writer(api, costs, counted=counted, share=share).send()

    return run_virtual(main())


@pytest.mark.parametrize("limit", [300, 600, 1500])
def test_bulk_writes_run_at_the_limit_without_a_429(limit: int) -> None:
    api = FakeApi(limit)
    took = write_all(api, [BULK] * (5 * limit // BULK))
    assert api.refused == 0
    assert 0.97 * limit <= 5 * limit / took * 60 <= 1.2 * limit


def test_counting_requests_instead_of_items_is_slower_and_is_refused() -> None:
    """The figures that the count of items rests on: 626 a minute and no refusal against 214 and 20."""
    counted, uncounted = FakeApi(600), FakeApi(600)
    items = [BULK] * 60
    fast = 60 * sum(items) / write_all(counted, items)
    slow = 60 * sum(items) / write_all(uncounted, items, counted=False)
    assert (counted.refused, uncounted.refused) == (0, 20)
    assert fast == pytest.approx(620, abs=10)
    assert slow == pytest.approx(214, abs=10)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([60, 300, 600, 1500]),
    st.lists(st.one_of(st.just(1), st.integers(1, 100)), min_size=1, max_size=60),
    st.sampled_from([1.0, 0.5, 0.05]),
)
def test_writes_of_any_cost_are_never_refused(limit: int, costs: list[int], share: float) -> None:
    api = FakeApi(limit)
    took = write_all(api, costs, share=share)
    assert api.refused == 0
    # Three minutes may pass in vain, and each write takes its 50 ms.
    assert took <= (sum(costs) / (limit * share) + 3) * 60 + 0.05 * len(costs)


@pytest.mark.parametrize(
    ("limit", "first", "second"), [(600, 1, BULK), (600, 1, 1), (300, 20, BULK), (1500, 1, 100)]
)
def test_two_programs_with_half_of_the_limit_each_are_never_refused(
    limit: int, first: int, second: int
) -> None:
    """A burst beyond the share of a minute would take what the other one counts on."""
    api = FakeApi(limit)
    minutes = 4

    async def main() -> float:
        costs = (cost for cost in (first, second))
        pair = [Writer(api, [cost] * (minutes * limit // 2 // cost), share=0.5) for cost in costs]
        return max(await asyncio.gather(*(one.send() for one in pair)))

    took = run_virtual(main())
    assert api.refused == 0
    assert minutes * limit / took * 60 >= 0.95 * limit


def test_a_write_that_costs_more_than_a_minute_allows_waits_for_a_whole_minute() -> None:
    api = FakeApi(60)
    took = write_all(api, [1, 100, 1, 100, 1])
    assert api.refused == 0
    assert 200 <= took <= 300


def test_what_is_in_flight_counts_with_its_cost() -> None:
    limiter = rate_limiter()
    limiter.started(0.0)
    headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "120", "X-RateLimit-Reset": "30"}
    limiter.answered(0.0, headers)
    limiter.started(0.0, 50)
    assert limiter.wait(10.0, 71) == pytest.approx(20.05)
    assert limiter.wait(10.0, 70) == 0.0
    limiter.answered(10.0, headers | {"X-RateLimit-Remaining": "100", "X-RateLimit-Reset": "20"}, 50)
    limiter.started(10.0, 60)
    assert limiter.wait(20.0, 10) == 0.0
    assert limiter.wait(20.0, 11) == pytest.approx(10.05)


def test_a_cached_response_gives_back_what_it_was_to_cost() -> None:
    limiter = rate_limiter()
    limiter.started(0.0)
    limiter.answered(0.0, {"X-RateLimit-Limit": "60"})
    before = limiter.wait(5.0, 10)
    limiter.started(5.0, 8)
    assert limiter.wait(9.5, 10) != before
    limiter.answered(9.5, {"Age": "3"}, 8)
    assert limiter.wait(9.5, 10) == 0.0
