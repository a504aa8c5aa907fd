"""The switches of the sandbox, over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests

from sandbox.shop_reads import data, get
from sumeru_sandbox import Sandbox


def chain(sandbox: Sandbox, path: str, **parameters: str) -> list[dict[str, Any]]:
    """Return all pages of a list."""
    pages = [get(sandbox, path, **parameters).json()]
    while pages[-1]["pagination"]["has_next"]:
        assert len(pages) < 100
        cursor = pages[-1]["pagination"]["next_cursor"]
        pages.append(get(sandbox, path, **parameters, cursor=cursor).json())
    return pages


def row_ids(pages: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for page in pages for row in page["data"]]


def put_dated(sandbox: Sandbox, row_id: str, created: str, updated: str) -> None:
    sandbox.put("acme", "orders", row_id, created_at=created, updated_at=updated)


DAYS = {"filter[date_from]": "2030-01-10", "filter[date_to]": "2030-01-11"}


def found(sandbox: Sandbox) -> set[str]:
    return {row["id"] for row in data(sandbox, "orders", **DAYS)}


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, {"first", "last"}),
        ({"date_to": "exclusive"}, {"first"}),
        ({"date_field": "created_at"}, {"created"}),
        ({"zone": 60}, {"before", "first"}),
        ({"zone": -60}, {"last"}),
    ],
)
def test_a_date_filter_acts_on_its_field_to_its_end_in_its_zone(
    sandbox: Sandbox, switches: dict[str, Any], expected: set[str]
) -> None:
    put_dated(sandbox, "before", "2029-01-01T00:00:00Z", "2030-01-09T23:30:00Z")
    put_dated(sandbox, "first", "2029-01-01T00:00:00Z", "2030-01-10T00:00:00Z")
    put_dated(sandbox, "last", "2029-01-01T00:00:00Z", "2030-01-11T23:59:59Z")
    put_dated(sandbox, "created", "2030-01-10T12:00:00Z", "2030-02-01T00:00:00Z")
    sandbox.configure({"orders": switches})
    assert found(sandbox) == expected


def test_a_date_filter_may_be_ignored_or_refused(sandbox: Sandbox) -> None:
    sandbox.configure({"acme/orders": {"date_filter": "ignored"}, "globex/*": {"date_filter": "refused"}})
    assert len(chain(sandbox, "orders", limit="100", **DAYS)) == 3
    refused = get(sandbox, "orders", "globex", **DAYS)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "validation_failed"
    assert get(sandbox, "orders", "globex").status_code == 200


def test_a_date_filter_may_require_both_dates(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"dates": "both_required"}})
    for name, day in DAYS.items():
        assert get(sandbox, "orders", **{name: day}).status_code == 422
    assert get(sandbox, "orders", **DAYS).status_code == 200
    assert get(sandbox, "orders").status_code == 200


def test_the_most_specific_scope_wins_key_by_key(sandbox: Sandbox) -> None:
    sandbox.configure(
        {
            "*": {"page_cap": 7, "shape": "flat"},
            "orders": {"page_cap": 6},
            "acme/*": {"page_cap": 5},
            "acme/orders": {"page_cap": 4},
        }
    )
    sizes = {
        (shop, path): len(data(sandbox, path, shop))
        for shop in ("acme", "globex")
        for path in ("orders", "customers")
    }
    assert sizes == {
        ("acme", "orders"): 4,
        ("acme", "customers"): 5,
        ("globex", "orders"): 6,
        ("globex", "customers"): 7,
    }
    assert "attributes" not in data(sandbox, "orders")[0]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ordres": {"page_cap": 1}}, "unknown scope 'ordres'"),
        ({"nobody/orders": {"page_cap": 1}}, "unknown scope 'nobody/orders'"),
        ({"orders": {"page_caps": 1}}, "page_caps"),
        ({"orders": {"page_cap": "1"}}, "page_cap"),
        ({"orders": {"zone": 900}}, "zone"),
        ({"orders": {"date_field": "birthday"}}, "birthday"),
        ({"orders": {"faults": [{"kind": "boredom"}]}}, "kind"),
        ({"orders": {"rows": [{"kind": "drift", "every": 0}]}}, "every"),
        ({"orders": 7}, "orders"),
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(
    sandbox: Sandbox, change: dict[str, Any], complaint: str
) -> None:
    url = f"{sandbox.url}/_sandbox/settings"
    answer = requests.patch(url, json={"orders": {"shape": "flat"}, **change}, timeout=5)
    assert answer.status_code == 422
    assert complaint in answer.json()["error"]
    assert requests.get(url, timeout=5).json() == {}


def test_settings_over_http_are_merged_and_null_sets_back(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/_sandbox/settings"
    requests.patch(url, json={"orders": {"shape": "flat", "page_cap": 3}}, timeout=5)
    answer = requests.patch(url, json={"orders": {"shape": None}}, timeout=5)
    assert answer.json() == {"orders": {"page_cap": 3}}


def test_rows_may_be_flat(sandbox: Sandbox) -> None:
    sandbox.configure({"*": {"shape": "flat"}})
    truth = sandbox.truth("acme", "customers")[0]
    assert set(data(sandbox, "customers")[0]) == set(truth)


def test_usage_may_be_one_object_today(sandbox: Sandbox) -> None:
    sandbox.configure({"usage": {"usage": "object"}})
    answer = get(sandbox, "usage").json()
    assert set(answer) == {"data"}
    assert answer["data"]["attributes"]["date"] == "2026-05-10"


def test_included_rows_may_come_beside_the_data(sandbox: Sandbox) -> None:
    embedded = data(sandbox, "attribution", include="touchpoints")
    sandbox.configure({"*": {"included": "top_level"}})
    answer = get(sandbox, "attribution", include="touchpoints").json()
    beside = {row["id"]: row for row in answer["included"]}
    for row, expected in zip(answer["data"], embedded, strict=True):
        assert "touchpoints" not in row["attributes"]
        keys = row["relationships"]["touchpoints"]["data"]
        touches = [{"id": key["id"], **beside[key["id"]]["attributes"]} for key in keys]
        assert touches == expected["attributes"]["touchpoints"]


def test_without_pagination_all_rows_come_at_once(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"pagination": "absent"}})
    answer = get(sandbox, "orders", limit="10").json()
    assert set(answer) == {"data"}
    assert len(answer["data"]) == 300


def test_fields_may_be_ignored_or_refused(sandbox: Sandbox) -> None:
    assert set(data(sandbox, "orders", fields="email")[0]["attributes"]) == {"email"}
    sandbox.configure({"acme/*": {"fields": "ignored"}, "globex/*": {"fields": "refused"}})
    assert len(data(sandbox, "orders", fields="email")[0]["attributes"]) > 20
    assert get(sandbox, "orders", "globex", fields="email").status_code == 422


def test_empty_pages_come_with_a_live_cursor_and_lose_nothing(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"empty_every": 2}})
    pages = chain(sandbox, "orders", limit="100")
    assert [len(page["data"]) for page in pages] == [100, 0, 100, 0, 100]
    assert len(set(row_ids(pages))) == 300


def test_a_page_may_hold_less_than_asked(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"page_cap": 40}})
    pages = chain(sandbox, "orders", limit="100")
    assert [len(page["data"]) for page in pages] == [40] * 7 + [20]
    assert len(set(row_ids(pages))) == 300


def test_large_pages_deep_pages_and_children_of_some_parents_may_be_refused(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"max_limit": 50, "max_limit_status": 413}})
    assert get(sandbox, "orders", limit="51").status_code == 413
    cursor = get(sandbox, "orders", limit="50").json()["pagination"]["next_cursor"]
    sandbox.configure({"orders": {"max_depth": 50}})
    deep = get(sandbox, "orders", limit="50", cursor=cursor)
    assert (deep.status_code, deep.json()["error"]["code"]) == (400, "bad_request")
    sandbox.configure({"enrollments": {"bad_parents": {"status": 410, "every": 2}}})
    journeys = [row["id"] for row in data(sandbox, "journeys")[:4]]
    found = [get(sandbox, f"journeys/{one}/enrollments").status_code for one in journeys]
    assert found == [410, 200, 410, 200]


def test_a_cursor_expires_once(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"cursor_expires_every": 2}})
    cursors = [page["pagination"]["next_cursor"] for page in [get(sandbox, "orders").json()]]
    cursors.append(get(sandbox, "orders", cursor=cursors[0]).json()["pagination"]["next_cursor"])
    expired = get(sandbox, "orders", cursor=cursors[1])
    assert expired.status_code == 422
    assert expired.json()["error"]["message"] == "cursor expired"
    assert get(sandbox, "orders", cursor=cursors[1]).status_code == 200
    assert get(sandbox, "orders", cursor=cursors[1]).status_code == 200


def test_a_cursor_may_come_again_or_not_at_all_and_data_be_missing(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"cursor_repeats": True}})
    cursor = get(sandbox, "orders").json()["pagination"]["next_cursor"]
    assert get(sandbox, "orders", cursor=cursor).json()["pagination"]["next_cursor"] == cursor
    sandbox.configure({"orders": {"cursor_repeats": False, "cursor_missing": True}})
    assert get(sandbox, "orders").json()["pagination"] == {"next_cursor": None, "has_next": True}
    sandbox.configure({"orders": {"data_missing": True}})
    assert "data" not in get(sandbox, "orders").json()


def test_answers_may_be_late(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"latency_ms": 200, "jitter_ms": 50}})
    start = time.monotonic()
    assert get(sandbox, "orders").status_code == 200
    assert 0.2 <= time.monotonic() - start < 2


def test_headers_may_be_absent_or_garbage_and_the_clock_wrong() -> None:
    with Sandbox(plan="agency") as sandbox:
        reset = int(get(sandbox, "orders").headers["X-RateLimit-Reset"])
        sandbox.configure({"orders": {"clock_offset_s": 7200}})
        shifted = get(sandbox, "orders").headers
        assert int(shifted["X-RateLimit-Reset"]) - reset == 7200
        date = datetime.strptime(shifted["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        assert abs(date - sandbox.now() - timedelta(hours=2)) < timedelta(seconds=5)
        sandbox.configure({"orders": {"rate_headers": "garbage", "date_header": "absent"}})
        garbage = get(sandbox, "orders").headers
        assert not garbage["X-RateLimit-Remaining"].isdigit()
        assert "Date" not in garbage
        sandbox.configure({"orders": {"rate_headers": "cached"}})
        cached = get(sandbox, "orders").headers
        assert (cached["X-Cache"], cached["Age"], cached["X-RateLimit-Remaining"]) == ("HIT", "40", "0")
        sandbox.configure({"orders": {"rate_headers": "absent"}})
        assert not [name for name in get(sandbox, "orders").headers if name.lower().startswith("x-rate")]


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-32"])
def test_a_response_may_come_in_another_charset(sandbox: Sandbox, charset: str) -> None:
    sandbox.put("acme", "orders", "ord_odd", order_number="ü€😀")
    sandbox.configure({"orders": {"charset": charset}})
    response = get(sandbox, "orders/ord_odd")
    content = msgspec.json.decode(response.content.decode(charset))
    assert content["data"]["attributes"]["order_number"] == "ü€😀"
    declared = response.headers["Content-Type"].partition("charset=")[2]
    assert (declared or "utf-8") == charset


def test_a_value_may_be_put_byte_for_byte(sandbox: Sandbox) -> None:
    text = rb'{"amount": 1e-7, "amount":487.20,"half":"\ud83d"}'
    sandbox.put("acme", "orders", "ord_odd", total_price=msgspec.Raw(text), shop="another", id="inner")
    assert b'"total_price":' + text in get(sandbox, "orders/ord_odd").content
    truth = next(row for row in sandbox.truth("acme", "orders") if row.get("shop") == "another")
    assert truth["total_price"] == msgspec.Raw(text)


def test_a_stream_with_faults_can_still_be_listed() -> None:
    """Lists are cached by their switches, so the switches need a hash."""
    fault = {"kind": "failure", "after": 1000, "body": {"success": False}}
    with Sandbox(customers=100, settings={"orders": {"faults": [fault]}}) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token('acme')}"}
        answer = requests.get(f"{sandbox.url}/api/v1/orders", headers=headers, timeout=10)
        assert answer.status_code == 200
