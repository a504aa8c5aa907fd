"""Run: each failure once, the exit code, and the last STATE before the engine is closed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from sumeru_api.errors import ApiError, AuthenticationError, NotFound
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.config.settings import Settings
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.sync.engine import Engine
from tap_sumeru.sync.results import Failure, ReadDone
from tap_sumeru.sync.run import Run

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest

    from tap_sumeru.output.messages import MessageWriter
    from tap_sumeru.output.stream_writer import StreamWriter
    from tap_sumeru.sync.engine import Item

STREAMS = ("orders", "products")


class Writer:
    """Notes what is written; the records of one stream cannot be.

    Args:
        log: Takes what is written.
        broken: Whether the records cannot be written.
    """

    def __init__(self, log: list[str], *, broken: bool = False) -> None:
        self._log = log
        self._broken = broken

    def write_schema(self) -> None:
        """Do nothing."""

    def write_records(self, _: Any) -> None:
        if self._broken:
            raise ValueError("text")
        self._log.append("records")

    def write_state(self, _: Any) -> int:
        self._log.append("state")
        return 1


def sync(
    monkeypatch: pytest.MonkeyPatch, items: list[Item], broken: str = "", **config: Any
) -> tuple[int, list[str]]:
    """Run a sync of what an engine would yield; return the exit code and what happened, in order."""
    log: list[str] = []

    def yielded(_: Engine) -> Generator[Item, None, None]:
        try:
            yield from items
        finally:
            log.append("closed")

    monkeypatch.setattr(Engine, "items", yielded)
    selections = []
    for name in STREAMS:
        properties = stream_schemas.load(name)["properties"]
        selections.append(StreamSelection(name, properties, tuple(properties)))
    run = Run(
        Settings.from_config({"api_token": "one", "shop": "acme", **config}),
        selections,
        {name: cast("StreamWriter", Writer(log, broken=name == broken)) for name in STREAMS},
        {},
        cast("MessageWriter", Writer(log)),
        now=lambda: datetime(2026, 5, 10, tzinfo=UTC),
    )
    return run.sync(), log


def page(stream: str) -> ReadPage:
    return ReadPage(stream, "acme", [{"id": "1"}])


def failure(error: ApiError, *streams: str) -> Failure:
    return Failure("acme", streams, len(streams) == len(STREAMS), error)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def test_a_stream_that_cannot_be_written_does_not_fail_a_second_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items: list[Item] = [
        page("orders"),
        failure(NotFound("gone"), "orders"),
        ReadDone("products", "acme", "proven"),
    ]
    code, _ = sync(monkeypatch, items, broken="orders")
    assert code == 1
    (line,) = told(caplog)
    assert line.startswith("Shop acme: orders failed: a record cannot be written (ValueError)")


def test_a_shop_that_fails_names_only_the_streams_that_have_not_failed_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items: list[Item] = [page("orders"), failure(AuthenticationError("no token"), *STREAMS)]
    code, _ = sync(monkeypatch, items, broken="orders")
    assert code == 1
    first, second = told(caplog)
    assert first.startswith("Shop acme: orders failed: a record cannot be written")
    assert second.startswith("Shop acme: products failed: no token")


def test_a_read_without_an_end_makes_the_exit_code_non_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sync(monkeypatch, [ReadDone("orders", "acme", "proven")])[0] == 1
    assert sync(monkeypatch, [ReadDone(name, "acme", "proven") for name in STREAMS])[0] == 0


def test_the_last_state_does_not_wait_for_the_end_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[Item] = [failure(NotFound("gone"), "orders"), page("products")]
    code, log = sync(monkeypatch, items, on_error="stop")
    assert code == 1
    assert log == ["state", "state", "closed"]


def test_the_first_state_goes_out_before_the_first_record(monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[Item] = [page("orders"), *(ReadDone(name, "acme", "proven") for name in STREAMS)]
    code, log = sync(monkeypatch, items)
    assert code == 0
    assert log[:2] == ["state", "records"]
