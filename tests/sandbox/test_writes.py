"""Writes over HTTP: validation, effects and idempotency."""

from __future__ import annotations

import json
import socket
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from sumeru_sandbox.spec.endpoints import OPERATIONS, REQUIRED, Operation
from support.sandbox_client import (
    BODIES,
    CHANGES,
    SHOP,
    WRITES,
    Api,
    Row,
    flat,
    ids,
    name,
    over,
    refused,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with serving() as client:
        yield client


@over("create", "update", "bulk")
@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", "1", '"x"', "{}", '{"data": {"attributes": 1}}', "\xff"]
)
def test_422_for_what_is_no_body(api: Api, operation: Operation, body: str) -> None:
    answer = api.call(operation, data=body.encode("latin-1"), headers={"Content-Type": "application/json"})
    refused(answer, 422, "validation_failed")


@over("create", "update", "bulk")
@pytest.mark.parametrize(
    ("attribute", "value"),
    [("nothing", 1), ("id", "x"), ("updated_at", "2026-01-01T00:00:00Z"), ("tags", "vip"), ("tags", [1])],
)
def test_422_for_a_bad_attribute(api: Api, operation: Operation, attribute: str, value: object) -> None:
    body = api.body(operation)
    for item in (
        [body] if operation.kind == "create" else body["data"] if operation.kind == "bulk" else [body["data"]]
    ):
        (item if operation.kind == "create" else item["attributes"])[attribute] = value
    before = api.sandbox.truth(SHOP, operation.stream)
    error = refused(api.call(operation, json=body), 422, "validation_failed")
    assert error["details"]["field"] == attribute
    assert api.sandbox.truth(SHOP, operation.stream) == before


@over("create")
@pytest.mark.parametrize("wrapped", [False, True])
def test_422_names_what_is_required(api: Api, operation: Operation, wrapped: bool) -> None:
    for required in REQUIRED[operation.stream]:
        for wrong in ({}, {required: None}, {required: ""}, {required: 1}):
            attributes = {k: v for k, v in BODIES[operation.stream].items() if k != required} | wrong
            body = {"data": {"attributes": attributes}} if wrapped else attributes
            error = refused(api.call(operation, json=body), 422, "validation_failed")
            assert error["details"]["field"] == required
            if operation.stream == "campaigns" and not wrong and required == "audience_id":
                assert error["message"] == "audience_id required for campaign creation"


def seen(api: Api, stream: str) -> dict[str, Row]:
    """Return the rows of a stream as its list returns them."""
    listed = next(operation for operation in OPERATIONS if operation.stream == stream)
    return {row["id"]: flat(row) for row in api.walk(listed.path)}


@over(*WRITES)
def test_a_write_is_visible_in_later_reads(api: Api, operation: Operation) -> None:
    path, body = api.path(operation), api.body(operation)
    before = seen(api, operation.stream)
    api.sandbox.advance(60)
    data = api.call(operation, path=path, json=body).json(parse_float=Decimal)["data"]
    written = {row["id"]: flat(row) for row in (data if isinstance(data, list) else [data])}
    after = seen(api, operation.stream)
    assert {row_id: row for row_id, row in after.items() if before.get(row_id) != row} == written
    assert after.keys() - before.keys() == (written.keys() if operation.kind == "create" else set())
    for row in written.values():
        old = before.get(row["id"], {"updated_at": max(row["updated_at"] for row in before.values())})
        assert row["updated_at"] > old["updated_at"]
        wanted = BODIES if operation.kind == "create" else CHANGES
        changed = {} if operation.kind == "launch" else wanted[operation.stream]
        assert {key: row[key] for key in changed} == changed
        today = {"filter[date_from]": row["updated_at"][:10], "filter[date_to]": row["updated_at"][:10]}
        listed = api.walk(f"/{operation.stream}", **today)
        assert row["id"] in ids(listed)


@over("create")
def test_a_wrapped_body_is_taken_too(api: Api, operation: Operation) -> None:
    answer = api.call(operation, json={"data": {"attributes": BODIES[operation.stream]}})
    assert answer.status_code == 201
    assert BODIES[operation.stream].items() <= answer.json()["data"]["attributes"].items()


def test_a_launch_happens_once(api: Api) -> None:
    campaign = api.send("post", "/campaigns", json=BODIES["campaigns"]).json()["data"]
    assert campaign["attributes"]["launched_at"] is None
    launched = api.send("post", f"/campaigns/{campaign['id']}/launch").json()["data"]["attributes"]
    assert launched["status"] != campaign["attributes"]["status"]
    assert campaign["attributes"]["created_at"] <= launched["launched_at"] <= launched["updated_at"]
    refused(api.send("post", f"/campaigns/{campaign['id']}/launch"), 422, "validation_failed")


def test_a_bulk_change_is_all_or_nothing_and_costs_its_items(api: Api) -> None:
    rows = api.sandbox.truth(SHOP, "inventory")[5:8]
    items = [{"id": row["id"], "attributes": {"available": 12345}} for row in rows]
    unknown = {"id": "inv_nowhere", "attributes": {"available": 12345}}
    refused(api.send("patch", "/inventory", json={"data": [*items, unknown]}), 422, "validation_failed")
    assert api.sandbox.truth(SHOP, "inventory")[5:8] == rows
    before = api.send("get", "/usage").headers
    after = api.send("patch", "/inventory", json={"data": items}).headers
    if before["X-RateLimit-Reset"] == after["X-RateLimit-Reset"]:
        assert int(before["X-RateLimit-Remaining"]) - int(after["X-RateLimit-Remaining"]) == 3
    assert [row["available"] for row in api.sandbox.truth(SHOP, "inventory")[5:8]] == [12345] * 3


@over(*WRITES)
def test_the_same_key_and_body_replay_the_answer(api: Api, operation: Operation) -> None:
    path, body = api.path(operation), api.body(operation)
    key = {"Idempotency-Key": f"replay {name(operation)}"}
    first = api.call(operation, path=path, json=body, headers=key)
    assert first.ok
    state = api.sandbox.truth(SHOP, operation.stream)
    api.sandbox.advance(60)
    second = api.call(operation, path=path, json=body, headers=key)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert api.sandbox.truth(SHOP, operation.stream) == state


@over(*WRITES)
def test_409_for_the_same_key_and_another_request(api: Api, operation: Operation) -> None:
    key = {"Idempotency-Key": f"clash {name(operation)}"}
    other = {"name": f"First, before {name(operation)}"}
    assert api.send("post", "/journeys", json=other, headers=key).ok
    state = api.sandbox.truth(SHOP, operation.stream)
    path, body = api.path(operation), api.body(operation)
    state = api.sandbox.truth(SHOP, operation.stream)
    refused(api.call(operation, path=path, json=body, headers=key), 409, "conflict")
    assert api.sandbox.truth(SHOP, operation.stream) == state


def test_a_key_belongs_to_its_token_and_lasts_a_day() -> None:
    with serving(plan="agency") as another:
        key = {"Idempotency-Key": "spring"}

        def create(**headers: str) -> str:
            answer = another.send("post", "/campaigns", json=BODIES["campaigns"], headers=key | headers)
            made: str = answer.json()["data"]["id"]
            return made

        first = create()
        token = another.sandbox.token(SHOP, scopes=["campaigns:write"])
        assert create(Authorization=f"Bearer {token}") != first
        another.sandbox.advance(24 * 3600 - 60)
        assert create() == first
        another.sandbox.advance(120)
        assert create() != first


def cut(api: Api, operation: Operation, path: str, key: str, content: bytes, share: float) -> None:
    """Send part of a body, and disconnect."""
    head = (
        f"{operation.method.upper()} /api/v1{path} HTTP/1.1\r\nHost: sandbox\r\n"
        f"Authorization: Bearer {api.sandbox.token(SHOP)}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode()
    address = urlsplit(api.sandbox.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(head + content[: int(len(content) * share)])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


@over("create", "update", "bulk")
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
@pytest.mark.parametrize("kept", [False, True])
def test_a_write_whose_client_disconnects_during_the_body_is_dropped(
    api: Api, operation: Operation, share: float, kept: bool
) -> None:
    """Or, by a switch, its cut body is kept under its key, so that the whole one is a conflict."""
    path, body = api.path(operation), api.body(operation)
    key = f"disconnected {name(operation)} {share} {kept}"
    state = api.sandbox.truth(SHOP, operation.stream)
    requests = api.sandbox.stats()["requests"]
    api.sandbox.configure({"*": {"cut_bodies": "kept" if kept else None}})
    cut(api, operation, path, key, json.dumps(body).encode(), share)
    while kept and api.sandbox.stats()["requests"] == requests:
        pass  # the server is about to notice
    assert api.sandbox.stats()["requests"] == requests + kept
    assert api.sandbox.truth(SHOP, operation.stream) == state
    answer = api.call(operation, path=path, json=body, headers={"Idempotency-Key": key})
    api.sandbox.configure({"*": {"cut_bodies": None}})
    if kept:
        refused(answer, 409, "conflict")
    else:
        assert answer.ok
