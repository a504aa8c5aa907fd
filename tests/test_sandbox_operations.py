"""Each of the 23 operations over real HTTP: what it gives, each documented refusal, and what comes on top."""

from __future__ import annotations

import base64
import copy
import itertools
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sumeru_sandbox import Sandbox
from sumeru_sandbox.openapi_catalog import INCLUDES, OPERATIONS, REQUIRED, TYPES, Operation, prefix
from sumeru_sandbox.openapi_resources import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

SHOP = "acme"
CUSTOMERS = 100
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
REPLICATION_KEYS = {
    "attribution": "attributed_at",
    "decision_intelligence_runs": "created_at",
    "usage": "date",
}


def name(operation: Operation) -> str:
    return f"{operation.method.upper()} {operation.path}"


def over(*kinds: str, path_has_id: bool = False) -> pytest.MarkDecorator:
    """Parametrise a test over the operations of these kinds (of all kinds, if none is given)."""
    chosen = [
        operation
        for operation in OPERATIONS
        if (not kinds or operation.kind in kinds) and (not path_has_id or "{" in operation.path)
    ]
    return pytest.mark.parametrize("operation", chosen, ids=name)


READS = ("list", "get")
WRITES = ("create", "update", "bulk", "launch")


class Api:
    """The sandbox, as a client with one token sees it; every answer is held to what all answers must be."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False

    def send(self, method: str, path: str, **request: Any) -> requests.Response:
        """One request; `path` begins after `/api/v1`, or with it."""
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
        """The body of a read that must go well, its numbers exact."""
        answer = self.send("get", path, params=params)
        assert answer.status_code == 200, answer.text[:300]
        return answer.json(parse_float=Decimal)

    def walk(self, path: str, limit: int | str = 100, **params: str) -> list[Row]:
        """All rows of a list, following the cursors."""
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
        raise AssertionError("the cursors have no end")

    def path(self, operation: Operation) -> str:
        """The operation's path, with the id of a row on which it can be carried out."""
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
        """A body that the operation takes; None if it takes none."""
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
        """The operation as it goes well, unless `request` says otherwise."""
        path = request.pop("path", None) or self.path(operation)
        if "data" not in request:
            request.setdefault("json", self.body(operation))
        return self.send(operation.method, path, **request)

    def rows(self, operation: Operation) -> list[Row]:
        """What a list should hold, flat, in its default order."""
        rows: list[Row] = self.sandbox.truth(SHOP, operation.stream)
        if operation.stream == "enrollments":
            journey = self.path(operation).split("/")[2]
            rows = [row for row in rows if row["journey_id"] == journey]
        return rows


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with Sandbox(shops=(SHOP,), customers=CUSTOMERS, plan="enterprise", rate_limit=1_000_000) as sandbox:
        client = Api(sandbox)
        yield client
        client.session.close()


def bearer(token: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def refused(answer: requests.Response, status: int, code: str) -> Any:
    """The error of an answer that must be this refusal."""
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


# What every operation gives and refuses.


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
    path = head + missing.format(prefix=prefix(operation)) + tail.partition("}")[2]
    refused(api.call(operation, path=path), 404, "not_found")


@over()
def test_422_for_an_unknown_parameter(api: Api, operation: Operation) -> None:
    error = refused(api.call(operation, params={"page": 2}), 422, "validation_failed")
    assert error["details"]["field"] == "page"


@over()
def test_429_beyond_the_limit(api: Api, operation: Operation) -> None:
    api.sandbox.reset()  # the token's earlier requests are forgotten
    url = f"{api.sandbox.url}/_sandbox/tokens"
    scopes = [operation.scope] if operation.scope else []
    made = api.session.post(url, json={"shop": SHOP, "scopes": scopes, "plan": "free"}, timeout=10)
    authorised = bearer(made.json()["token"])
    path, body = api.path(operation), api.body(operation)
    answers = [api.send("get", "/usage", **authorised) for _ in range(20)]  # 60 a minute: 20 in ten seconds
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


# Lists: pages, filters, sorting, fields, includes.


@over("list")
@pytest.mark.parametrize("limit", [7, 100])
def test_cursors_walk_the_whole_list_once(api: Api, operation: Operation, limit: int) -> None:
    assert ids(api.walk(api.path(operation), limit)) == ids(api.rows(operation))


@over("list")
def test_rows_are_the_shops(api: Api, operation: Operation) -> None:
    include = {"include": "touchpoints"} if operation.stream == "attribution" else {}
    walked = {row["id"]: flat(row) for row in api.walk(api.path(operation), **include)}
    assert walked == {row["id"]: row for row in api.rows(operation)}


@over("list")
def test_the_limit_has_its_bounds(api: Api, operation: Operation) -> None:
    path, total = api.path(operation), len(api.rows(operation))
    assert len(api.get(path)["data"]) == min(50, total)
    for limit in (1, 100):
        assert len(api.get(path, limit=limit)["data"]) == min(limit, total)


def rubbish_cursor(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


@over("list")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("limit", value) for value in ("0", "101", "-1", "1.5", "ten", "", "1e1", "9" * 30)),
        *(
            ("cursor", value)
            for value in ("rubbish", "", "é", rubbish_cursor("{}"), rubbish_cursor('{"id":1}'))
        ),
        *(("sort", value) for value in ("nothing", "-", "", "--id")),
        *(("fields", value) for value in ("nothing", "id,nothing", "")),
        *(("include", value) for value in ("nothing", "")),
        *(("filter[nothing]", value) for value in ("1", "")),
        *(
            (f"filter[{border}]", value)
            for border in ("date_from", "date_to")
            for value in ("today", "2026-13-01", "2026-02-30", "20260501", "2026-05-01T00:00:00Z", "")
        ),
        ("filter", "1"),
        ("filter[]", "1"),
    ],
)
def test_422_for_a_bad_parameter(api: Api, operation: Operation, field: str, value: str) -> None:
    error = refused(api.call(operation, params={field: value}), 422, "validation_failed")
    assert error["details"]["field"] == field


@over("get")
@pytest.mark.parametrize("field", ["fields", "include", "limit", "sort", "filter[id]"])
def test_422_for_a_bad_parameter_of_one_row(api: Api, operation: Operation, field: str) -> None:
    error = refused(api.call(operation, params={field: "nothing"}), 422, "validation_failed")
    assert error["details"]["field"] == field


@over("list")
def test_a_cursor_is_opaque_and_stable(api: Api, operation: Operation) -> None:
    path = api.path(operation)
    cursor = api.get(path, limit=2)["pagination"]["next_cursor"]
    base64.b64decode(cursor, validate=True)
    assert api.get(path, limit=2, cursor=cursor) == api.get(path, limit=2, cursor=cursor)
    scalar = next(name for name, field in FIELDS[operation.stream].items() if field.scalar)
    for other in ({f"filter[{scalar}]": "x"}, {"sort": scalar}):
        answer = api.send("get", path, params={"limit": 2, "cursor": cursor, **other})
        assert refused(answer, 422, "validation_failed")["details"]["field"] == "cursor"


def test_a_cursor_outlives_changes(api: Api) -> None:
    expected = ids(api.rows(next(operation for operation in OPERATIONS if operation.path == "/customers")))
    first = api.get("/customers", limit=10)
    changed = {"data": {"attributes": CHANGES["customers"]}}
    for place in (0, 9, 10):
        assert api.send("patch", f"/customers/{expected[place]}", json=changed).ok
    second = api.get("/customers", limit=10, cursor=first["pagination"]["next_cursor"])
    assert ids(first["data"] + second["data"]) == expected[:20]
    assert second["data"][0]["attributes"]["tags"] == CHANGES["customers"]["tags"]


@over("list")
def test_sort_goes_both_ways(api: Api, operation: Operation) -> None:
    path, expected = api.path(operation), sorted(ids(api.rows(operation)))
    for field in (name for name, field in FIELDS[operation.stream].items() if field.scalar):
        for sign in ("", "-"):
            rows = api.walk(path, sort=sign + field)
            assert sorted(ids(rows)) == expected
            values = [row["attributes"][field] for row in rows]
            known = [value for value in values if value is not None]
            assert known == sorted(known, reverse=bool(sign)), sign + field
            runs = [missing for missing, _ in itertools.groupby(values, lambda value: value is None)]
            assert runs.count(True) <= 1, "nulls stand together"


def text(value: Any) -> str:
    """A value as one writes it into a filter."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


@over("list")
def test_filters_are_anded(api: Api, operation: Operation) -> None:
    path, rows = api.path(operation), api.rows(operation)
    sample = rows[len(rows) // 2]
    scalars = [f for f, field in FIELDS[operation.stream].items() if field.scalar and sample[f] is not None]
    for pair in [(field, field) for field in scalars] + list(itertools.pairwise(scalars)):
        expected = [row for row in rows if all(row[field] == sample[field] for field in pair)]
        found = api.walk(path, **{f"filter[{field}]": text(sample[field]) for field in pair})
        assert ids(found) == ids(expected), pair


@over("list")
def test_a_date_filter_takes_whole_days(api: Api, operation: Operation) -> None:
    path, rows = api.path(operation), api.rows(operation)
    key = REPLICATION_KEYS.get(operation.stream, "updated_at")
    days = sorted(row[key][:10] for row in rows)
    first, last = days[len(days) // 4], days[len(days) // 2]
    both = api.walk(path, **{"filter[date_from]": first, "filter[date_to]": last})
    assert ids(both) == ids([row for row in rows if first <= row[key][:10] <= last])
    since = api.walk(path, **{"filter[date_from]": last})
    assert ids(since) == ids([row for row in rows if row[key][:10] >= last])
    later = str(date.fromisoformat(days[-1]) + timedelta(days=1))
    assert api.walk(path, **{"filter[date_from]": later}) == []


@over(*READS)
def test_fields_are_what_was_asked_for(api: Api, operation: Operation) -> None:
    path = api.path(operation)
    wanted = [name for name in FIELDS[operation.stream] if name != "touchpoints"][1:4]
    for asked in (wanted, ["id", *wanted], ["id"]):
        data = api.get(path, fields=",".join(asked))["data"]
        for row in data if isinstance(data, list) else [data]:
            assert row["id"]
            assert set(row["attributes"]) == set(asked) - {"id"}


@over("get")
def test_one_row_is_as_in_the_list(api: Api, operation: Operation) -> None:
    row = api.get(api.path(operation))["data"]
    assert row == api.get(operation.path.partition("/{")[0], limit=1)["data"][0]


@pytest.mark.parametrize("single", [False, True], ids=["list", "get"])
def test_customers_include_orders_and_attributions(api: Api, single: bool) -> None:
    customer = api.sandbox.truth(SHOP, "orders")[0]["customer_id"]
    answer = api.get(f"/customers/{customer}" if single else "/customers", include="orders,attributions")
    row = answer["data"] if single else next(row for row in answer["data"] if row["id"] == customer)
    for member, stream in (("orders", "orders"), ("attributions", "attribution")):
        expected = [row for row in api.sandbox.truth(SHOP, stream) if row["customer_id"] == customer]
        assert ids(row["attributes"][member]) == ids(expected)
    assert row["attributes"]["orders"]


def test_attribution_includes_touchpoints_only_when_asked(api: Api) -> None:
    truth = {row["id"]: row["touchpoints"] for row in api.sandbox.truth(SHOP, "attribution")}
    rows = api.walk("/attribution", include="touchpoints")
    assert {row["id"]: row["attributes"]["touchpoints"] for row in rows} == truth
    assert not any("touchpoints" in row["attributes"] for row in api.walk("/attribution"))


def test_the_orders_link_of_a_customer_leads_to_the_orders(api: Api) -> None:
    customer = api.sandbox.truth(SHOP, "orders")[0]["customer_id"]
    link = api.get(f"/customers/{customer}")["data"]["relationships"]["orders"]["links"]["related"]
    assert link == f"/api/v1/customers/{customer}/orders"
    expected = [row for row in api.sandbox.truth(SHOP, "orders") if row["customer_id"] == customer]
    assert ids(api.walk(link)) == ids(expected)


def test_the_worked_examples_of_the_vendors_page(api: Api) -> None:
    loyal = api.get("/customers", **{"filter[lifecycle_stage]": "loyal"}, sort="-last_order_at", limit=10)[
        "data"
    ]
    last_orders = [row["attributes"]["last_order_at"] or "" for row in loyal]
    assert last_orders == sorted(last_orders, reverse=True)
    assert {row["attributes"]["lifecycle_stage"] for row in loyal} == {"loyal"}
    enrolments = next(operation for operation in OPERATIONS if operation.stream == "enrollments")
    active = api.get(api.path(enrolments), **{"filter[status]": "active"}, limit=100)["data"]
    assert all(row["attributes"]["status"] == "active" for row in active)
    api.get("/customers", limit=50)


# Writes.


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
    """The rows of a stream as its list gives them."""
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


# Idempotency.


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
    with Sandbox(shops=(SHOP,), customers=CUSTOMERS, plan="agency") as sandbox:
        another = Api(sandbox)
        key = {"Idempotency-Key": "spring"}

        def create(**headers: str) -> str:
            answer = another.send("post", "/campaigns", json=BODIES["campaigns"], headers=key | headers)
            made: str = answer.json()["data"]["id"]
            return made

        first = create()
        token = sandbox.token(SHOP, scopes=["campaigns:write"])
        assert create(Authorization=f"Bearer {token}") != first
        sandbox.advance(24 * 3600 - 60)
        assert create() == first
        sandbox.advance(120)
        assert create() != first
        another.session.close()
