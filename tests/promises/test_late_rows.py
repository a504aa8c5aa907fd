"""Rows that come late, and lists that cannot be read without the date filter, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.filtered_api import FIRST, FilteredApi
from support.scripted_api import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.scripted_api import Request

REFUSAL = {"error": {"code": "validation_failed", "message": "no such filter"}}
REQUIRED = {"error": {"code": "validation_failed", "message": "date_from and date_to are required"}}


def without_filter(api: FilteredApi, reply: Callable[[], Reply]) -> None:
    """Let the API answer every request without the date filter in this way."""
    answer = api.answer

    def answer_filtered(request: Request) -> Reply:
        return answer(request) if FIRST in request.params else reply()

    api.answer = answer_filtered  # type: ignore[method-assign]  # a fake


@pytest.mark.parametrize("filter_", ["proven", "ignored", "refused", "none"])
def test_a_row_that_comes_late_comes_with_the_audit(tmp_path: Path, filter_: str) -> None:
    """Such as the old orders of a newly connected shop, or a change that leaves the replication key alone."""
    api = FilteredApi(tmp_path, filtered_day=(lambda _: api.day()) if filter_ == "ignored" else None)
    options: dict[str, Any] = {"stream_options": {"orders": {"date_filter": []}}} if filter_ == "none" else {}
    if filter_ == "refused":
        api.refusal = Reply(REFUSAL, 422)
    for number in range(3):
        name = f"ord_{number}"
        api.rows[name] = {"updated_at": api.moment(days=30 + number), "created_at": api.moment(days=300)}
    assert api.sync(**options).code == 0
    api.wait(hours=1)
    api.rows["ord_late"] = {"updated_at": api.moment(days=40), "created_at": api.moment(days=300)}
    api.rows["ord_1"]["email"] = None
    emitted = set()
    for days in (0, 1, 7):
        api.wait(days=days)
        output = api.sync(**options)
        assert output.code == 0, output.log
        emitted |= {(row["id"], "email" in (row["extra"] or row)) for row in output.records("orders")}
    assert {name for name, _ in emitted} >= {"ord_late", "ord_1"}
    assert "orders: an audit is due (`audit_days`)" in output.log
    api.wait(hours=1)
    assert api.sync(**options).ids("orders") == [], "an audit is not made again at once"


@pytest.mark.parametrize("status", [400, 422])
def test_a_list_that_requires_the_date_filter_is_read_through_it(tmp_path: Path, status: int) -> None:
    """As the documented request for attribution has it, whose rows show no other date."""
    api = FilteredApi(tmp_path, "attribution")
    for number in range(20):
        name, moment = f"att_{number}", api.moment(days=1 + number, minutes=7 * number)
        api.rows[name] = {"attributed_at": moment, "order_id": name, "model": "linear"}
        api.hidden[name] = moment[:10]
    without_filter(api, lambda: Reply(REQUIRED, status))
    start = api.moment(days=60)
    first = api.sync(start_date=start)
    assert first.code == 0, first.log
    assert set(first.ids("attribution")) == set(api.rows)
    warning = "attribution: the API lists nothing without the date filter; rows that the filter leaves out"
    assert first.log.count(warning) == 1
    assert api.verdict == "plausible"
    api.wait(hours=2)
    api.rows["att_new"] = {"attributed_at": api.moment(hours=1), "order_id": "new", "model": "linear"}
    api.hidden["att_new"] = api.moment(hours=1)[:10]
    for days in (0, 8):
        api.wait(days=days)
        again = api.sync(start_date=start, lookback_days=9)
        assert again.code == 0, again.log
        assert "att_new" in again.ids("attribution")
        assert ("the audit, a read without the date filter, failed" in again.log) == (days > 0)


def test_a_list_that_requires_a_filter_which_no_row_supports_fails(tmp_path: Path) -> None:
    """Each row shows another date inside of the range, so that the filter may act on that one."""
    api = FilteredApi(tmp_path)
    for number in range(3):
        moment = api.moment(days=10 + number)
        api.rows[f"ord_{number}"] = {"updated_at": moment, "created_at": moment}
    without_filter(api, lambda: Reply(REQUIRED, 422))
    output = api.sync(start_date=api.moment(days=60))
    assert output.code == 1
    assert "date_from and date_to are required" in output.errors[-1]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_audit_that_the_server_cannot_answer_is_left_to_the_next_run(tmp_path: Path, status: int) -> None:
    api = FilteredApi(tmp_path)
    for number in range(3):
        name = f"ord_{number}"
        api.rows[name] = {"updated_at": api.moment(days=10 + number), "created_at": api.moment(days=300)}
    api.sync()
    assert api.verdict == "proven"
    before = api.bookmark()["last_audit"]
    api.wait(days=8)
    answer = api.answer
    without_filter(api, lambda: Reply({}, status))
    api.rows["ord_new"] = {"updated_at": api.moment(), "created_at": api.moment()}
    output = api.sync()
    assert output.code == 0, output.log
    assert output.ids("orders") == ["ord_new"]
    assert "the audit, a read without the date filter, failed" in output.log
    api.answer = answer  # type: ignore[method-assign]  # as it was
    api.wait(hours=1)
    output = api.sync()
    assert set(output.ids("orders")) == set(api.rows)
    assert api.bookmark()["last_audit"] > before
