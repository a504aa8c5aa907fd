"""Lists and single rows over HTTP: pages, filters, sorting, fields and includes."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox.spec.endpoints import OPERATIONS, Operation
from sumeru_sandbox.spec.fields import FIELDS
from support.sandbox_client import CHANGES, SHOP, Api, flat, ids, over, refused, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLICATION_KEYS = {
    "attribution": "attributed_at",
    "decision_intelligence_runs": "created_at",
    "usage": "date",
}
READS = ("list", "get")


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with serving() as client:
        yield client


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
    """Return a value as it is written in a filter."""
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
