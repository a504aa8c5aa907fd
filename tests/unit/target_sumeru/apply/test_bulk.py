"""Bulk writes: the guilty rows are found with few requests, and every row is settled once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import OutcomeUnknown
from sumeru_api.responses import Response
from target_sumeru.apply.bulk import read_back, write_bulk
from target_sumeru.config.streams import STREAMS
from target_sumeru.plan.items import Current, Item, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from target_sumeru.apply.outcomes import Outcome


class BulkApi:
    """An API that refuses some rows.

    Args:
        bad: Ids of the rows that it refuses.
        partial: Whether it writes the others of the same request.
        silent: Whether its responses do not list what was written.
        unknown: Whether no response comes.

    Attributes:
        cost: Rows in all requests.
        keys: Idempotency keys of all requests.
        written: Ids of the rows that were written.
    """

    def __init__(
        self, bad: set[str], *, partial: bool = False, silent: bool = False, unknown: bool = False
    ) -> None:
        self._bad, self._partial, self._silent, self._unknown = bad, partial, silent, unknown
        self.cost = 0
        self.keys: list[str] = []
        self.written: list[str] = []

    async def update_many(
        self, stream: object, rows: list[tuple[str, Mapping[str, Any]]], key: str, _: object
    ) -> Response:
        """Answer a PATCH of several rows."""
        assert stream is STREAMS["inventory"]
        self.cost += len(rows)
        self.keys.append(key)
        if self._unknown:
            raise OutcomeUnknown("no response")
        good = [row_id for row_id, _ in rows if row_id not in self._bad]
        error = {"code": "validation_failed", "message": "no", "details": {"field": "available"}}
        if len(good) < len(rows) and not (self._partial and good):
            return Response(422, {}, json.dumps({"error": error}).encode(), 0.0)
        self.written += good
        content: Any = {} if self._silent else {"data": [{"id": row_id} for row_id in good]}
        if len(good) < len(rows):
            content["errors"] = [error]
        return Response(200, {}, json.dumps(content).encode(), 0.0)

    async def pages(self, _: object) -> AsyncIterator[list[Current]]:
        """Answer GETs of the list."""
        yield []
        yield [Current(name, {"available": int(name.removeprefix("inv_"))}) for name in self.written]


def items(number: int) -> list[Item]:
    return [
        Item("inventory", "acme", f"{i}", i, i, b"", b"", attributes={"available": i}, api_id=f"inv_{i}")
        for i in range(number)
    ]


def write(api: BulkApi, number: int, stop_after: int = 10_000) -> dict[str, list[Outcome]]:
    outcomes: dict[str, list[Outcome]] = {}

    def done(item: Item, outcome: Outcome) -> None:
        outcomes.setdefault(item.api_id, []).append(outcome)

    async def main() -> None:
        shop: Any = api
        stream = STREAMS["inventory"]
        left = await write_bulk(shop, stream, items(number), done, lambda: len(api.keys) < stop_after)
        await read_back(shop, stream, left, done)

    asyncio.run(main())
    return outcomes


def test_one_guilty_row_of_a_hundred_costs_210_requests() -> None:
    api = BulkApi({"inv_44"})
    outcomes = write(api, 100)
    assert api.cost == 210
    assert outcomes["inv_44"][0].status is Status.REJECTED
    assert (outcomes["inv_44"][0].code, outcomes["inv_44"][0].column) == ("validation_failed", "available")


@given(
    number=st.integers(1, 40),
    bad=st.sets(st.integers(0, 39)),
    partial=st.booleans(),
)
def test_every_row_is_settled_once_and_the_good_ones_are_written(
    number: int, bad: set[int], partial: bool
) -> None:
    refused = {f"inv_{i}" for i in bad}
    api = BulkApi(refused, partial=partial)
    outcomes = write(api, number)
    expected = {f"inv_{i}": Status.REJECTED if i in bad else Status.WRITTEN for i in range(number)}
    assert {name: [one.status for one in found] for name, found in outcomes.items()} == {
        name: [status] for name, status in expected.items()
    }
    assert sorted(api.written) == sorted(
        name for name, status in expected.items() if status is Status.WRITTEN
    )
    assert len(set(api.keys)) == len(api.keys)


def test_a_response_that_lists_nothing_is_checked_by_the_list() -> None:
    api = BulkApi(set(), silent=True)
    assert {one.status for (one,) in write(api, 5).values()} == {Status.WRITTEN}
    assert len(api.keys) == 1


def test_without_a_response_the_outcome_of_all_rows_is_unknown() -> None:
    api = BulkApi(set(), unknown=True)
    assert {one.status for (one,) in write(api, 5).values()} == {Status.UNKNOWN}
    assert len(api.keys) == 1


@pytest.mark.parametrize("after", [1, 2, 5])
def test_it_stops_when_the_run_stops(after: int) -> None:
    api = BulkApi({f"inv_{i}" for i in range(100)})
    write(api, 100, stop_after=after)
    assert len(api.keys) == after
