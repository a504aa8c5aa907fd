"""Each switch and each fault of the sandbox does what it says, over HTTP."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests

from sumeru_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 5, 10, 14, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(shops=("acme", "globex"), now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    yield server
    server.reset()


def get(sandbox: Sandbox, path: str, shop: str = "acme", **parameters: str) -> requests.Response:
    return requests.get(
        f"{sandbox.url}/api/v1/{path}",
        params=parameters,
        headers={"Authorization": f"Bearer {sandbox.token(shop)}"},
        allow_redirects=False,
        timeout=5,
    )


def data(sandbox: Sandbox, path: str, shop: str = "acme", **parameters: str) -> Any:
    answer = get(sandbox, path, shop, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def chain(sandbox: Sandbox, path: str, **parameters: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    pages = [get(sandbox, path, **parameters).json()]
    while pages[-1]["pagination"]["has_next"]:
        assert len(pages) < 100
        cursor = pages[-1]["pagination"]["next_cursor"]
        pages.append(get(sandbox, path, **parameters, cursor=cursor).json())
    return pages


def idents(pages: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for page in pages for row in page["data"]]


def put_dated(sandbox: Sandbox, ident: str, created: str, updated: str) -> None:
    sandbox.put("acme", "orders", ident, created_at=created, updated_at=updated)


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
    assert len(set(idents(pages))) == 300


def test_a_page_may_hold_less_than_asked(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"page_cap": 40}})
    pages = chain(sandbox, "orders", limit="100")
    assert [len(page["data"]) for page in pages] == [40] * 7 + [20]
    assert len(set(idents(pages))) == 300


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
        date = datetime.strptime(shifted["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc)
        assert abs(date - sandbox.now() - timedelta(hours=2)) < timedelta(seconds=5)
        sandbox.configure({"orders": {"rate_headers": "garbage", "date_header": "absent"}})
        garbage = get(sandbox, "orders").headers
        assert not garbage["X-RateLimit-Remaining"].isdigit()
        assert "Date" not in garbage
        sandbox.configure({"orders": {"rate_headers": "absent"}})
        assert not [name for name in get(sandbox, "orders").headers if name.lower().startswith("x-rate")]


@pytest.mark.parametrize("kind", ["reset", "truncate", "hang"])
def test_a_connection_may_break(sandbox: Sandbox, kind: str) -> None:
    sandbox.configure({"orders": {"faults": [{"kind": kind, "times": 1, "seconds": 0.2}]}})
    with pytest.raises(requests.exceptions.RequestException):
        get(sandbox, "orders")
    assert get(sandbox, "orders").status_code == 200


def test_an_answer_may_be_something_else(sandbox: Sandbox) -> None:
    kinds: list[dict[str, Any]] = [
        {"kind": "html"},
        {"kind": "rubbish"},
        {"kind": "redirect"},
        {"kind": "slow", "seconds": 0.3},
        {"kind": "status", "status": 503, "code": "maintenance"},
        {"kind": "status", "status": 429, "retry_after": 3},
    ]
    answers = []
    for kind in kinds:
        sandbox.configure({"orders": {"faults": [kind]}})
        answers.append(get(sandbox, "orders"))
    assert [answer.status_code for answer in answers] == [200, 200, 302, 200, 503, 429]
    html, rubbish, redirect, slow, down, limited = answers
    assert html.headers["Content-Type"] == "text/html"
    assert rubbish.headers["Content-Type"] == "application/json"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(rubbish.text)
    assert redirect.headers["Location"] == "https://elsewhere.invalid/api/v1/orders"
    assert len(slow.json()["data"]) == 50
    assert down.json()["error"]["code"] == "maintenance"
    assert limited.headers["Retry-After"] == "3"
    assert limited.json()["error"]["code"] == "rate_limited"


def test_faults_come_when_they_are_told_to(sandbox: Sandbox) -> None:
    fault = {"kind": "status", "after": 2, "every": 3, "times": 2}
    sandbox.configure({"orders": {"faults": [fault]}})
    statuses = [get(sandbox, "orders", limit="1").status_code for _ in range(12)]
    assert [place for place, status in enumerate(statuses, 1) if status == 500] == [5, 8]
    assert get(sandbox, "orders", "globex").status_code == 200


def spoilt(sandbox: Sandbox, kind: str, stream: str = "orders") -> tuple[Any, dict[str, Any]]:
    """The second row under a fault that hits each second one, and what it is in truth."""
    sandbox.configure({"*": {"rows": [{"kind": kind, "every": 2}]}})
    first, second = data(sandbox, stream, limit="2")
    truths = sandbox.truth("acme", stream)
    assert first["attributes"]["updated_at"] == truths[0]["updated_at"]
    return second, truths[1]


def test_rows_may_hold_what_nobody_documented(sandbox: Sandbox) -> None:
    row, truth = spoilt(sandbox, "unknown_field")
    assert set(row["attributes"]) - set(truth) == {"loyalty_tier"}
    row, truth = spoilt(sandbox, "drift", "customers")
    assert row["attributes"]["orders_count"] == "n/a"
    row, truth = spoilt(sandbox, "shadow")
    assert {"shop", "extra", "relationships"} <= set(row["attributes"])
    assert row["attributes"]["id"] != row["id"] == truth["id"]
    row, _ = spoilt(sandbox, "not_an_object")
    assert isinstance(row, str)


def test_rows_may_lack_an_id_or_have_a_number(sandbox: Sandbox) -> None:
    assert "id" not in spoilt(sandbox, "missing_id")[0]
    assert spoilt(sandbox, "numeric_id")[0]["id"] == 2


def test_a_replication_key_may_be_anything(sandbox: Sandbox) -> None:
    assert spoilt(sandbox, "null_replication_key")[0]["attributes"]["updated_at"] is None
    assert spoilt(sandbox, "bad_replication_key")[0]["attributes"]["updated_at"] == "yesterday"
    assert spoilt(sandbox, "future")[0]["attributes"]["updated_at"] > "2028"
    row, truth = spoilt(sandbox, "offset_timestamp")
    assert row["attributes"]["updated_at"].endswith("+02:00")
    assert _moment(row["attributes"]["updated_at"]) == _moment(truth["updated_at"])
    row, truth = spoilt(sandbox, "fraction_timestamp")
    assert row["attributes"]["updated_at"] == truth["updated_at"].replace("Z", ".123456789Z")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_values_may_be_hard_to_read(sandbox: Sandbox) -> None:
    row, _ = spoilt(sandbox, "big_integer", "inventory")
    assert row["attributes"]["available"] == int("1234567890" * 4)
    row, _ = spoilt(sandbox, "big_string")
    assert len(row["attributes"]["order_number"]) == 2**20
    row, _ = spoilt(sandbox, "surrogate")
    assert row["attributes"]["order_number"].endswith("\ud83d")
    row, truth = spoilt(sandbox, "duplicate_key")
    assert row["attributes"]["order_number"] == truth["order_number"]
    assert b'"order_number":"said before","order_number":"#' in get(sandbox, "orders").content
    sandbox.configure({"*": {"rows": [{"kind": "newline"}]}})
    assert b"\n" in get(sandbox, "orders").content
    assert len(data(sandbox, "orders")) == 50


def test_a_value_may_be_put_letter_by_letter(sandbox: Sandbox) -> None:
    text = rb'{"amount": 1e-7, "amount":487.20,"half":"\ud83d"}'
    sandbox.put("acme", "orders", "ord_odd", total_price=msgspec.Raw(text), shop="another", id="inner")
    assert b'"total_price":' + text in get(sandbox, "orders/ord_odd").content
    truth = next(row for row in sandbox.truth("acme", "orders") if row.get("shop") == "another")
    assert truth["total_price"] == msgspec.Raw(text)
