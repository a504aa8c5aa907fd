"""Cursor chains: page after page of one list, fetched in the pool's threads and handed on in order."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import backoff

from sumeru_api.client import Answer, Http, Params, RetriableError
from sumeru_api.errors import ApiError, ApiUnavailable, HostNotResponding, UnexpectedResponse
from sumeru_api.pagination import CursorHistory
from sumeru_api.rate_limiter import retry_after
from sumeru_api.responses import Page, Row, read_page, read_resource, row_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tap_sumeru.lanes import Lane, Pool
    from tap_sumeru.records.adaptive_decoder import DecodedPage

logger = logging.getLogger("tap-sumeru")

_LONGEST_BACKOFF = 60.0
_LONGEST_PAUSE = 900.0
"""A limit that asks to wait for longer, in seconds, is an error rather than a sync that seems to hang."""
_MOST_REFUSALS = 50
_QUEUE_POLL = 0.2
_GONE = (404, 410)
_LEAST_SILENCE = 3
"""Requests in a row that must stay without an answer, before a host counts as silent."""


@dataclass(eq=False, slots=True)
class Chain:
    """One list, read from its first page, or from a cursor, to its last.

    Attributes:
        path: Path under `/api/v1`.
        params: Query parameters, without the cursor.
        cursor: Cursor of the next page to ask for, or None for the first.
        decode: Returns the page in a body that holds nothing unexpected, and None for any other.
        details: Tells of a listed row whether it is to be completed from its own endpoint; None for no row.
        shop: Name of the shop, for the log.
        stream: Name of the stream, for the log: the path may hold the id of a row.
        owner: Whose chain it is; the fetching does not look at it.
        part: What it is to the owner; as above.
        cancelled: Set by the owner: what still comes is dropped.
    """

    path: str
    params: Params
    shop: str
    stream: str
    owner: Any
    part: Any
    cursor: str | None = None
    decode: Callable[[bytes], DecodedPage | None] | None = None
    details: Callable[[Row, Page], bool] | None = None
    cancelled: bool = False
    trail: CursorHistory = field(default_factory=CursorHistory)

    def query(self) -> Params:
        """Return the parameters of the next request."""
        return self.params if self.cursor is None else (*self.params, ("cursor", self.cursor))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page of a chain, and when it was asked for by the server's clock."""

    chain: Chain
    page: Page | DecodedPage
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """A chain that cannot go on.

    Attributes:
        chain: The chain.
        error: Why.
        cursor: Cursor of the page that was asked for.
        detail: Whether the request was for one resource, not for the list.
    """

    chain: Chain
    error: ApiError
    cursor: str | None
    detail: bool = False


class Fetcher:
    """Fetches chains, and hands their pages to the one who asks for `results`.

    Args:
        http: The connections.
        pool: The threads.
        max_retries: Tries after the first one, for each request.
        depth: Pages that may wait to be taken; the bound of the memory.
    """

    def __init__(self, http: Http, pool: Pool, max_retries: int, depth: int) -> None:
        self._http = http
        self._pool = pool
        self.max_retries = max_retries
        self._results: queue.SimpleQueue[Fetched | Failed] = queue.SimpleQueue()
        # What a semaphore would be, but one that costs no more than a queue.
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(depth):
            self._places.put(None)

    def start(self, lane: Lane, chain: Chain) -> None:
        """Begin to fetch a chain."""
        path, query = chain.path, chain.query()
        lane.submit(
            _Request(self, lane, chain, path, query, lambda answer: self._listed(lane, chain, answer))
        )

    def result(self) -> Fetched | Failed | None:
        """Return what comes next of any chain; None if nothing came for a moment."""
        try:
            result = self._results.get(timeout=_QUEUE_POLL)
        except queue.Empty:
            return None
        self._places.put(None)
        return result

    def once(self, lane: Lane, path: str, query: Params) -> Answer:
        """Ask once, and let the lane's governor learn from the answer."""
        with lane.request() as answered:
            answer = self._http.get(lane.shop, path, query)
            answered(answer.status, answer.headers)
        return answer

    def _listed(self, lane: Lane, chain: Chain, answer: Answer) -> None:
        raw = chain.decode(answer.body) if chain.decode and answer.ok else None
        page = raw or read_page(answer.content())
        if page.next_cursor is not None and chain.trail.repeats(page.next_cursor):
            raise UnexpectedResponse("the API gave a cursor for the second time")
        if chain.details is not None and isinstance(page, Page) and page.rows:
            _Details(self, lane, chain, page, answer.asked_at).start()
        else:
            self.deliver(lane, chain, page, answer.asked_at)

    def deliver(self, lane: Lane, chain: Chain, page: Page | DecodedPage, asked_at: datetime) -> None:
        """Hand a page on, then ask for the next one: pages of a chain stay in order."""
        self._put(Fetched(chain, page, asked_at))
        if page.next_cursor is not None and not chain.cancelled:
            chain.cursor = page.next_cursor
            self.start(lane, chain)

    def ask_detail(self, lane: Lane, chain: Chain, row_id: str, then: Callable[[Answer], None]) -> None:
        """Ask for one resource of a chain's list."""
        query = tuple((name, value) for name, value in chain.params if name in ("fields", "include"))
        path = f"{chain.path}/{quote(row_id, safe='')}"
        lane.submit(_Request(self, lane, chain, path, query, then, detail=True))

    def fail(self, chain: Chain, error: ApiError, *, detail: bool) -> None:
        """Say that a chain cannot go on."""
        self._put(Failed(chain, error, chain.cursor, detail))

    def _put(self, result: Fetched | Failed) -> None:
        while not (self._pool.stopped.is_set() or result.chain.cancelled):
            with suppress(queue.Empty):
                self._places.get(timeout=_QUEUE_POLL)
                self._results.put(result)
                return


class _Request:
    """One request, made as often as it takes and is allowed; what follows goes on in the same thread."""

    def __init__(
        self,
        fetcher: Fetcher,
        lane: Lane,
        chain: Chain,
        path: str,
        query: Params,
        then: Callable[[Answer], None],
        *,
        detail: bool = False,
    ) -> None:
        self._detail = detail
        self._fetcher = fetcher
        self._lane = lane
        self._chain = chain
        self._path = path
        self._query = query
        self._then = then
        self._attempts = 0
        self._refusals = 0

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._chain.cancelled

    def __call__(self) -> None:
        try:
            answer = self._fetcher.once(self._lane, self._path, self._query)
            if answer.limited:
                self._wait_out(answer)
            else:
                self._then(answer)
        except RetriableError as fault:
            self._try_again(fault)
        except ApiError as error:
            self._fetcher.fail(self._chain, error, detail=self._detail)
        except Exception as error:  # noqa: BLE001 - a thread that dies would leave the run waiting
            cause = f"the tap could not read the answer ({type(error).__name__})"
            self._fetcher.fail(self._chain, UnexpectedResponse(cause), detail=self._detail)

    def _wait_out(self, answer: Answer) -> None:
        self._refusals += 1
        pause = retry_after(answer.headers) or 0.0
        if pause > _LONGEST_PAUSE or self._refusals > _MOST_REFUSALS:
            raise ApiUnavailable(f"the rate limit asks to wait for {pause:.0f} s", status=answer.status)
        self._lane.submit(self)

    def _try_again(self, fault: RetriableError) -> None:
        self._attempts += 1
        tries = self._fetcher.max_retries + 1
        silence = self._lane.silence
        if silence >= max(tries, _LEAST_SILENCE):
            error: ApiError = HostNotResponding(f"{fault.error.cause} ({silence} requests in a row)")
        elif self._attempts == tries:
            error = fault.error.told(f"{fault.error.cause} ({self._attempts} tries)", ApiUnavailable)
        else:
            cause = fault.error.describe()
            logger.info("Shop %s: %s: %s; trying again.", self._chain.shop, self._chain.stream, cause)
            self._lane.submit(self, _delay(fault, self._attempts))
            return
        self._fetcher.fail(self._chain, error, detail=self._detail)


class _Details:
    """Completes the rows of a page from their own endpoint, then hands the page on."""

    def __init__(self, fetcher: Fetcher, lane: Lane, chain: Chain, page: Page, asked_at: datetime) -> None:
        self._fetcher = fetcher
        self._lane = lane
        self._chain = chain
        self._page = page
        self._asked_at = asked_at
        self._left = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        wanted = self._chain.details or (lambda *_: False)
        ids = {index: row_id(row) for index, row in enumerate(self._page.rows) if wanted(row, self._page)}
        asked = {index: one for index, one in ids.items() if one not in (None, ".", "..")}
        self._left = len(asked)
        if not asked:
            self._fetcher.deliver(self._lane, self._chain, self._page, self._asked_at)
        for index, one in asked.items():
            self._fetcher.ask_detail(self._lane, self._chain, str(one), partial(self._answered, index))

    def _answered(self, index: int, answer: Answer) -> None:
        try:
            full = read_resource(answer.content())
            self._page.rows[index] = _complete(self._page.rows[index], full)
        except ApiError as error:
            if error.status not in _GONE:  # what is gone since it was listed stays as the list gave it
                raise
        with self._lock:
            self._left -= 1
            done = self._left == 0
        if done:
            self._fetcher.deliver(self._lane, self._chain, self._page, self._asked_at)


def _complete(listed: dict[str, Any], full: dict[str, Any]) -> dict[str, Any]:
    """Return a row as its own endpoint gives it, with what only the list said of it."""
    row = {**listed, **full}
    for part in ("attributes", "relationships"):
        if isinstance(listed.get(part), dict) and isinstance(full.get(part), dict):
            row[part] = {**listed[part], **full[part]}
    return row


def _delay(fault: RetriableError, attempt: int) -> float:
    wait = backoff.full_jitter(min(_LONGEST_BACKOFF, 2.0 ** (attempt - 1)))
    asked = retry_after(fault.headers) or 0.0
    return max(wait, min(asked, _LONGEST_PAUSE))
