"""Errors in a response: under any usual name, at the top or in an object; what is harmless is none."""

from __future__ import annotations

from typing import Any

import pytest

from sumeru_api.embedded_errors import Failure, find_failure

ERROR = {"code": "internal_error", "message": "the shard did not answer", "request_id": "req_1"}
NO_ROWS: dict[str, Any] = {"data": [], "pagination": {"next_cursor": None, "has_next": False}}


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"success": False}, 500),
        ({"Success": "false"}, 500),
        ({"ok": 0}, 500),
        ({"status": "error"}, 500),
        ({"status": "FAILED"}, 500),
        ({"status": 503}, 503),
        ({"statusCode": "429"}, 429),
        ({"code": 403}, 403),
        ({"result": "failure"}, 500),
        ({"Error": ERROR}, 500),
        ({"ERRORS": [ERROR]}, 500),
        ({"errors": [None, {"code": "forbidden"}]}, 403),
        ({"errors": [{}]}, 500),
        ({"errors": {"base": ["bad"]}}, 500),
        ({"errorCode": "not_found"}, 500),
        ({"error_code": "not_found"}, 404),
        ({"errorMessage": "the database is down"}, 500),
        ({"fault": {"status": 502}}, 502),
        ({"exception": "in words"}, 500),
        ({"meta": {"error": ERROR}}, 500),
        ({"meta": {"errors": [{"code": "rate_limited"}]}}, 429),
        ({"pagination": {"has_next": False, "error": "x"}}, 500),
        ({"meta": {"status": {"code": 503, "text": "in words"}}}, 503),
        ({"meta": {"response": {"success": False}}}, 500),
        ({"partial": True}, 500),
        ({"incomplete_results": True}, 500),
        ({"timed_out": "true"}, 500),
    ],
    ids=str,
)
def test_a_failure_in_any_usual_words_is_found(members: dict[str, Any], status: int) -> None:
    found = find_failure({**NO_ROWS, **members})
    assert found is not None
    assert found.status == status


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"success": True},
        {"success": "true"},
        {"ok": 1},
        {"status": "ok"},
        {"status": 200},
        {"state": "active"},
        {"code": 0},
        {"errors": []},
        {"error_code": 0},
        {"errorCode": "none"},
        {"error_message": ""},
        {"meta": {"errors": 3}},
        {"meta": {"filters": {"status": "failed"}}},
        {"filter": {"status": "failed"}},
        {"partial": False},
        {"incomplete_results": None},
        {"data": {"error": ERROR}},
        {"included": [{"error": ERROR}]},
    ],
    ids=str,
)
def test_what_says_nothing_of_a_failure_is_none(members: dict[str, Any]) -> None:
    assert find_failure({**NO_ROWS, **members}) is None


@pytest.mark.parametrize("content", [None, [], "error", 5], ids=str)
def test_what_is_no_object_says_nothing(content: object) -> None:
    assert find_failure(content) is None


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (
            {"meta": {"error": ERROR}},
            Failure("error", "internal_error", "the shard did not answer", "req_1", 500),
        ),
        (
            {"success": False, "message": "no", "request_id": "req_2"},
            Failure("success", "", "no", "req_2", 500),
        ),
        ({"errors": ["in words"]}, Failure("errors", "", "in words", "", 500)),
        ({"errorMessage": "in words"}, Failure("errorMessage", "", "in words", "", 500)),
        ({"success": "false"}, Failure("success", "", "", "", 500)),
        ({"error": "in words", "code": 404}, Failure("error", "404", "in words", "", 404)),
    ],
    ids=str,
)
def test_all_that_is_said_of_a_failure_is_found(content: dict[str, Any], failure: Failure) -> None:
    assert find_failure(content) == failure
