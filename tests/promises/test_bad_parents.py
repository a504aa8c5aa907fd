"""One journey whose enrollments cannot be read holds up none of the others.

A public report of the kind: airbytehq/airbyte#24369.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

Json = dict[str, Any]
JOURNEYS = [f"jrn_{number}" for number in range(1, 7)]
BAD = "jrn_3"


class Shop:
    """Journeys with one enrollment each, changed on a given day.

    Attributes:
        day: Day on which all enrollments were changed.
        bad: What some journeys answer instead.
        listed: The journeys that are listed.
    """

    def __init__(self, bad: dict[str, Reply], listed: Collection[str] = JOURNEYS) -> None:
        self.day = "2026-05-01"
        self.bad = bad
        self.listed = listed

    def __call__(self, request: Request) -> Reply:
        if request.path == "journeys":
            rows = [{"id": one, "attributes": {"updated_at": "2026-05-01T00:00:00Z"}} for one in self.listed]
            return Reply({"data": rows, "pagination": END})
        journey = request.path.split("/")[1]
        if journey in self.bad:
            return self.bad[journey]
        attributes = {"updated_at": f"{self.day}T12:00:00Z", "entered_at": "2001-01-01T00:00:00Z"}
        return Reply({"data": [{"id": f"enr_{journey}", "attributes": attributes}], "pagination": END})


def failing(status: int) -> Reply:
    """Return an error response, or with status 200 an error of another kind."""
    error = {"error": {"code": "x", "message": "it failed", "request_id": "req_1"}}
    return Reply("not JSON" if status == 200 else error, status)


def sync(
    folder: Path,
    script: Callable[[Request], Reply],
    state: Json | None = None,
    method: str = "INCREMENTAL",
    **config: Any,
) -> Output:
    with ScriptedApi(script) as api:
        settings = {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme", "max_retries": 0}
        tap = Tap(folder, {**settings, **config})
        catalog = tap.catalog("enrollments")
        for entry in catalog["streams"]:
            entry["replication_method"] = method
        return tap.sync(state, catalog=catalog)


def journeys(output: Output) -> list[str]:
    return sorted(record["journey_id"] for record in output.records("enrollments"))


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_journey_is_skipped_with_one_warning_that_counts(tmp_path: Path, status: int) -> None:
    shop = Shop({BAD: failing(status), "jrn_5": failing(404)})
    output = sync(tmp_path, shop)
    assert output.code == 0, output.log
    assert journeys(output) == ["jrn_1", "jrn_2", "jrn_4", "jrn_6"]
    assert output.log.count("skipped 2 of 6 journeys") == 1
    assert "jrn_" not in output.log
    assert "replication_key_value" in output.bookmark("enrollments")
    assert "jrn_" not in str(output.state)


def test_a_missing_journey_is_read_in_full_once_it_answers_again(tmp_path: Path) -> None:
    """Its rows are older than the bookmark by then."""
    shop = Shop({BAD: failing(404)})
    first = sync(tmp_path, shop)
    second = sync(tmp_path, shop, first.state)
    assert second.code == 0, second.log
    shop.bad = {}
    third = sync(tmp_path, shop, second.state)
    assert third.code == 0, third.log
    assert journeys(third) == [BAD]
    fourth = sync(tmp_path, shop, third.state)
    assert journeys(fourth) == []
    assert "skipped" not in fourth.bookmark("enrollments")


@pytest.mark.parametrize("status", [200, 400, 403, 409, 422, 451, 500])
def test_any_other_failure_of_a_journey_lets_all_others_be_read_in_every_run(
    tmp_path: Path, status: int
) -> None:
    shop = Shop({BAD: failing(status)})
    others = [one for one in JOURNEYS if one != BAD]
    first = sync(tmp_path, shop)
    shop.day = "2026-05-02"
    second = sync(tmp_path, shop, first.state)
    for output in (first, second):
        assert output.code == 1
        assert journeys(output) == others
        (line,) = [one for one in output.errors if "enrollments failed" in one]
        assert "the enrollments of 1 journeys cannot be read (all others were read)" in line
        assert "jrn_" not in output.log
        assert "replication_key_value" not in output.bookmark("enrollments")
        assert "reading" not in output.bookmark("enrollments")
    shop.bad = {}
    third = sync(tmp_path, shop, second.state)
    assert third.code == 0, third.log
    assert journeys(third) == JOURNEYS


@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_a_journey_that_fails_later_keeps_the_bookmark_and_the_verdict_on_the_filter(
    tmp_path: Path, status: int
) -> None:
    shop = Shop({})
    first = sync(tmp_path, shop)
    names = ["filter[date_from]", "filter[date_to]"]
    partition = first.state["bookmarks"]["enrollments"]["partitions"][0]
    partition["date_filter"] = {"verdict": "proven", "names": names}
    before = partition["replication_key_value"]
    shop.bad = {BAD: failing(status)}
    shop.day = before[:10]
    second = sync(tmp_path, shop, first.state)
    assert second.code == 1
    assert second.bookmark("enrollments")["replication_key_value"] == before
    assert second.bookmark("enrollments")["date_filter"]["verdict"] == "proven"


@pytest.mark.parametrize("position", [0, 2, 5], ids=["first", "middle", "last"])
def test_a_journey_whose_requests_hang_fails_alone(tmp_path: Path, position: int) -> None:
    ended, bad = Event(), JOURNEYS[position]

    def script(request: Request) -> Reply:
        if bad in request.path:
            ended.wait()
        return Shop({})(request)

    output = sync(tmp_path, script, concurrency=1, max_retries=2, request_timeout_seconds=0.3)
    ended.set()
    assert output.code == 1
    assert journeys(output) == [one for one in JOURNEYS if one != bad]
    assert "the enrollments of 1 journeys cannot be read (all others were read)" in output.log
    assert "reading" not in output.bookmark("enrollments")


def test_journeys_that_are_all_missing_fail_their_stream(tmp_path: Path) -> None:
    output = sync(tmp_path, Shop(dict.fromkeys(JOURNEYS, failing(404))))
    assert output.code == 1
    assert "no enrollments of any of 6 journeys are found" in output.log
    assert "replication_key_value" not in output.bookmark("enrollments")


def test_a_server_that_fails_for_one_journey_after_the_other_is_given_up(tmp_path: Path) -> None:
    many = [f"jrn_{number:03d}" for number in range(200)]
    requested: set[str] = set()

    def script(request: Request) -> Reply:
        requested.add(request.path)
        return Shop(dict.fromkeys(many[10:], failing(500)), many)(request)

    output = sync(tmp_path, script)
    assert output.code == 1
    assert "20 in a row, so the rest was not tried" in output.log
    assert len(requested) < 50
    assert "reading" not in output.bookmark("enrollments")


def test_a_refused_token_or_a_long_wait_fails_at_once(tmp_path: Path) -> None:
    for reply in (failing(401), Reply({"error": {}}, 429, {"Retry-After": "86400"})):
        output = sync(tmp_path, Shop({BAD: reply}))
        assert output.code == 1
        assert "cannot be read (" not in output.log


@pytest.mark.parametrize(("status", "code"), [(404, 0), (403, 1)])
def test_a_full_table_read_that_skips_a_journey_retires_nothing(
    tmp_path: Path, status: int, code: int
) -> None:
    output = sync(tmp_path, Shop({BAD: failing(status)}), method="FULL_TABLE")
    assert output.code == code, output.log
    assert output.of_type("ACTIVATE_VERSION") == []
    assert "deleted rows stay in the warehouse" in output.log


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("nameless", [1, 2])
def test_journeys_without_an_id_let_all_others_be_read_in_every_run(
    tmp_path: Path, position: int, nameless: int
) -> None:
    shop = Shop({}, ["jrn_1", "jrn_2"])
    listed: list[Any] = ["jrn_1", "jrn_2"]
    listed[position:position] = [None] * nameless
    shop.listed = listed
    first = sync(tmp_path, shop)
    second = sync(tmp_path, shop, first.state)
    for output in (first, second):
        assert output.code == 1
        assert journeys(output) == ["jrn_1", "jrn_2"]
        (line,) = [one for one in output.errors if "enrollments failed" in one]
        assert "(all others were read): a row of journeys has no id" in line
        assert "reading" not in output.bookmark("enrollments")
        assert "replication_key_value" not in output.bookmark("enrollments")
