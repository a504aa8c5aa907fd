"""Bulk writes: however a response says which rows were not written, they are not counted as written."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from sumeru_api.errors import OutcomeUnknown
from sumeru_api.responses import Response
from target_sumeru.apply.bulk import write_bulk
from target_sumeru.config.streams import STREAMS
from target_sumeru.plan.items import Current, Item, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_sumeru.apply.outcomes import Outcome

Json = dict[str, Any]
ERROR = {"code": "validation_failed", "message": "no"}


def _with_status(good: list[Json], bad: list[str]) -> Json:
    return {"data": [*good, *({"id": one, "status": 422, "error": ERROR} for one in bad)]}


ANSWERS: dict[str, Callable[[list[Json], list[str]], Json]] = {
    "omitted": lambda good, _: {"data": good},
    "status of each row": _with_status,
    "errors of each row": lambda good, bad: {
        "data": [*good, *({"id": one, "errors": [ERROR]} for one in bad)]
    },
    "success of each row": lambda good, bad: {
        "data": [*({**one, "success": True} for one in good), *({"id": one, "success": False} for one in bad)]
    },
    "errors beside all rows": lambda good, bad: {
        "data": [*good, *({"id": one, "type": "inventory"} for one in bad)],
        "errors": [ERROR for _ in bad],
    },
    "results": lambda good, bad: {
        "data": {"results": [*good, *({"id": one, "status": "failed"} for one in bad)]}
    },
    "counts": lambda good, bad: {"data": {"updated": len(good), "failed": len(bad)}},
    "failed ids": lambda _, bad: {"data": [], "meta": {"failed_ids": bad}},
    "ids of its own": lambda good, _: {"data": [{"id": f"job_{one['id']}"} for one in good]},
}


class AnsweringApi:
    """An API that writes what it can of each request, and says so in its own way.

    Args:
        bad: Ids of the rows that it does not write.
        answer: Its way.
    """

    def __init__(self, bad: set[str], answer: str) -> None:
        self._bad, self._answer = bad, ANSWERS[answer]
        self.rows: dict[str, Json] = {}

    async def update_many(
        self, stream: object, rows: list[tuple[str, Mapping[str, Any]]], key: str, doubt: object
    ) -> Response:
        """Answer a PATCH of several rows."""
        _ = stream, key, doubt
        good = [row_id for row_id, _ in rows if row_id not in self._bad]
        self.rows |= {row_id: dict(attributes) for row_id, attributes in rows if row_id in good}
        random.shuffle(good)
        listed = [{"id": one, "type": "inventory", "attributes": {"status": "error"}} for one in good]
        content = self._answer(listed, [row_id for row_id, _ in rows if row_id in self._bad])
        return Response(200, {}, json.dumps(content).encode(), 0.0)

    async def current(self, _: object, row_id: str) -> Current | None:
        """Answer a GET of one row."""
        return Current(row_id, self.rows.get(row_id, {"available": -1}))


class FailingApi(AnsweringApi):
    """An API that fails at each request that has one of some rows.

    Args:
        bad: Ids of these rows.
        status: HTTP status of its answer; 0 if there is none.
    """

    def __init__(self, bad: set[str], status: int) -> None:
        super().__init__(bad, "omitted")
        self.status, self.requests = status, 0

    @override
    async def update_many(
        self, stream: object, rows: list[tuple[str, Mapping[str, Any]]], key: str, doubt: object
    ) -> Response:
        """Answer a PATCH of several rows."""
        self.requests += 1
        if self._bad.isdisjoint(row_id for row_id, _ in rows):
            return await super().update_many(stream, rows, key, doubt)
        raise OutcomeUnknown("the API has failed", status=self.status)


def written(api: AnsweringApi, number: int) -> dict[str, list[Status]]:
    """Write stock rows, and return what became of each."""
    items = [
        Item("inventory", "acme", f"{i}", i, i, b"", b"", attributes={"available": i}, api_id=f"inv_{i}")
        for i in range(number)
    ]
    found: dict[str, list[Status]] = {}

    def done(item: Item, outcome: Outcome) -> None:
        found.setdefault(item.api_id, []).append(outcome.status)

    asyncio.run(write_bulk(api, STREAMS["inventory"], items, done, lambda: True))  # type: ignore[arg-type]  # a fake
    return found


@pytest.mark.parametrize("answer", ANSWERS)
@given(number=st.integers(1, 40), bad=st.sets(st.integers(0, 39)))
def test_each_row_is_settled_once_and_as_it_is(answer: str, number: int, bad: set[int]) -> None:
    api = AnsweringApi({f"inv_{i}" for i in bad}, answer)
    expected = {f"inv_{i}": [Status.REJECTED if i in bad else Status.WRITTEN] for i in range(number)}
    assert written(api, number) == expected


@given(number=st.integers(1, 120), bad=st.sets(st.integers(0, 119), max_size=5), status=st.integers(500, 599))
def test_a_row_at_which_the_api_fails_keeps_no_other_from_being_written(
    number: int, bad: set[int], status: int
) -> None:
    api = FailingApi({f"inv_{i}" for i in bad}, status)
    expected = {f"inv_{i}": [Status.UNKNOWN if i in bad else Status.WRITTEN] for i in range(number)}
    assert written(api, number) == expected


def test_rows_are_not_sent_one_by_one_to_a_host_that_does_not_answer() -> None:
    api = FailingApi({"inv_7"}, 0)
    assert written(api, 100) == {f"inv_{i}": [Status.UNKNOWN] for i in range(100)}
    assert api.requests == 1
