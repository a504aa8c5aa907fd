"""The faults of the sandbox, over HTTP: broken connections, faulty responses and faulty rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.shop_reads import data, get

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox


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


def test_a_success_may_say_that_it_failed(sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"faults": [{"kind": "failure", "body": {"success": False}}]}})
    answer = get(sandbox, "orders")
    end = {"next_cursor": None, "has_next": False}
    assert answer.status_code == 200
    assert answer.json() == {"data": [], "pagination": end, "success": False}


def test_faults_follow_their_schedule(sandbox: Sandbox) -> None:
    fault = {"kind": "status", "after": 2, "every": 3, "times": 2}
    sandbox.configure({"orders": {"faults": [fault]}})
    statuses = [get(sandbox, "orders", limit="1").status_code for _ in range(12)]
    assert [place for place, status in enumerate(statuses, 1) if status == 500] == [5, 8]
    assert get(sandbox, "orders", "globex").status_code == 200


def faulty_row(sandbox: Sandbox, kind: str, stream: str = "orders") -> tuple[Any, dict[str, Any]]:
    """Return the second row under a fault in every second row, and the row without the fault."""
    sandbox.configure({"*": {"rows": [{"kind": kind, "every": 2}]}})
    first, second = data(sandbox, stream, limit="2")
    truths = sandbox.truth("acme", stream)
    assert first["attributes"]["updated_at"] == truths[0]["updated_at"]
    return second, truths[1]


def test_rows_may_have_undocumented_fields_and_types(sandbox: Sandbox) -> None:
    row, truth = faulty_row(sandbox, "unknown_field")
    assert set(row["attributes"]) - set(truth) == {"loyalty_tier"}
    row, truth = faulty_row(sandbox, "drift", "customers")
    assert row["attributes"]["orders_count"] == "n/a"
    row, truth = faulty_row(sandbox, "shadow")
    assert {"shop", "extra", "relationships"} <= set(row["attributes"])
    assert row["attributes"]["id"] != row["id"] == truth["id"]
    row, _ = faulty_row(sandbox, "not_an_object")
    assert isinstance(row, str)


def test_rows_may_lack_an_id_or_have_a_number(sandbox: Sandbox) -> None:
    assert "id" not in faulty_row(sandbox, "missing_id")[0]
    assert faulty_row(sandbox, "numeric_id")[0]["id"] == 2


def test_an_id_may_be_shown_without_what_makes_it_unique(sandbox: Sandbox) -> None:
    journey = sandbox.truth("acme", "journeys")[0]["id"]
    sandbox.put("acme", "enrollments", f"{journey}#7", journey_id=journey)
    sandbox.configure({"enrollments": {"rows": [{"kind": "local_id"}], "page_cap": 100}})
    pages: list[Any] = []
    cursor = None
    while not pages or cursor:
        asked: dict[str, Any] = {"cursor": cursor} if cursor else {}
        pages.append(get(sandbox, f"journeys/{journey}/enrollments", limit="100", **asked).json())
        cursor = pages[-1]["pagination"]["next_cursor"]
    assert [row["id"] for page in pages for row in page["data"]].count("7") == 1


def test_a_replication_key_may_be_anything(sandbox: Sandbox) -> None:
    assert faulty_row(sandbox, "null_replication_key")[0]["attributes"]["updated_at"] is None
    assert faulty_row(sandbox, "bad_replication_key")[0]["attributes"]["updated_at"] == "yesterday"
    assert faulty_row(sandbox, "future")[0]["attributes"]["updated_at"] > "2028"
    row, truth = faulty_row(sandbox, "offset_timestamp")
    assert row["attributes"]["updated_at"].endswith("+02:00")
    assert _datetime(row["attributes"]["updated_at"]) == _datetime(truth["updated_at"])
    row, truth = faulty_row(sandbox, "fraction_timestamp")
    assert row["attributes"]["updated_at"] == truth["updated_at"].replace("Z", ".123456789Z")


def test_a_replication_key_may_be_coarse_or_local(sandbox: Sandbox) -> None:
    row, truth = faulty_row(sandbox, "day_replication_key")
    assert row["attributes"]["updated_at"] == truth["updated_at"][:10]
    row, truth = faulty_row(sandbox, "local_replication_key")
    shown, at = row["attributes"]["updated_at"], _datetime(truth["updated_at"])
    assert _datetime(f"{shown}-08:00") == at


def test_other_dates_may_be_hidden_or_nested(sandbox: Sandbox) -> None:
    row, truth = faulty_row(sandbox, "hidden_dates")
    assert {"created_at", "placed_at"}.isdisjoint(row["attributes"])
    assert row["attributes"]["updated_at"] == truth["updated_at"]
    row, truth = faulty_row(sandbox, "nested_dates")
    assert "created_at" not in row["attributes"]
    created = row["attributes"]["meta"]["created_at"]
    assert datetime.fromtimestamp(created, UTC) == _datetime(truth["created_at"])


def _datetime(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_values_may_be_hard_to_read(sandbox: Sandbox) -> None:
    row, _ = faulty_row(sandbox, "big_integer", "inventory")
    assert row["attributes"]["available"] == int("1234567890" * 4)
    row, _ = faulty_row(sandbox, "big_string")
    assert len(row["attributes"]["order_number"]) == 2**20
    row, _ = faulty_row(sandbox, "surrogate")
    assert row["attributes"]["order_number"].endswith("\ud83d")
    row, truth = faulty_row(sandbox, "duplicate_key")
    assert row["attributes"]["order_number"] == truth["order_number"]
    assert b'"order_number":"said before","order_number":"#' in get(sandbox, "orders").content
    sandbox.configure({"*": {"rows": [{"kind": "newline"}]}})
    assert b"\n" in get(sandbox, "orders").content
    assert len(data(sandbox, "orders")) == 50
