"""Client of one shop: sends each request when the rate limit allows it, and retries as `retry.py` decides."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import unquote

from sumeru_api.auth import authorization
from sumeru_api.charset import to_utf8
from sumeru_api.embedded_errors import EmbeddedError
from sumeru_api.errors import ApiError, OutcomeUnknown
from sumeru_api.json_values import UndecodableError, scalars
from sumeru_api.redaction import is_known, mask_name
from sumeru_api.request_counts import RequestCounts, template
from sumeru_api.responses import Response, check_written
from sumeru_api.retry import Fail, Outcome, Retries, Retry, WriteRetries, is_rate_limited
from sumeru_api.session import TransportError, UntrustedHostError
from sumeru_api.write_doubt import Doubt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sumeru_api.request_queue import RequestQueue
    from sumeru_api.session import RawResponse, Session
    from sumeru_api.shop import Shop
    from sumeru_api.slots import Slots

logger = logging.getLogger(__name__)

_PREFIX = "/api/v1/"
_PRIVATE_PARAMS = ("filter[", "cursor")
_LONG_WAIT = 60.0
"""Pauses of this many seconds or more are logged."""
_WAITING = "Shop %s: %s: the rate limit refused the request; waiting for %.0f s."

Params = tuple[tuple[str, str], ...]
ResultT = TypeVar("ResultT")


class _Request(NamedTuple):
    """One request, which may be sent several times.

    Attributes:
        method: HTTP method.
        path: Path under `/api/v1`.
        stream: Name of the stream, for the log and the counts.
        send: Sends it once.
        cost: How many requests it counts as in the rate limit.
    """

    method: str
    path: str
    stream: str
    send: Callable[[], Awaitable[RawResponse]]
    cost: int = 1

    def label(self) -> str:
        """Return how it is named in a log."""
        return f"{self.method} {template(self.path)}"


class Client:
    """The API of one shop.

    Args:
        shop: The shop.
        session: Sends the requests.
        queue: The requests of the shop's token.
        slots: Bounds the requests of all shops.
        max_retries: Retries of each request; waiting for the rate limit does not count.
        counts: Counts the requests, by stream.

    Attributes:
        shop: The shop.
        queue: The requests of the shop's token.
    """

    def __init__(
        self,
        shop: Shop,
        session: Session,
        queue: RequestQueue,
        slots: Slots,
        max_retries: int,
        counts: RequestCounts | None = None,
    ) -> None:
        self.shop = shop
        self.queue = queue
        self._session = session
        self._slots = slots
        self._max_retries = max_retries
        self._counts = RequestCounts() if counts is None else counts
        self._base_url = shop.api_url + _PREFIX
        self._authorization = authorization(shop)
        self._warned_of_charset = False

    async def get(
        self,
        path: str,
        params: Params,
        parse: Callable[[Response], ResultT],
        stream: str,
        *,
        retry: Callable[[], bool] = lambda: True,
        max_retries: int | None = None,
        last_try: Callable[[], tuple[Params, Callable[[Response], ResultT]]] | None = None,
    ) -> ResultT:
        """Send a GET request, with retries, and return its parsed response.

        Args:
            path: Path under `/api/v1`.
            params: Query parameters.
            parse: Reads a 2xx response; raises `UndecodableError` if it is not JSON, which is retried.
            stream: Name of the stream, for the log and the counts.
            retry: Returns whether a response that is not a success is worth a retry.
            max_retries: Retries of this request, None for as many as usual.
            last_try: Returns parameters and parser for the last retry, used if no try had a response.

        Raises:
            ApiError: The request failed for good.
        """
        retries: Retries | None = None
        while True:
            send = partial(self._session.get, self._base_url + path, params, self._authorization)
            request = _Request("GET", path, stream, send)
            outcome = await self._send(request, 0 if retries is None else retries.refusals)
            if isinstance(outcome, Response) and outcome.ok:
                try:
                    return parse(outcome)
                except UndecodableError:
                    pass  # the table has a line for it
                except EmbeddedError as error:
                    outcome.status = error.status
            if isinstance(outcome, Response):
                outcome.sent = self._private_values(path, params)
            retries = retries or Retries(self._max_retries if max_retries is None else max_retries)
            decision = retries.decide(outcome, self.queue.unanswered)
            if isinstance(decision, Fail):
                raise decision.error
            if isinstance(decision, Retry):
                if isinstance(outcome, Response) and not retry():
                    raise decision.error
                self._log_retry(stream, decision)
                await asyncio.sleep(decision.after)
                if decision.last and last_try is not None and not isinstance(outcome, Response):
                    params, parse = last_try()
                continue
            await self._sit_out(stream, decision.after)

    async def write(
        self,
        method: str,
        path: str,
        body: bytes,
        stream: str,
        *,
        idempotency_key: str | None,
        cost: int = 1,
        doubt: Doubt | None = None,
    ) -> Response:
        """Send a write; return its response: a success, or a refusal that the caller interprets.

        A retry has the same key and the same bytes. Without a key, the write is retried only if it cannot
        have been applied. `error_of` returns the masked code, message and request id of a refusal.

        Args:
            method: `POST` or `PATCH`.
            path: Path under `/api/v1`.
            body: JSON, or nothing. Its values are private: no log and no error shows them.
            stream: Name of the stream, for the log and the counts.
            idempotency_key: Names the write, so that the API applies it once.
            cost: What it counts as in the rate limit: the number of items of a bulk write, otherwise 1.
            doubt: Tells at any time whether the write may have been applied: a stop may end this anywhere.
                If it exists already, it stays.

        Raises:
            OutcomeUnknown: It may have been applied, but no answer says so.
            ApiError: It was not applied, for a reason that is not its content: 401, 402, 403, no connection.
        """
        url = self._base_url + path
        doubt = doubt or Doubt()
        earlier = doubt.exists

        async def send() -> RawResponse:
            doubt.exists = True
            return await self._session.write(method, url, body, self._authorization, idempotency_key)

        request = _Request(method, path, stream, send, cost)
        retries = WriteRetries(self._max_retries, has_key=idempotency_key is not None)
        private = (idempotency_key or "", *scalars(body))
        try:
            response = await self._settled(request, retries, private, doubt)
        except ApiError as error:
            if retries.in_doubt:
                raise OutcomeUnknown.after(error) from None
            raise
        response.in_doubt = retries.in_doubt
        doubt.exists = earlier or response.ok or retries.in_doubt
        return response

    async def _settled(
        self, request: _Request, retries: WriteRetries, private: tuple[str, ...], doubt: Doubt
    ) -> Response:
        earlier = doubt.exists
        while True:
            outcome = await self._send(request, retries.refusals)
            if isinstance(outcome, Response):
                outcome.sent = (*self._private_values(request.path), *private)
                if outcome.ok:
                    try:
                        check_written(outcome)
                    except UndecodableError:
                        pass  # the table has a line for it
                    except EmbeddedError as error:
                        outcome.status = error.status
                    else:
                        return outcome
                if retries.settled_by(outcome):
                    return outcome
            decision = retries.decide(outcome, self.queue.unanswered)
            doubt.exists = earlier or retries.in_doubt
            if isinstance(decision, Fail):
                raise decision.error
            if isinstance(decision, Retry):
                self._log_retry(request.stream, decision)
                await asyncio.sleep(decision.after)
            else:
                await self._sit_out(request.stream, decision.after)

    async def _sit_out(self, stream: str, seconds: float) -> None:
        if seconds >= _LONG_WAIT:
            logger.info(_WAITING, self.shop.name, stream, seconds)
        await self.queue.sit_out(seconds)

    def _log_retry(self, stream: str, retry: Retry) -> None:
        self.queue.retrying(retry.after)
        when = f" in {retry.after:.0f} s" if retry.after >= 1.5 else ""  # noqa: PLR2004 - "in 1 s" says nothing
        logger.info("Shop %s: %s: %s; retrying%s.", self.shop.name, stream, retry.cause, when)

    async def _send(self, request: _Request, refusals: int) -> Outcome:
        """Send a request once, and let the rate limiter learn from the outcome."""
        queue, cost = self.queue, request.cost
        started_at = await queue.turn(self._slots.ready, cost)
        try:
            slot = await self._slots.acquire()
            try:
                raw = await request.send()
            finally:
                slot.release()
        except (TransportError, UntrustedHostError) as fault:
            if isinstance(fault, TransportError) and fault.stale:
                queue.cancelled(cost)  # the host is not at fault
            else:
                queue.failed(started_at, cost)
            logger.debug("Shop %s: %s: no response (%s).", self.shop.name, request.label(), fault)
            return fault
        except BaseException:
            queue.cancelled(cost)
            raise
        self._answered(request, raw)
        text = to_utf8(raw.body, raw.headers.get("Content-Type"))
        self._warn_of_charset(text.unusable)
        response = Response(raw.status, raw.headers, text.body, raw.elapsed, replaced=text.replaced)
        if is_rate_limited(response):
            queue.refused_by_limit(raw.headers, started_at, refusals + 1, cost)
        else:
            queue.answered(raw.headers, cost)
        return response

    def _answered(self, request: _Request, raw: RawResponse) -> None:
        self._counts[request.stream].add(raw.elapsed)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "Shop %s: %s: %d in %.0f ms, %d bytes.",
                self.shop.name,
                request.label(),
                raw.status,
                1000 * raw.elapsed,
                len(raw.body),
            )

    def _warn_of_charset(self, charset: str) -> None:
        if charset and not self._warned_of_charset:
            self._warned_of_charset = True
            logger.warning(
                "Shop %s: the API declares the charset %s, which is unknown or not that of its responses; "
                "they are read as UTF-8.",
                self.shop.name,
                mask_name(charset),
            )

    def _private_values(self, path: str, params: Params = ()) -> tuple[str, ...]:
        """Return the values of a request that must not be shown, in case the response quotes them."""
        private = (value for name, value in params if name.startswith(_PRIVATE_PARAMS))
        ids = (unquote(part) for part in path.split("/"))
        return (self.shop.token, *private, *(part for part in ids if not is_known(part)))
