"""One run: plan everything, check the limits, write, and release STATE."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter, defaultdict
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, TypeVar

from sumeru_api.client import Client
from sumeru_api.rate_limiter import RateLimiter
from sumeru_api.request_queue import RequestQueue
from sumeru_api.session import Session, default_headers
from sumeru_api.slots import Slots
from tap_sumeru.sync.wording import count
from target_sumeru.apply.applier import Applier
from target_sumeru.apply.results import RejectionLimit, Results
from target_sumeru.apply.shop_api import ShopApi
from target_sumeru.apply.state_release import StateRelease
from target_sumeru.errors import LimitExceeded, Stopped
from target_sumeru.plan.items import Group, Status
from target_sumeru.plan.limits import check_ledger, check_limits
from target_sumeru.plan.run_plan import plan_all
from target_sumeru.summary import (
    launch_lines,
    log_api_error,
    log_list_errors,
    log_reasons,
    log_results,
    plan_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from tap_sumeru.sync.signals import StopRequest
    from target_sumeru.apply.report import Report
    from target_sumeru.config.settings import Settings
    from target_sumeru.input.spool import Spool
    from target_sumeru.ledger import Ledger

logger = logging.getLogger("target-sumeru")

ResultT = TypeVar("ResultT")

LIMIT_EXCEEDED = 3
"""Exit code of a run that a limit has stopped before it wrote anything."""
_MAX_REQUESTS = 256
_HOLD_SECONDS = 1.0
_POLL_SECONDS = 0.05
_PROGRESS_SECONDS = 30.0
_GRACE_SECONDS = 15.0
"""After a signal, requests in flight may take this long."""


class Run:
    """One run of the target.

    Args:
        settings: The settings.
        spool: The rows.
        ledger: The ledger.
        report: The report.
        stop: The signal that asks the run to stop.
        emit_state: Writes a STATE.
        show: Prints the plan; None to print nothing.
    """

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        ledger: Ledger,
        report: Report,
        *,
        stop: StopRequest,
        emit_state: Callable[[bytes], None],
        show: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._ledger = ledger
        self._report = report
        self._stop = stop
        self._emit_state = emit_state
        self._show = show
        self._applier: Applier | None = None
        self._results: Results | None = None
        self._apis: dict[str, ShopApi] = {}
        self._total = self._settled = 0

    def execute(self) -> int:
        """Plan and write; return the exit code."""
        return asyncio.run(self._execute())

    async def _execute(self) -> int:
        session = Session(
            default_headers(self._settings.user_agent, "target-sumeru"),
            self._settings.request_timeout_seconds,
        )
        try:
            apis = self._apis = self._open(session)
            groups = await self._until_signal(plan_all(self._spool, apis, self._ledger, self._settings))
            if groups is None:
                return self._log_stop()
            return await self._go(groups, apis)
        finally:
            await session.close()

    def _open(self, session: Session) -> dict[str, ShopApi]:
        slots = Slots(_MAX_REQUESTS, _HOLD_SECONDS, self._gate)
        settings = self._settings
        apis = {}
        for shop in {shop for _, shop, _ in self._spool.groups() if shop}:
            queue = RequestQueue(RateLimiter(settings.rate_limit_share, settings.concurrency))
            apis[shop] = ShopApi(Client(settings.shops[shop], session, queue, slots, settings.max_retries))
        return apis

    async def _gate(self) -> None:
        """Block all further requests once the run must stop."""
        if self._applier is not None and self._applier.stopped():
            raise Stopped

    async def _until_signal(self, work: Coroutine[None, None, ResultT], grace: float = 0.0) -> ResultT | None:
        """Return the result of some work, None if a signal or too many rejected rows have ended it.

        Args:
            work: What to do.
            grace: Seconds that requests in flight may still take after a signal.
        """
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()
        stops_at, progress_at = inf, loop.time() + _PROGRESS_SECONDS
        while not task.done():
            await asyncio.wait([task], timeout=_POLL_SECONDS)
            now = loop.time()
            if self._stop.signal is not None:
                self._ledger.flush()  # whoever sends a signal may kill the process before the requests end
                if stops_at == inf:
                    stops_at = now + grace
                    logger.info("Stopping: no further request is sent.")
            if now >= stops_at or (self._stopped() and not self._in_flight()):
                task.cancel()
                with suppress(asyncio.CancelledError, Stopped, BaseExceptionGroup):
                    await task
                return None
            if now >= progress_at:
                progress_at = now + _PROGRESS_SECONDS
                self._log_progress()
        try:
            return task.result()
        except BaseExceptionGroup as group:
            raise _first(group) from None

    def _stopped(self) -> bool:
        return self._stop.signal is not None or (self._applier is not None and self._applier.stopped())

    def _in_flight(self) -> bool:
        return any(api.client.queue.in_flight for api in self._apis.values())

    async def _go(self, groups: Sequence[Group], apis: Mapping[str, ShopApi]) -> int:
        lines = plan_lines(groups)
        for line in lines:
            logger.info("%s", line)
        check_ledger(groups, self._settings)
        try:
            check_limits(groups, self._settings)
        except LimitExceeded as error:
            logger.error("%s Nothing was written.", error)  # noqa: TRY400 - a traceback could hold values
            return LIMIT_EXCEEDED
        return self._preview(groups) if self._settings.plan_only else await self._apply(groups, apis)

    def _preview(self, groups: Sequence[Group]) -> int:
        """Report what would be written."""
        items = [item for group in groups for item in group.items]
        for item in items:
            self._report.add(item)
        if self._show is not None:
            self._show("\n".join([*plan_lines(groups), *launch_lines(items)]))
        reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for item in items:
            if item.status is not Status.PLANNED:
                reasons[item.stream][item.reason] += 1
        log_reasons(reasons)
        log_list_errors(groups)
        return 1 if reasons else 0

    async def _apply(self, groups: Sequence[Group], apis: Mapping[str, ShopApi]) -> int:
        """Write what was planned."""
        for one in (one for group in groups for one in group.confirmed):
            self._ledger.done(one.row, one.scope, one.content, by_id=one.by_id)
        self._ledger.flush()
        items = [item for group in groups for item in group.items]
        release = StateRelease(self._spool.state_lines(), [item.first_line for item in items])
        limit = RejectionLimit(self._settings.max_rejected_share)
        hold = self._settings.hold_rejected
        results = self._results = Results(release, self._report, limit, self._write_state, hold_rejected=hold)
        results.add_all(item for item in items if item.status is not Status.PLANNED)
        results.release()
        self._settled = self._count()
        self._applier = Applier(
            groups, apis, self._ledger, results, self._settings, lambda: self._stop.signal is not None
        )
        self._total = sum(item.status is Status.PLANNED for item in items)
        await self._until_signal(self._applier.run(), _GRACE_SECONDS)
        self._applier.hold_rest()
        self._ledger.flush()
        log_results(results)
        log_list_errors(groups)
        return self._finish(self._applier, results)

    def _finish(self, applier: Applier, results: Results) -> int:
        """Log why the run is not complete, and return the exit code."""
        for name, writer in applier.writers.items():
            for stream, error in writer.stream_errors.items():
                log_api_error(name, stream, error)
            if writer.error is not None:
                log_api_error(name, "", writer.error)
        if results.limit.exceeded:
            share = f"{self._settings.max_rejected_share:.0%}"
            logger.error("Stopped: more than %s of the rows were rejected (`max_rejected_share`).", share)
        if self._stop.signal is not None:
            return self._log_stop()
        return 0 if results.settled else 1

    def _write_state(self, line: int) -> None:
        self._ledger.flush()
        self._emit_state(self._spool.state(line))

    def _log_progress(self) -> None:
        if self._results is None:
            logger.info("Planning: the lists of the API are being read.")
        else:
            done = self._count() - self._settled
            logger.info("Writing: %d of %s are done.", done, count(self._total, "row"))

    def _count(self) -> int:
        """Return how many rows are settled, those that the plan has settled among them."""
        counts = self._results.counts if self._results else {}
        return sum(one.total() for one in counts.values())

    def _log_stop(self) -> int:
        number = self._stop.signal or signal.SIGTERM
        logger.warning("Stopped by %s. The next run writes the rest.", signal.Signals(number).name)
        return 128 + number


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first exception of a group of tasks; all others follow from it, or are similar."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
