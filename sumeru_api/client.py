"""Client of one shop: sends a request when its turn comes, and repeats it as the decision table says."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from sumeru_api.auth import authorization
from sumeru_api.json_values import UndecodableError, decode
from sumeru_api.responses import EmbeddedError, Page, Response, Row, read_page, read_resource
from sumeru_api.retry import TOO_MANY_REQUESTS, Fail, Outcome, Retries, Retry
from sumeru_api.session import TransportError, UntrustedHostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_api.request_queue import RequestQueue
    from sumeru_api.session import Session
    from sumeru_api.shop import Shop
    from sumeru_api.slots import Slots

logger = logging.getLogger(__name__)

_PREFIX = "/api/v1/"
_PRIVATE_PARAMS = ("filter[", "cursor")

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
    ) -> None:
        self.shop = shop
        self.queue = queue
        self._session = session
        self._slots = slots
        self._max_retries = max_retries
        self._base_url = shop.api_url + _PREFIX
        self._authorization = authorization(shop)

    async def get(
        self,
        path: str,
        params: Params,
        parse: Callable[[Response], ResultT],
        stream: str,
        *,
        max_retries: int | None = None,
        last_try: tuple[Params, Callable[[Response], ResultT]] | None = None,
    ) -> ResultT:
        """Return what a GET request leads to, once it has succeeded.

        Args:
            path: Path under `/api/v1`.
            params: Query parameters.
            parse: Reads a 2xx response; raises `UndecodableError` if it is not JSON, which is retried.
            stream: Name of the stream, for the log: the path may hold the id of a row.
            max_retries: Retries of this request, None for as many as usual.
            last_try: Parameters and parser to use for the last retry, if no response has come until then.

        Raises:
            ApiError: The request failed for good.
        """
        retries: Retries | None = None
        while True:
            outcome = await self._send(path, params)
            if isinstance(outcome, Response) and outcome.ok:
                try:
                    return parse(outcome)
                except UndecodableError:
                    pass  # the table has a line for it
                except EmbeddedError as error:
                    outcome.status = error.status
            if isinstance(outcome, Response):
                outcome.sent = self._private_values(params)
            retries = retries or Retries(self._max_retries if max_retries is None else max_retries)
            decision = retries.decide(outcome, self.queue.unanswered)
            if isinstance(decision, Fail):
                raise decision.error
            if isinstance(decision, Retry):
                logger.info("Shop %s: %s: %s; retrying.", self.shop.name, stream, decision.cause)
                await asyncio.sleep(decision.after)
                if decision.last and last_try is not None and not isinstance(outcome, Response):
                    params, parse = last_try

    async def _send(self, path: str, params: Params) -> Outcome:
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
            return fault
        except BaseException:
            self.queue.cancelled()
            raise
        if raw.status == TOO_MANY_REQUESTS:
            self.queue.refused_by_limit(raw.headers)
        else:
            self.queue.answered(raw.headers)
        return Response(*raw)

    def _private_values(self, params: Params) -> tuple[str, ...]:
        """Return the values of a request that must not be shown, in case the response quotes them."""
        private = (value for name, value in params if name.startswith(_PRIVATE_PARAMS))
        return (self.shop.token, *private)


def parse_page(response: Response, *, limit: int | None = None, bare: bool = False) -> Page:
    """Return the page in a 2xx response; see `read_page` for the arguments.

    Raises:
        UndecodableError: The body is not JSON.
        EmbeddedError: The body says that the request failed.
        UnexpectedResponse: The body breaks the API's own rules.
    """
    return read_page(decode(response.body), limit=limit, bare=bare)


def parse_resource(response: Response) -> Row:
    """Return the resource in a 2xx response; raises as `parse_page` does."""
    return read_resource(decode(response.body))


def default_headers(user_agent: str = "") -> dict[str, str]:
    """Return the headers of every request.

    Args:
        user_agent: What the user adds to the User-Agent.
    """
    own = f"tap-sumeru/{version('tap-sumeru')}"
    return {"User-Agent": f"{own} {user_agent}".strip(), "Accept": "application/json"}
