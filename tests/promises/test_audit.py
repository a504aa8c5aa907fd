"""The audit bounds what no check of the date filter can rule out, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.filtered_api import FIRST, LAST, FilteredApi
from support.scripted_api import Reply

if TYPE_CHECKING:
    from pathlib import Path

AUDIT = "orders: an audit is due (`audit_days`): reading the stream without the date filter"


def filtered(api: FilteredApi) -> bool:
    """Return whether the last sync used the date filter."""
    return any(FIRST in query for query in api.queries)


def proven(folder: Path) -> FilteredApi:
    """Return an API of three orders, read once; its filter is proven."""
    api = FilteredApi(folder)
    for number in range(3):
        row = {"updated_at": api.moment(days=10 + number), "created_at": api.moment(days=300)}
        api.rows[f"ord_{number}"] = row
    output = api.sync()
    assert output.code == 0, output.log
    assert api.verdict == "proven"
    return api


def test_a_row_that_a_filter_on_a_hidden_date_leaves_out_comes_with_the_audit(tmp_path: Path) -> None:
    """Rows that show no date but the replication key prove nothing: the filter is only plausible."""
    api = FilteredApi(tmp_path, "attribution")
    for number in range(3):
        name = f"att_{number}"
        api.rows[name] = {"attributed_at": api.moment(days=10 + number), "order_id": name, "model": "linear"}
        api.hidden[name] = api.day(days=10 + number)
    start = api.moment(days=90)
    first = api.sync(start_date=start)
    assert first.code == 0, first.log
    assert api.verdict == "plausible"
    assert "could not be verified, so this stream is read again in full" in first.log
    api.wait(hours=20)
    api.rows["att_0"] |= {"attributed_at": api.moment(), "model": "last_touch"}
    api.hidden["att_0"] = api.day(days=10)
    second = api.sync(start_date=start)
    assert filtered(api)
    assert second.ids("attribution") == []
    api.wait(days=7)
    third = api.sync(start_date=start)
    assert [row["model"] for row in third.records("attribution")] == ["last_touch", "linear", "linear"]
    assert "attribution: an audit is due (`audit_days`)" in third.log


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_filter_on_a_nested_number_is_never_proven_and_loses_nothing(tmp_path: Path, unit: int) -> None:
    api = FilteredApi(tmp_path)
    for number in range(3):
        created = int(api.now.timestamp() - 86400 * (10 + number)) * unit
        api.rows[f"ord_{number}"] = {
            "updated_at": api.moment(days=10 + number), "meta": {"created": created},
        }  # fmt: skip
        api.hidden[f"ord_{number}"] = api.day(days=10 + number)
    start = api.moment(days=90)
    api.sync(start_date=start)
    assert api.verdict == "unproven"
    api.wait(hours=2)
    api.rows["ord_0"]["updated_at"] = api.moment()
    assert api.sync(start_date=start).ids("orders") == ["ord_0"]
    assert api.verdict == "unproven"


def test_a_row_without_a_replication_key_comes_with_the_audit(tmp_path: Path) -> None:
    """As in PostHog/posthog#76090 and MeltanoLabs/tap-dbt#213."""
    api = proven(tmp_path)
    api.wait(hours=1)
    api.rows["ord_9"] = {"updated_at": None, "created_at": api.moment()}
    assert api.sync().ids("orders") == []
    assert filtered(api)
    api.wait(days=7)
    output = api.sync()
    assert output.code == 0, output.log
    assert sorted(output.ids("orders")) == ["ord_0", "ord_1", "ord_2", "ord_9"]
    assert AUDIT in output.log
    assert FIRST not in api.queries[-1]
    assert api.verdict == "proven"
    assert api.moment(minutes=1) < api.bookmark()["replication_key_value"] <= api.moment()
    api.wait(hours=1)
    again = api.sync()
    assert filtered(api)
    assert AUDIT not in again.log


@pytest.mark.parametrize(
    "placeholder", ["0001-01-01T00:00:00Z", "1899-12-30", "1970-01-01T00:00:00+02:00", "1970-01-01T00:00:00Z"]
)
@pytest.mark.parametrize("start", [True, False])
def test_a_placeholder_is_no_replication_key(tmp_path: Path, placeholder: str, start: bool) -> None:
    """Go's, Excel's and Unix's zero date would otherwise lie before every `start_date` and bookmark."""
    api = proven(tmp_path)
    config: dict[str, Any] = {"start_date": api.moment(days=90)} if start else {}
    api.wait(hours=1)
    api.rows["ord_9"] = {"updated_at": placeholder, "created_at": api.moment()}
    assert api.sync(**config).code == 0
    api.wait(days=7)
    output = api.sync(**config)
    assert "ord_9" in output.ids("orders")
    assert "has no time of day" not in output.log
    api.refusal = Reply({"error": {"code": "validation_failed", "message": ""}}, 422)
    for _ in range(2):
        api.wait(hours=1)
        assert "ord_9" in api.sync(**config).ids("orders"), "each read without the filter brings it"


def test_an_audit_ends_the_trust_in_a_filter_that_has_come_to_leave_rows_out(tmp_path: Path) -> None:
    api = proven(tmp_path)
    api.hidden = dict.fromkeys(api.rows, api.day(days=100))
    api.wait(days=7)
    assert AUDIT in api.sync().log
    assert api.verdict == "unproven"
    api.wait(hours=1)
    api.rows["ord_1"]["updated_at"] = api.moment()
    assert api.sync().ids("orders") == ["ord_1"]


def test_a_row_dated_in_the_future_comes_with_the_audit(tmp_path: Path) -> None:
    api = proven(tmp_path)
    api.wait(hours=1)
    api.rows["ord_9"] = {"updated_at": api.moment(days=-400), "created_at": api.moment()}
    assert api.sync().ids("orders") == []
    api.wait(days=7)
    assert "ord_9" in api.sync().ids("orders")


def test_with_audit_days_of_zero_nothing_is_audited(tmp_path: Path) -> None:
    api = proven(tmp_path)
    for _ in range(2):
        api.wait(days=400)
        output = api.sync(audit_days=0)
        assert AUDIT not in output.log


def test_an_audit_is_due_sooner_with_a_shorter_interval(tmp_path: Path) -> None:
    api = proven(tmp_path)
    api.wait(days=2)
    assert AUDIT in api.sync(audit_days=1.5).log


def test_a_full_table_read_counts_as_an_audit(tmp_path: Path) -> None:
    api = proven(tmp_path)
    api.wait(days=6)
    assert api.sync(full_table=True).code == 0
    api.wait(days=2)
    assert AUDIT not in api.sync().log


def test_an_interrupted_audit_continues_at_its_cursor_and_leaves_the_bookmark(tmp_path: Path) -> None:
    api = proven(tmp_path)
    before = api.bookmark()["replication_key_value"]
    api.wait(days=8)
    api.page_size = 1
    answer, refusal = api.answer, Reply(status=401)
    api.answer = lambda one: refusal if "cursor" in one.params else answer(one)  # type: ignore[assignment,method-assign]  # a fake
    broken = api.sync()
    assert broken.code == 1
    assert AUDIT in broken.log
    assert api.bookmark()["replication_key_value"] == before
    api.answer = answer  # type: ignore[method-assign]  # as it was
    earliest, latest = api.moment(minutes=1), api.moment()
    api.wait(hours=1)
    output = api.sync()
    assert output.code == 0, output.log
    assert output.ids("orders") == ["ord_1", "ord_2"]
    listed = [query for query in api.queries if FIRST not in query]
    assert [query["cursor"] for query in listed if "cursor" in query] == ["1", "2"]
    assert earliest < api.bookmark()["replication_key_value"] <= latest, "when the audit began"
    assert "reading" not in api.bookmark()


@pytest.mark.parametrize(("status", "audit_days"), [(400, 7), (422, 7), (422, 0)])
def test_a_filter_that_is_rejected_once_is_tried_again_after_an_audit(
    tmp_path: Path, status: int, audit_days: int
) -> None:
    """With `audit_days` of 0, each read is one without the filter until then."""
    api = proven(tmp_path)
    api.wait(hours=1)
    api.refusal = Reply({"error": {"code": "validation_failed", "message": ""}}, status)
    assert api.sync(audit_days=audit_days).code == 0
    assert api.verdict == "refuted"
    api.refusal = None
    api.wait(hours=1)
    api.sync(audit_days=audit_days)
    assert not filtered(api)
    api.wait(days=7)
    output = api.sync(audit_days=audit_days)
    assert (AUDIT in output.log) == (audit_days > 0)
    assert api.verdict == "proven"
    api.wait(hours=1)
    api.sync(audit_days=audit_days)
    assert filtered(api)


def test_a_row_that_changes_while_its_window_is_read_does_not_refute_the_filter(tmp_path: Path) -> None:
    """It is not lost either, as in airbytehq/airbyte#21500."""
    api = proven(tmp_path)
    api.state = None
    api.hidden["ord_0"] = api.day(days=60)  # the API has found it there, and then it was changed
    api.rows["ord_0"]["updated_at"] = api.moment()
    output = api.sync(start_date=api.moment(days=90), window_days=10)
    assert output.code == 0, output.log
    assert api.verdict == "proven"
    assert set(output.ids("orders")) == {"ord_0", "ord_1", "ord_2"}


@pytest.mark.parametrize("stream", ["orders", "attribution"])
def test_a_request_sends_both_dates_of_the_filter_or_none(tmp_path: Path, stream: str) -> None:
    api = FilteredApi(tmp_path, stream)
    key = "attributed_at" if stream == "attribution" else "updated_at"
    api.rows = {"row_1": {key: api.moment(days=3), "created_at": api.moment(days=300)}}
    api.hidden["row_1"] = api.day(days=3)
    answer = api.answer
    required = Reply({"error": {"code": "validation_failed", "message": "date_to required"}}, 422)
    api.answer = lambda one: (  # type: ignore[assignment,method-assign]  # a fake
        answer(one) if (FIRST in one.params) == (LAST in one.params) else required
    )
    start = api.moment(days=90)
    for _ in range(2):
        output = api.sync(start_date=start)
        assert output.code == 0, output.log
        assert filtered(api)
        assert api.verdict == "proven"
        api.wait(hours=1)


def test_an_audit_that_is_too_deep_is_left_to_the_next_run(tmp_path: Path) -> None:
    """Without the filter, the API lists one row only; through it, the read goes on."""
    api = proven(tmp_path)
    before = api.bookmark()
    api.wait(days=8)
    api.page_size, answer = 1, api.answer
    refusal = Reply({"error": {"code": "validation_failed", "message": "offset too large"}}, 400)
    api.answer = lambda one: (  # type: ignore[assignment,method-assign]  # a fake
        refusal if "cursor" in one.params and FIRST not in one.params else answer(one)
    )
    api.rows["ord_1"]["updated_at"] = api.moment()
    for _ in range(2):
        output = api.sync()
        assert output.code == 0, output.log
        assert "ord_1" in output.ids("orders")
        assert filtered(api)
        assert AUDIT in output.log
        assert "the audit, a read without the date filter, failed" in output.log
        assert "no page after the first 1 rows of the list can be read" in output.log
        assert api.bookmark()["last_audit"] == before["last_audit"]
        assert api.bookmark()["replication_key_value"] > before["replication_key_value"]
    api.answer = answer  # type: ignore[method-assign]  # as it was
    api.sync()
    assert api.bookmark()["last_audit"] > before["last_audit"]


def test_a_first_read_that_is_too_deep_may_use_a_plausible_filter(tmp_path: Path) -> None:
    """Each row is checked, nothing else can be read, and the log says what may be missing."""
    api = FilteredApi(tmp_path, "attribution", lambda row: str(row["attributed_at"])[:10])
    for number in range(3):
        api.rows[f"att_{number}"] = {"attributed_at": api.moment(days=10 + 10 * number)}
    api.page_size, answer = 1, api.answer
    refusal = Reply({"error": {"code": "validation_failed", "message": "offset too large"}}, 400)
    api.answer = lambda one: refusal if "cursor" in one.params else answer(one)  # type: ignore[assignment,method-assign]  # a fake
    output = api.sync(start_date=api.moment(days=90))
    assert output.code == 0, output.log
    assert set(output.ids("attribution")) == set(api.rows)
    assert api.verdict == "plausible"
    assert "which leave out rows without a replication key" in output.log
    assert {"filtered_from", "last_audit"} <= api.bookmark().keys()
