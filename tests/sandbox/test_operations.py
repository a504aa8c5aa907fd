"""Each of the 23 operations over HTTP: its response, and each documented error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox.spec.endpoints import INCLUDES, OPERATIONS, TYPES, Operation, id_prefix
from sumeru_sandbox.spec.fields import FIELDS
from support.sandbox_client import SHOP, Api, bearer, over, refused, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with serving() as client:
        yield client


@over()
def test_it_goes_well(api: Api, operation: Operation) -> None:
    answer = api.call(operation)
    assert answer.status_code == (201 if operation.kind == "create" else 200), answer.text[:300]
    data = answer.json()["data"]
    type_, id_prefix = TYPES[operation.stream]
    expected = set(FIELDS[operation.stream]) - set(INCLUDES.get(operation.stream, ()))
    for row in data if isinstance(data, list) else [data]:
        assert row["type"] == type_
        assert row["id"].startswith(id_prefix)
        assert set(row["attributes"]) == expected
    assert isinstance(data, list) == (operation.kind in {"list", "bulk"})
    assert ("pagination" in answer.json()) == (operation.kind == "list")


@over()
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer copt_test_" + "0" * 32, "Basic YTpi"])
def test_401_without_a_good_token(api: Api, operation: Operation, header: str | None) -> None:
    refused(api.call(operation, headers={"Authorization": header}), 401, "unauthenticated")


@over()
def test_403_names_the_scope(api: Api, operation: Operation) -> None:
    others = sorted({other.scope for other in OPERATIONS if other.scope} - {operation.scope})
    answer = api.call(operation, **bearer(api.sandbox.token(SHOP, scopes=others)))
    if operation.scope is None:
        assert answer.status_code == 200
    else:
        assert operation.scope in refused(answer, 403, "forbidden")["message"]


@over()
def test_its_own_scope_is_enough(api: Api, operation: Operation) -> None:
    scopes = [operation.scope] if operation.scope else []
    assert api.call(operation, **bearer(api.sandbox.token(SHOP, scopes=scopes))).ok


@over(path_has_id=True)
@pytest.mark.parametrize("missing", ["{prefix}nowhere", "nonsense", "0", "%F0%9F%92%A5"])
def test_404_for_an_id_that_is_not_there(api: Api, operation: Operation, missing: str) -> None:
    head, _, tail = operation.path.partition("{")
    path = head + missing.format(prefix=id_prefix(operation)) + tail.partition("}")[2]
    refused(api.call(operation, path=path), 404, "not_found")


@over()
def test_422_for_an_unknown_parameter(api: Api, operation: Operation) -> None:
    error = refused(api.call(operation, params={"page": 2}), 422, "validation_failed")
    assert error["details"]["field"] == "page"


@over()
def test_429_beyond_the_limit(api: Api, operation: Operation) -> None:
    api.sandbox.reset()  # clears the token's request count
    url = f"{api.sandbox.url}/_sandbox/tokens"
    scopes = [operation.scope] if operation.scope else []
    made = api.session.post(url, json={"shop": SHOP, "scopes": scopes, "plan": "free"}, timeout=10)
    authorised = bearer(made.json()["token"])
    path, body = api.path(operation), api.body(operation)
    answers = [
        api.send("get", "/usage", **authorised) for _ in range(20)
    ]  # 60 per minute allow 20 in ten seconds
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["X-RateLimit-Limit"] == "60"
    answer = api.call(operation, path=path, json=body, **authorised)
    error = refused(answer, 429, "rate_limited")
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert error["details"] == {"retry_after": int(answer.headers["Retry-After"])}
    assert f"retry after {answer.headers['Retry-After']}s" in error["message"]


@over()
def test_500_when_the_server_breaks_down(api: Api, operation: Operation) -> None:
    path, body = api.path(operation), api.body(operation)
    scope = f"{SHOP}/{operation.stream}"
    api.sandbox.configure({scope: {"faults": [{"kind": "status", "status": 500}]}})
    try:
        refused(api.call(operation, path=path, json=body), 500, "internal_error")
    finally:
        api.sandbox.configure({scope: {"faults": []}})
    assert api.call(operation, path=path, json=body).ok


def test_every_error_has_a_request_id_of_its_own(api: Api) -> None:
    errors = [refused(api.send("get", "/customers/x"), 404, "not_found") for _ in range(20)]
    assert len({error["request_id"] for error in errors}) == 20


def test_what_the_catalog_does_not_hold(api: Api) -> None:
    refused(api.send("get", "/segments"), 404, "not_found")
    for method, path in (
        ("delete", "/customers/cus_1"),
        ("get", "/campaigns/cam_1/launch"),
        ("put", "/orders"),
    ):
        assert api.send(method, path).status_code == 405


def test_the_rate_limit_headers_count_down(api: Api) -> None:
    first, second = (api.send("get", "/usage").headers for _ in range(2))
    assert first["X-RateLimit-Limit"] == "1000000"
    if first["X-RateLimit-Reset"] == second["X-RateLimit-Reset"]:
        assert int(second["X-RateLimit-Remaining"]) == int(first["X-RateLimit-Remaining"]) - 1
