"""The API's clock: what judges the age of a launch is read from fresh answers only."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from sumeru_api.doubt import Doubt
from support.client_setup import ClientSetup
from support.fake_session import FakeSession, in_turn, response
from support.target_factories import NOW
from support.virtual_clock import run_virtual
from target_sumeru.apply.shop_api import ShopApi
from target_sumeru.config.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_api.session import RawResponse

CAMPAIGNS = STREAMS["campaigns"]
HOUR = 3600
LIST = {"data": [], "pagination": {"next_cursor": None, "has_next": False}}


def answer(hours: float, content: object = LIST, **headers: str) -> RawResponse:
    """Return an answer whose `Date` is so many hours ahead of our clock."""
    at = format_datetime(datetime.fromtimestamp(NOW + hours * HOUR, UTC), usegmt=True)
    return response(200, content, Date=at, **headers)


def ahead(*answers: RawResponse, writes: bool = False) -> float:
    """Return by how many hours the API's clock is ahead after these answers."""

    async def main() -> float:
        api = ShopApi(ClientSetup(FakeSession(in_turn(answers))).client, clock=lambda: NOW)
        for _ in answers:
            if writes:
                await api.launch(CAMPAIGNS, "cam_1", "key", Doubt())
            else:
                assert [page async for page in api.pages(CAMPAIGNS)] == [[]]
        return (api.now() - NOW) / HOUR

    return run_virtual(main())


CACHED = [{"Age": "40"}, {"Age": "0"}, {"X_Cache": "HIT"}, {"X_Cache": "Hit from edge"}]


@pytest.mark.parametrize("headers", CACHED)
@pytest.mark.parametrize("hours", [-30, -1, 5])
@pytest.mark.parametrize("writes", [True, False])
def test_a_cached_answer_does_not_move_the_clock(
    headers: dict[str, str], hours: float, *, writes: bool
) -> None:
    """With a `Date` of yesterday, a launch that was asked for two days ago would count as fresh."""
    assert ahead(answer(hours, **headers), writes=writes) == 0
    assert ahead(answer(2), answer(hours, **headers), writes=writes) == 2


@pytest.mark.parametrize("hours", [-2, 0, 3])
def test_the_clock_is_that_of_the_last_fresh_list(hours: float) -> None:
    assert ahead(answer(hours)) == hours
    assert ahead(answer(1), answer(hours, X_Cache="MISS")) == hours


def test_an_answer_without_a_time_leaves_the_clock_as_it_is() -> None:
    assert ahead(answer(3), response(200, LIST)) == 3
    assert ahead(answer(3), response(200, LIST, Date="yesterday")) == 3


def test_an_answer_that_was_kept_for_a_key_does_not_turn_the_clock_back() -> None:
    assert ahead(answer(3), answer(-20), writes=True) == 3
    assert ahead(answer(3), answer(4), writes=True) == 4
