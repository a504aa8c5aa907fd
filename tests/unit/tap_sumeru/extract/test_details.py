"""Details: what a row has from its list and from its own endpoint, and what a detail that fails costs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    HostNotResponding,
    NotFound,
    PermissionDenied,
    RequestRejected,
)
from sumeru_api.responses import Page, Response
from sumeru_api.shop import Shop
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract import details as module
from tap_sumeru.extract.details import Details, merged

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class FakeQueue:
    """Traffic of four requests at a time."""

    concurrency = 4


class FakeClient:
    """Answers a detail with what a function returns for the id and the parameters."""

    def __init__(self, answer: Callable[[str, Json], Json | ApiError]) -> None:
        self.shop = Shop("acme", "copt_test_token")
        self.queue = FakeQueue()
        self.requests: list[tuple[str, Json]] = []
        self.retried: list[str] = []
        self._answer = answer

    async def get(self, path: str, params: Any, parse: Any, _: str, *, retry: Callable[[], bool]) -> Any:
        self.requests.append((path, dict(params)))
        await asyncio.sleep(0)
        answer = self._answer(path.rpartition("/")[2], dict(params))
        if isinstance(answer, ApiError):
            if retry():
                self.retried.append(path)
            raise answer
        return parse(Response(200, {}, json.dumps(answer).encode(), 0.0))


def row(name: str) -> Json:
    return {"id": name, "attributes": {}}


def detail(name: str, _: object = None) -> Json:
    return {"data": {"id": name, "attributes": {"email": name}}}


def complete(
    answer: Callable[[str, Json], Json | ApiError], count: int = 10, params: tuple[tuple[str, str], ...] = ()
) -> tuple[Page, Details, FakeClient]:
    """Complete a page of rows."""
    client, page = FakeClient(answer), Page([row(f"c{number}") for number in range(count)])
    details = Details(STREAMS["customers"], client, "updated_at", requested=True)  # type: ignore[arg-type]  # a fake
    asyncio.run(details.complete(page, "customers", params, lambda _: True))
    return page, details, client


def completed(page: Page) -> int:
    return sum(bool(one["attributes"]) for one in page.rows)


VALUES = st.none() | st.integers(0, 3)
ATTRIBUTES = st.dictionaries(st.sampled_from(["email", "phone", "tags", "new"]), VALUES)
LINKS: st.SearchStrategy[Json | None] = st.none() | st.dictionaries(
    st.sampled_from(["orders", "notes"]), st.just({"data": []})
)


RESOURCES = st.fixed_dictionaries(
    {"attributes": ATTRIBUTES, "relationships": LINKS, "id": st.sampled_from(["c1", "", None])}
)


def in_shape(resource: Json, *, flat: bool) -> Json:
    """Return a resource, enveloped or flat."""
    row = {**resource, "type": "customer"}
    return {**row, **row.pop("attributes")} if flat else row


@given(RESOURCES, RESOURCES, st.booleans(), st.booleans())
def test_a_row_has_what_its_detail_has_and_what_only_the_list_has(
    listed: Json, own: Json, flat: bool, own_flat: bool
) -> None:
    listed["id"] = "c1"
    found = merged(in_shape(listed, flat=flat), in_shape(own, flat=own_flat))
    expected = {**listed["attributes"], **own["attributes"]}
    inner = found.get("attributes", found)
    assert found["id"] == "c1"
    assert {name: inner[name] for name in expected} == expected
    links = {**(listed["relationships"] or {}), **(own["relationships"] or {})}
    assert (found["relationships"] or {}) == links
    assert merged(found, found) == found


@pytest.mark.parametrize("attributes", [None, [], "x"])
def test_a_detail_without_attributes_takes_none_away(attributes: object) -> None:
    listed = {"id": "c1", "attributes": {"email": "a"}}
    assert merged(listed, {"id": "c1", "attributes": attributes})["attributes"]["email"] == "a"


def test_each_row_is_requested_once_with_what_a_detail_may_have() -> None:
    params = (("limit", "100"), ("include", "orders"), ("filter[x]", "1"))
    page, _, client = complete(detail, params=params)
    assert completed(page) == 10
    assert sorted(client.requests) == [
        (f"customers/c{number}", {"include": "orders"}) for number in range(10)
    ]


@pytest.mark.parametrize("kind", [NotFound, PermissionDenied, RequestRejected, ApiUnavailable])
def test_a_row_whose_detail_fails_stays_and_is_counted(
    kind: type[ApiError], caplog: pytest.LogCaptureFixture
) -> None:
    page, details, _ = complete(lambda name, _: kind("x", status=418) if name == "c3" else detail(name))
    details.check()
    details.report()
    assert page.rows[3] == row("c3")
    assert completed(page) == 9
    (message,) = caplog.messages
    assert message == (
        "Shop acme: customers: 1 row is as the list gives them, because their details could not be read "
        "(418: 1)."
    )


@pytest.mark.parametrize("kind", [AuthenticationError, HostNotResponding])
def test_what_affects_the_shop_fails_the_read(kind: type[ApiError]) -> None:
    with pytest.raises(kind):
        complete(lambda name, _: kind("x") if name == "c3" else detail(name))


def test_all_that_fail_fail_the_read_but_one_alone_does_not() -> None:
    _, details, _ = complete(lambda *_: NotFound("gone", status=404), 2)
    assert details.all_failed
    with pytest.raises(NotFound, match="the details of all 2 rows failed: gone"):
        details.check()
    _, details, _ = complete(lambda *_: NotFound("gone", status=404), 1)
    assert not details.all_failed
    details.check()


def test_a_read_fails_early_if_very_many_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_FAILED", 5)
    with pytest.raises(PermissionDenied):
        complete(lambda *_: PermissionDenied("no", status=403), 6)
    page, _, _ = complete(lambda name, _: detail(name) if name == "c0" else NotFound("gone", status=404), 9)
    assert completed(page) == 1


def test_after_a_few_rows_details_are_not_retried_until_one_is_read() -> None:
    page, _, client = complete(
        lambda name, _: detail(name) if name == "c50" else ApiUnavailable("x", status=500), 60
    )
    assert completed(page) == 1
    numbers = [int(path.rpartition("c")[2]) for path in client.retried]
    assert 3 <= sum(number < 50 for number in numbers) <= 3 + FakeQueue.concurrency
    assert any(number > 50 for number in numbers), "a detail that is read makes the next ones worth a retry"


def test_fields_that_a_detail_rejects_are_dropped() -> None:
    def answer(name: str, params: Json) -> Json | ApiError:
        return RequestRejected("no fields", status=422) if "fields" in params else detail(name)

    page, details, client = complete(answer, params=(("fields", "id"),))
    assert completed(page) == 10
    assert not details.all_failed
    assert len(client.requests) <= 10 + FakeQueue.concurrency


def test_nothing_is_requested_unless_details_are() -> None:
    client = FakeClient(detail)
    details = Details(STREAMS["customers"], client, "updated_at", requested=False)  # type: ignore[arg-type]  # a fake
    asyncio.run(details.complete(Page([row("c1")]), "customers", (), lambda _: True))
    assert client.requests == []
