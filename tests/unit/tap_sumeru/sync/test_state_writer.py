"""When STATE goes out, on a clock that the test moves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from tap_sumeru.sync.state_writer import StateWriter

if TYPE_CHECKING:
    from tap_sumeru.output.batch_files import BatchFiles
    from tap_sumeru.output.messages import MessageWriter


class Recorder:
    """A clock, a message writer and BATCH files, which record what happens when."""

    def __init__(self, *, batch: bool = False, size: int = 100) -> None:
        self.now = 1000.0
        self.size = size
        self.events: list[tuple[float, str]] = []
        self.state: dict[str, Any] = {}
        files = cast("BatchFiles", self) if batch else None
        self.states = StateWriter(self.state, cast("MessageWriter", self), files, lambda: self.now)

    def flush(self) -> None:
        self.events.append((self.now - 1000, "flush"))

    def write_state(self, state: dict[str, Any]) -> int:
        assert state is self.state
        self.events.append((self.now - 1000, "state"))
        return self.size

    def at(self, seconds: float, *, changed: bool = False, moved: bool = False) -> None:
        """Let so many seconds have passed; record a change; write the state if it is due."""
        self.now = 1000 + seconds
        if changed or moved:
            self.states.changed(moved=moved)
        self.states.write_if_due()

    @property
    def written(self) -> list[float]:
        return [round(at, 3) for at, what in self.events if what == "state"]


def test_a_state_that_has_not_changed_is_not_written() -> None:
    one = Recorder()
    for second in range(100):
        one.at(second)
    assert one.written == []


def test_a_state_is_written_at_once_when_a_bookmark_has_moved() -> None:
    one = Recorder()
    one.at(0.5, moved=True)
    one.at(0.6)
    assert one.written == [0.5]


def test_bookmarks_that_move_often_are_written_five_times_a_second_at_most() -> None:
    one = Recorder()
    for millisecond in range(0, 1001, 10):
        one.at(millisecond / 1000, moved=True)
    between = [after - before for before, after in pairwise(one.written)]
    assert len(between) >= 4
    assert all(0.2 <= round(seconds, 3) <= 0.21 for seconds in between)


def test_other_changes_are_written_every_five_seconds() -> None:
    one = Recorder()
    for tenth in range(161):
        one.at(tenth / 10, changed=True)
    assert one.written == [5.0, 10.0, 15.0]


def test_a_change_after_a_quiet_time_is_written_at_once() -> None:
    one = Recorder()
    one.at(30.0, changed=True)
    assert one.written == [30.0]


def test_a_large_state_is_written_less_often() -> None:
    one = Recorder(size=3_000_000)
    for second in range(10):
        one.at(second, moved=True)
    assert one.written == [0.0, 3.0, 6.0, 9.0]


def test_with_batch_files_a_state_is_written_every_thirty_seconds_at_most() -> None:
    """Each STATE closes the files that are open."""
    one = Recorder(batch=True)
    for second in range(70):
        one.at(second, moved=True)
    assert one.written == [30.0, 60.0]


def test_batch_files_are_complete_before_a_state_is_written() -> None:
    one = Recorder(batch=True)
    one.states.write()
    assert one.events == [(0.0, "flush"), (0.0, "state")]


def test_the_last_state_is_written_whether_or_not_it_is_due() -> None:
    one = Recorder()
    one.states.write()
    one.states.write()
    assert one.written == [0.0, 0.0]
    one.at(0.1)
    assert one.written == [0.0, 0.0], "nothing has changed since"
