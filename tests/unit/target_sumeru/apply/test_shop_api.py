"""The API's clock, which judges the age of a launch, and answers that do not show the row that was meant."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from sumeru_api.errors import OutcomeUnknown, UnexpectedResponse
from sumeru_api.write_doubt import Doubt
from support.client_setup import ClientSetup
from support.fake_session import FakeSession, in_turn, raw_response, response
from support.target_factories import NOW
from support.virtual_clock import run_virtual
from target_sumeru.apply.shop_api import ShopApi
from target_sumeru.config.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_api.responses import Response
    from sumeru_api.session import RawResponse
    from target_sumeru.plan.items import Current

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


def launch(answer: RawResponse, doubt: Doubt) -> Response:
    async def main() -> Response:
        api = ShopApi(ClientSetup(FakeSession(in_turn([answer])), max_retries=2).client)
        return await api.launch(CAMPAIGNS, "cam_1", "key", doubt)

    return run_virtual(main())


@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
@pytest.mark.parametrize("body", [b"", b"OK", b"<html>", b'{"data": {"id": "cam_'])
def test_a_success_that_is_not_json_shows_no_row_and_leaves_the_doubt(status: int, body: bytes) -> None:
    doubt = Doubt()
    answer = launch(raw_response(status, body), doubt)
    assert (answer.status, answer.body, answer.in_doubt, doubt.exists) == (status, b"", True, True)


@pytest.mark.parametrize("answer", [response(500), response(408), response(302), response(600)])
def test_any_other_answer_that_leaves_a_write_in_doubt_is_an_error(answer: RawResponse) -> None:
    with pytest.raises(OutcomeUnknown):
        launch(answer, Doubt())


@pytest.mark.parametrize("shown", ["cam_2", 2, "CAM_1"])
def test_an_answer_about_another_row_is_not_taken_for_the_row(shown: object) -> None:
    """The tags of another customer would be written to this one."""

    async def main() -> Current | None:
        answer = response(200, {"data": {"id": shown, "attributes": {"tags": ["of another"]}}})
        api = ShopApi(ClientSetup(FakeSession(in_turn([answer]))).client)
        return await api.current(CAMPAIGNS, "cam_1")

    with pytest.raises(UnexpectedResponse, match="another row"):
        run_virtual(main())
