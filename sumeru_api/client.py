"""Client of one shop: sends a request when its turn comes, and repeats it as the decision table says."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

from sumeru_api.auth import authorization
from sumeru_api.charset import to_utf8
from sumeru_api.embedded_errors import EmbeddedError
from sumeru_api.json_values import UndecodableError
from sumeru_api.redaction import is_known, mask_name
from sumeru_api.request_counts import RequestCounts, template
from sumeru_api.responses import Page, Response, read_page, read_resource
from sumeru_api.retry import TOO_MANY_REQUESTS, Fail, Outcome, Retries, Retry
from sumeru_api.session import TransportError, UntrustedHostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_api.request_queue import RequestQueue
    from sumeru_api.session import RawResponse, Session
    from sumeru_api.shop import Shop
    from sumeru_api.slots import Slots

logger = logging.getLogger(__name__)

_PREFIX = "/api/v1/"
_PRIVATE_PARAMS = ("filter[", "cursor")
_LONG_WAIT = 60.0
"""Seconds: a pause from which on a line says so."""
_WAITING = "Shop %s: %s: the rate limit refused the request; waiting for %.0f s."

Params = tuple[tuple[str, str], ...]
ResultT = TypeVar("ResultT")


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
        last_try: tuple[Params, Callable[[Response], ResultT]] | None = None,
    ) -> ResultT:
        """Return what a GET request leads to, once it has succeeded.

        Args:
            path: Path under `/api/v1`.
            params: Query parameters.
            parse: Reads a 2xx response; raises `UndecodableError` if it is not JSON, which is retried.
            stream: Name of the stream, for the log and the counts.
            retry: Returns whether a response that is not a success is worth a retry.
            max_retries: Retries of this request, None for as many as usual.
            last_try: Parameters and parser to use for the last retry, if no response has come until then.

        Raises:
            ApiError: The request failed for good.
        """
        retries: Retries | None = None
        while True:
            outcome = await self._send(path, params, stream, 0 if retries is None else retries.refusals)
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
                    params, parse = last_try
                continue
            await self._sit_out(stream, decision.after)

    async def _sit_out(self, stream: str, seconds: float) -> None:
        if seconds >= _LONG_WAIT:
            logger.info(_WAITING, self.shop.name, stream, seconds)
        await self.queue.sit_out(seconds)

    def _log_retry(self, stream: str, retry: Retry) -> None:
        self.queue.retrying(retry.after)
        seconds = round(retry.after)
        when = f" in {seconds} s" if seconds > 1 else ""
        logger.info("Shop %s: %s: %s; retrying%s.", self.shop.name, stream, retry.cause, when)

    async def _send(self, path: str, params: Params, stream: str, refusals: int) -> Outcome:
        """Send a request once, and let the rate limiter learn from what comes of it."""
        started_at = await self.queue.turn(self._slots.ready)
        try:
            slot = await self._slots.acquire()
            try:
                raw = await self._session.get(self._base_url + path, params, self._authorization)
            finally:
                slot.release()
        except (TransportError, UntrustedHostError) as fault:
            self.queue.failed(started_at)
            logger.debug("Shop %s: GET %s: no response (%s).", self.shop.name, template(path), fault)
            return fault
        except BaseException:
            self.queue.cancelled()
            raise
        self._answered(path, stream, raw)
        if raw.status == TOO_MANY_REQUESTS:
            self.queue.refused_by_limit(raw.headers, started_at, refusals + 1)
        else:
            self.queue.answered(raw.headers)
        text = to_utf8(raw.body, raw.headers.get("Content-Type"))
        if text.unusable:
            self._warn_of_charset(text.unusable)
        return Response(raw.status, raw.headers, text.body, raw.elapsed, replaced=text.replaced)

    def _answered(self, path: str, stream: str, raw: RawResponse) -> None:
        self._counts[stream].add(raw.elapsed)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "Shop %s: GET %s: %d in %.0f ms, %d bytes.",
                self.shop.name,
                template(path),
                raw.status,
                1000 * raw.elapsed,
                len(raw.body),
            )

    def _warn_of_charset(self, charset: str) -> None:
        if not self._warned_of_charset:
            self._warned_of_charset = True
            logger.warning(
                "Shop %s: the API declares the charset %s, which is unknown or not that of its responses; "
                "they are read as UTF-8.",
                self.shop.name,
                mask_name(charset),
            )

    def _private_values(self, path: str, params: Params) -> tuple[str, ...]:
        """Return the values of a request that must not be shown, in case the response quotes them."""
        private = (value for name, value in params if name.startswith(_PRIVATE_PARAMS))
        ids = (unquote(part) for part in path.split("/"))
        return (self.shop.token, *private, *(part for part in ids if not is_known(part)))


def parse_page(
    response: Response, *, limit: int | None = None, bare: bool = False, first: bool = True
) -> Page:
    """Return the page in a 2xx response; see `read_page` for the arguments.

    Raises:
        UndecodableError: The body is not JSON.
        EmbeddedError: The body says that the request failed.
        UnexpectedResponse: The body breaks the API's own rules.
    """
    content, replaced = response.content()
    page = read_page(content, limit=limit, bare=bare, first=first, headers=response.headers)
    page.replaced = replaced
    return page


def parse_resource(response: Response) -> Page:
    """Return the page of one row in the 2xx response of a detail endpoint; raises as `parse_page` does."""
    content, replaced = response.content()
    page = read_resource(content)
    page.replaced = replaced
    return page


def default_headers(user_agent: str = "") -> dict[str, str]:
    """Return the headers of every request.

    Args:
        user_agent: What the user adds to the User-Agent.
    """
    own = f"tap-sumeru/{version('tap-sumeru')}"
    return {"User-Agent": f"{own} {user_agent}".strip(), "Accept": "application/json"}
