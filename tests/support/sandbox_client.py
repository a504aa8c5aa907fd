"""A client of the sandbox that checks the headers of every response, and bodies to send with it."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sumeru_sandbox import Sandbox
from sumeru_sandbox.spec.endpoints import OPERATIONS, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

SHOP = "acme"
CUSTOMERS = 100
WRITES = ("create", "update", "bulk", "launch")
BODIES: dict[str, Row] = {
    "campaigns": {"name": "Spring Sale", "audience_id": "seg_vip", "channels": ["email"]},
    "journeys": {"name": "Win-back", "exit_on_purchase": True},
    "products": {"title": "Kettle", "tags": ["kitchen"]},
}
CHANGES: dict[str, Row] = {
    "customers": {"tags": ["vip", "wholesale"]},
    "products": {"title": "Ünique “kettle”"},
    "inventory": {"available": 7, "unit_cost": 12.5},
}


def name(operation: Operation) -> str:
    return f"{operation.method.upper()} {operation.path}"


def over(*kinds: str, path_has_id: bool = False) -> pytest.MarkDecorator:
    """Parametrise a test over the operations of these kinds (all kinds if none is given)."""
    chosen = [
        operation
        for operation in OPERATIONS
        if (not kinds or operation.kind in kinds) and (not path_has_id or "{" in operation.path)
    ]
    return pytest.mark.parametrize("operation", chosen, ids=name)


class Api:
    """A client with one token. It checks that every response has the documented headers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False

    def send(self, method: str, path: str, **request: Any) -> requests.Response:
        """Send a request; `path` may start with `/api/v1` or omit it."""
        headers = {"Authorization": f"Bearer {self.sandbox.token(SHOP)}"} | request.pop("headers", {})
        url = self.sandbox.url + "/api/v1" + path.removeprefix("/api/v1")
        answer = self.session.request(method, url, headers=headers, timeout=10, **request)
        assert answer.headers["X-Sumeru-Stability"] == "stable"
        assert answer.headers["Content-Type"].startswith("application/json")
        assert int(answer.headers["X-RateLimit-Limit"]) >= int(answer.headers["X-RateLimit-Remaining"]) >= 0
        assert int(answer.headers["X-RateLimit-Reset"]) > 1_700_000_000
        assert "Date" in answer.headers
        return answer

    def get(self, path: str, **params: str | int) -> Any:
        """Return the body of a successful read, with exact numbers."""
        answer = self.send("get", path, params=params)
        assert answer.status_code == 200, answer.text[:300]
        return answer.json(parse_float=Decimal)

    def walk(self, path: str, limit: int | str = 100, **params: str) -> list[Row]:
        """Return all rows of a list, following the cursors."""
        rows: list[Row] = []
        cursor: dict[str, str] = {}
        for _ in range(1000):
            page = self.get(path, limit=limit, **params, **cursor)
            assert len(page["data"]) <= int(limit)
            rows += page["data"]
            if not page["pagination"]["has_next"]:
                assert page["pagination"]["next_cursor"] is None
                return rows
            cursor = {"cursor": page["pagination"]["next_cursor"]}
        raise AssertionError("the list has more than 1000 pages")

    def path(self, operation: Operation) -> str:
        """Return the path of an operation, with the id of a row that it can act on."""
        if "{" not in operation.path:
            return operation.path
        head, _, tail = operation.path.partition("{")
        if operation.kind == "launch":
            row_id = str(self.send("post", "/campaigns", json=BODIES["campaigns"]).json()["data"]["id"])
        else:
            owner = "journeys" if operation.stream == "enrollments" else operation.stream
            row_id = str(self.sandbox.truth(SHOP, owner)[0]["id"])
        return head + row_id + tail.partition("}")[2]

    def body(self, operation: Operation) -> Any:
        """Return a valid body for an operation, None if it has no body."""
        stream = operation.stream
        if operation.kind == "create":
            return copy.deepcopy(BODIES[stream])
        if operation.kind == "update":
            return {"data": {"attributes": copy.deepcopy(CHANGES[stream])}}
        if operation.kind == "bulk":
            rows = self.sandbox.truth(SHOP, stream)[:2]
            return {"data": [{"id": row["id"], "attributes": {**CHANGES[stream]}} for row in rows]}
        return None

    def call(self, operation: Operation, **request: Any) -> requests.Response:
        """Call an operation with a valid request; `request` overrides parts of it."""
        path = request.pop("path", None) or self.path(operation)
        if "data" not in request:
            request.setdefault("json", self.body(operation))
        return self.send(operation.method, path, **request)

    def rows(self, operation: Operation) -> list[Row]:
        """Return the expected rows of a list, flat, in the default order."""
        rows: list[Row] = self.sandbox.truth(SHOP, operation.stream)
        if operation.stream == "enrollments":
            journey = self.path(operation).split("/")[2]
            rows = [row for row in rows if row["journey_id"] == journey]
        return rows


@contextmanager
def serving(plan: str = "enterprise") -> Iterator[Api]:
    """Serve a sandbox and return its client; on the enterprise plan the rate limit is practically off."""
    limit = 1_000_000 if plan == "enterprise" else 0
    with Sandbox(shops=(SHOP,), customers=CUSTOMERS, plan=plan, rate_limit=limit) as sandbox:
        client = Api(sandbox)
        yield client
        client.session.close()


def bearer(token: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def refused(answer: requests.Response, status: int, code: str) -> Any:
    """Assert that a response is this error and return it."""
    assert answer.status_code == status, answer.text[:300]
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details", "request_id"}
    assert error["code"] == code
    assert error["message"]
    assert isinstance(error["details"], dict)
    assert error["request_id"].startswith("req_")
    return error


def ids(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows]


def flat(row: Row) -> Row:
    return {"id": row["id"], **row["attributes"]}
