"""Bulk writes: however a response says which rows were not written, they are not counted as written."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from typing_extensions import override

from sumeru_api.errors import OutcomeUnknown
from sumeru_api.responses import Response
from target_sumeru.apply.bulk import read_back, write_bulk
from target_sumeru.config.streams import STREAMS
from target_sumeru.plan.items import Current, Item, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

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
    "status in other words": lambda good, bad: {
        "data": [
            *({**one, "status": "updated"} for one in good),
            *({"id": one, "status": "skipped"} for one in bad),
        ]
    },
    "reason of each row": lambda good, bad: {
        "data": [*good, *({"id": one, "reason": "no such location"} for one in bad)]
    },
    "all rows, and the bad once more": lambda good, bad: {
        "data": [*good, *({"id": one} for one in bad), *({"id": one, "status": "skipped"} for one in bad)]
    },
    "all rows, and which are bad": lambda good, bad: {
        "data": [*good, *({"id": one} for one in bad)],
        "not_applied": bad,
    },
    "all rows, and the number of the bad": lambda good, bad: {
        "data": [*good, *({"id": one} for one in bad)],
        "meta": {"summary": {"applied": len(good), "unprocessable": len(bad)}},
    },
    "warnings": lambda good, bad: {
        "data": [*good, *({"id": one} for one in bad)],
        "warnings": [{"id": one, "text": "ignored"} for one in bad],
    },
    "all rows, and that none or some are applied": lambda good, bad: {
        "data": [*good, *({"id": one} for one in bad)],
        "applied": not bad,
    },
    "all rows, and a list of those that changed": lambda good, bad: {
        "data": [*good, *({"id": one} for one in bad)],
        "changed": [one["id"] for one in good],
    },
    "numbers alone": lambda good, bad: {"applied": len(good), "of": len(good) + len(bad)},
    "a job": lambda *_: {"data": {"id": "job_1", "type": "job"}},
    "nothing": lambda *_: {},
    "rows by id": lambda good, bad: {
        "data": {**{one["id"]: "done" for one in good}, **dict.fromkeys(bad, "no")}
    },
    "ids of its own": lambda good, _: {"data": [{"id": f"job_{one['id']}"} for one in good]},
}


class AnsweringApi:
    """An API that writes what it can of each request, and says so in its own way.

    Args:
        bad: Ids of the rows that it does not write.
        answer: Its way.

    Attributes:
        rows: What it has written, by id.
        sent: Ids of all rows that it was sent.
        lists: How often its list was read.
    """

    def __init__(self, bad: set[str], answer: str) -> None:
        self._bad, self._answer = bad, ANSWERS[answer]
        self.rows: dict[str, Json] = {}
        self.sent: set[str] = set()
        self.lists = 0

    async def update_many(
        self, stream: object, rows: list[tuple[str, Mapping[str, Any]]], key: str, doubt: object
    ) -> Response:
        """Answer a PATCH of several rows."""
        _ = stream, key, doubt
        self.sent |= {row_id for row_id, _ in rows}
        good = [row_id for row_id, _ in rows if row_id not in self._bad]
        self.rows |= {row_id: dict(attributes) for row_id, attributes in rows if row_id in good}
        random.shuffle(good)
        listed = [{"id": one, "type": "inventory", "attributes": {"status": "error"}} for one in good]
        content = self._answer(listed, [row_id for row_id, _ in rows if row_id in self._bad])
        return Response(200, {}, json.dumps(content).encode(), 0.0)

    async def pages(self, _: object) -> AsyncIterator[list[Current]]:
        """Answer GETs of the list."""
        self.lists += 1
        yield [Current("inv_of_others", {"available": 7})]
        yield [Current(one, self.rows.get(one, {"available": -1})) for one in sorted(self.sent)]


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

    async def main() -> None:
        shop: Any = api
        left = await write_bulk(shop, STREAMS["inventory"], items, done, lambda: True)
        if left:
            await read_back(shop, STREAMS["inventory"], left, done)

    asyncio.run(main())
    return found


@pytest.mark.parametrize("answer", ANSWERS)
@given(number=st.integers(1, 40), bad=st.sets(st.integers(0, 39)))
def test_each_row_is_settled_once_and_as_it_is(answer: str, number: int, bad: set[int]) -> None:
    api = AnsweringApi({f"inv_{i}" for i in bad}, answer)
    expected = {f"inv_{i}": [Status.REJECTED if i in bad else Status.WRITTEN] for i in range(number)}
    assert written(api, number) == expected


@pytest.mark.parametrize("number", [1, 30])
@pytest.mark.parametrize("answer", ["omitted", "errors of each row"])
def test_the_documented_answer_needs_no_list(answer: str, number: int) -> None:
    api = AnsweringApi(set(), answer)
    assert set(map(tuple, written(api, number).values())) == {(Status.WRITTEN,)}
    assert api.lists == 0


_WORDS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
_VALUES = st.one_of(
    _WORDS, st.booleans(), st.integers(0, 9), st.lists(_WORDS), st.sampled_from([{}, {"a": 1}])
)


@given(name=_WORDS, value=_VALUES, of_row=st.booleans(), bad=st.booleans())
def test_whatever_an_answer_says_in_words_of_its_own_is_checked_by_the_list(
    name: str, value: Any, *, of_row: bool, bad: bool
) -> None:
    known = {"id", "type", "attributes", "relationships", "links", *STREAMS["inventory"].listed_columns}
    assume(
        name not in known if of_row else name not in ("data", "included", "links", "pagination", "jsonapi")
    )
    row: Json = {"id": "inv_0"}
    content: Json = {"data": [{**row, name: value}]} if of_row else {"data": [row], name: value}
    with mock.patch.dict(ANSWERS, {"in its own words": lambda *_: content}):
        api = AnsweringApi({"inv_0"} if bad else set(), "in its own words")
    (status,) = written(api, 1)["inv_0"]
    assert (status is Status.WRITTEN) <= (not bad)


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


@pytest.mark.parametrize("member", [{"applied": False}, {"updated": 0}, {"saved": []}, {"by_id": {}}])
def test_nothing_is_an_answer_too(member: Json) -> None:
    """`applied: false` says as much as `applied: true`."""
    listed = {"data": [{"id": "inv_0", "type": "inventory", "attributes": {}}], **member}
    with mock.patch.dict(ANSWERS, {"in its own words": lambda *_: listed}):
        assert written(AnsweringApi({"inv_0"}, "in its own words"), 1) == {"inv_0": [Status.REJECTED]}


def test_a_row_whose_list_does_not_show_what_was_written_is_unknown() -> None:
    class HidingApi(AnsweringApi):
        @override
        async def pages(self, _: object) -> AsyncIterator[list[Current]]:
            yield [Current(one, {"sku": "s"}) for one in sorted(self.sent)]

    assert written(HidingApi(set(), "nothing"), 2) == {f"inv_{i}": [Status.UNKNOWN] for i in range(2)}
