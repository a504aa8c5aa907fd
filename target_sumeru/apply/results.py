"""Counts and reports what became of each row, emits STATE, and notices when too many rows fail."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from target_sumeru.plan.items import SETTLED, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from target_sumeru.apply.outcomes import Outcome
    from target_sumeru.apply.report import Report
    from target_sumeru.apply.state_release import StateRelease
    from target_sumeru.plan.items import Item

_MIN_ANSWERS = 20
"""Answers before the share of rejected rows counts."""


class RejectionLimit:
    """Notices when the API rejects too large a share of the rows, or does not say what became of them.

    Args:
        max_share: The largest share that is accepted.
    """

    def __init__(self, max_share: float) -> None:
        self._max_share = max_share
        self._answers = 0
        self._rejected = 0

    def count(self, *, rejected: bool) -> None:
        """Count an answer of the API."""
        self._answers += 1
        self._rejected += rejected

    @property
    def exceeded(self) -> bool:
        """Whether the run should stop."""
        return self._answers >= _MIN_ANSWERS and self._rejected > self._max_share * self._answers


class Results:
    """What became of the rows of a run.

    Args:
        release: The STATE messages that wait.
        report: The report.
        limit: Notices too many rejected rows.
        emit_state: Writes the STATE that came behind a line.
        hold_rejected: Whether a rejected row holds back STATE.

    Attributes:
        counts: Rows by stream and status.
        reasons: Rows that are not settled, by stream and reason.
        limit: As above.
    """

    def __init__(
        self,
        release: StateRelease,
        report: Report,
        limit: RejectionLimit,
        emit_state: Callable[[int], None],
        *,
        hold_rejected: bool,
    ) -> None:
        self.counts: defaultdict[str, Counter[Status]] = defaultdict(Counter)
        self.reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.limit = limit
        self._release = release
        self._report = report
        self._emit_state = emit_state
        self._passing = SETTLED if hold_rejected else (*SETTLED, Status.REJECTED)

    @property
    def settled(self) -> bool:
        """Whether every row has reached the shop."""
        return not self.reasons

    def answered(self, item: Item, outcome: Outcome) -> None:
        """Record what the API's answer, or its absence, means for a row."""
        item.settle(outcome.status, outcome.reason, outcome.column)
        if outcome.status is not Status.ADOPTED:  # nothing was written, so there was nothing to reject
            self.limit.count(rejected=outcome.status not in SETTLED)
        self.add(item, outcome)

    def add(self, item: Item, outcome: Outcome | None = None) -> None:
        """Record what became of a row."""
        self.counts[item.stream][item.status] += 1
        if item.status not in SETTLED:
            code = outcome.code if outcome else ""
            reason = item.reason if code in ("", item.reason) else f"{item.reason} {code}"
            self.reasons[item.stream][reason] += 1
        self._report.add(item, outcome)
        if item.status in self._passing:
            self._release.settle(item.first_line)
            self.release()

    def add_all(self, items: Iterable[Item]) -> None:
        """Record what became of rows without asking the API."""
        for item in items:
            self.add(item)

    def release(self) -> None:
        """Write the last STATE that may go out, if it is a new one."""
        line = self._release.due()
        if line is not None:
            self._emit_state(line)
