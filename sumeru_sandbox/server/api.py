"""The API without a network: authenticates, limits and answers one request at a time."""

from __future__ import annotations

import threading
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sumeru_sandbox.faults.response_faults import FaultSchedule, faulty_response
from sumeru_sandbox.faults.switches import Settings, Switches
from sumeru_sandbox.server import query as queries
from sumeru_sandbox.server import routes, writes
from sumeru_sandbox.server.accounts import Accounts, Token
from sumeru_sandbox.server.charsets import in_charset
from sumeru_sandbox.server.limits import Limiter, RateLimitStatus
from sumeru_sandbox.server.page_cache import PageCache
from sumeru_sandbox.server.rendering import Renderer, encode
from sumeru_sandbox.server.request_stats import RequestStats
from sumeru_sandbox.server.shop import Shop
from sumeru_sandbox.server.write_calls import WriteCalls
from sumeru_sandbox.spec.messages import ApiError, Request, Response
from sumeru_sandbox.world.generated_shop import GeneratedShop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sumeru_sandbox.server.options import Options
    from sumeru_sandbox.server.write_log import WriteLog
    from sumeru_sandbox.world.clock import Clock

_CACHE_BYTES = 256 * 2**20
_CACHED_FOR = 40
_GOLDEN_RATIO = 0.618034  # the fractions of its multiples are spread evenly between 0 and 1
_JSON = {"Content-Type": "application/json"}


class Api:
    """Answers requests, one at a time."""

    def __init__(
        self, options: Options, clock: Clock, settings: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.accounts = Accounts(options.shops, options.seed, options.plan, options.rate_limit)
        self.settings = Settings(options.shops, settings or {})
        self.limiter = Limiter(clock.time)
        self.stats = RequestStats()
        self._has_live_events = options.live > 0
        self._faults = FaultSchedule()
        self._writes = WriteCalls(clock.time, self._error_response)
        now = options.data_end(clock.time())
        self.shops = {
            shop: Shop(
                GeneratedShop(
                    shop,
                    options.customers,
                    options.seed,
                    now,
                    options.plan,
                    self.accounts.limit,
                    journeys=options.journeys,
                ),
                clock,
                options.seed,
                options.live,
            )
            for shop in options.shops
        }
        self._cache = PageCache(_CACHE_BYTES)
        self._request_numbers = count(1)
        self._jitter = count(0, _GOLDEN_RATIO)

    def reset(self) -> None:
        """Restore the initial settings and rows, and clear all counters; the clock keeps running."""
        self.settings.reset()
        self.limiter.reset()
        self.stats.reset()
        self._faults.reset()
        self._writes.reset()
        self._cache.clear()
        for shop in self.shops.values():
            shop.reset()

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Change switches."""
        self.settings.update(settings)
        self._faults.reset()

    def advance(self, seconds: float) -> None:
        """Move the clock forward, and apply the live events that become due."""
        self.clock.advance(seconds)
        self.catch_up()

    def catch_up(self) -> None:
        """Apply all live events that are due."""
        for shop in self.shops.values() if self._has_live_events else ():
            shop.live_events.catch_up()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of rows, by shop and stream."""
        self.catch_up()
        return {
            name: {stream: shop.store.count(stream) for stream in shop.store.generated.counts}
            for name, shop in self.shops.items()
        }

    def truth(self, shop: str, stream: str) -> Iterator[dict[str, Any]]:
        """Yield all rows of a stream as flat objects."""
        self.catch_up()
        store = self.shops[shop].store
        return ({"id": store.row_id(stream, index), **row} for index, row in store.rows(stream))

    def writes(self) -> WriteLog:
        """Return the log of the writes that were applied."""
        return self._writes.log

    def begin(self, request: Request) -> float:
        """Return the seconds for which a write is in progress; `answer` must follow with it begun."""
        with self.lock:
            token, switches = self._switches_of(request)
            return self._writes.begin(request, token, switches) if token else 0

    def cut(self, request: Request) -> None:
        """Discard a write whose client disconnected during the body, or apply the part that arrived."""
        with self.lock:
            if self._switches_of(request)[1].cut_bodies == "kept":
                self.answer(request)

    def _switches_of(self, request: Request) -> tuple[Token | None, Switches]:
        token = self.accounts.find(request.headers.get("authorization"))
        try:
            stream = routes.find(request.method, request.path).operation.stream
        except ApiError:
            return None, Switches()
        return token, self.settings.switches_for(token.shop if token else "", stream)

    def answer(self, request: Request) -> Response:
        """Return the response to a request under `/api/v1`."""
        with self.lock:
            self.catch_up()
            token = self.accounts.find(request.headers.get("authorization"))
            call: routes.Call | ApiError
            try:
                call = routes.find(request.method, request.path)
            except ApiError as error:
                call = error
            stream = call.operation.stream if isinstance(call, routes.Call) else ""
            switches = self.settings.switches_for(token.shop if token else "", stream)
            limit_status = self._charge_rate_limit(token, call, request, switches)
            try:
                response = self._checked_response(request, call, token, switches, limit_status)
            except ApiError as error:
                response = self._error_response(error)
            if token and request.begun:
                self._writes.end(request, token)
            if token:
                self.stats.record(token.shop, stream, request.query, response.status, request.method)
            return self._with_common_headers(response, switches, limit_status)

    def _charge_rate_limit(
        self, token: Token | None, call: routes.Call | ApiError, request: Request, switches: Switches
    ) -> RateLimitStatus:
        holder, limit = (token.text, token.limit) if token else ("", self.accounts.limit)
        if not limit:
            return RateLimitStatus(0, 0, 0)
        if token and switches.rate_limit == "per_shop":
            holder = token.shop
        bulk = isinstance(call, routes.Call) and call.operation.kind == "bulk"
        return self.limiter.take(holder, limit, writes.cost(request.body) if bulk else 1)

    def _checked_response(
        self,
        request: Request,
        call: routes.Call | ApiError,
        token: Token | None,
        switches: Switches,
        limit_status: RateLimitStatus,
    ) -> Response:
        """Check token and rate limit, then return the normal response or the fault that is due.

        Raises:
            ApiError: If the request is refused.
        """
        if token is None:
            raise ApiError(401, "a valid token is required: Authorization: Bearer copt_…")
        if limit_status.retry_after is not None:
            wait = limit_status.retry_after
            raise ApiError(429, f"Too many requests; retry after {wait}s", retry_after=wait)
        if isinstance(call, ApiError):
            raise call
        fault = self._faults.next_fault(token.shop, call.operation.stream, switches, request.method)

        def respond() -> Response:
            return self._normal_response(request, call, token, switches)

        return faulty_response(fault, request, respond) if fault else respond()

    def _normal_response(
        self, request: Request, call: routes.Call, token: Token, switches: Switches
    ) -> Response:
        """Return the response to a request that meets no fault."""
        scope = call.operation.scope
        if scope is not None and scope not in token.scopes:
            raise ApiError(403, f"the token lacks the scope {scope}", scope=scope)
        shop = self.shops[token.shop]
        if request.method == "GET":
            return Response(200, dict(_JSON), self._read(request, call, shop, switches))
        return self._writes.respond(request, call, token, shop, switches)

    def _read(self, request: Request, call: routes.Call, shop: Shop, switches: Switches) -> bytes:
        if switches.cursor_expires_every:
            cursor = dict(parse_qsl(request.query)).get("cursor")
            if cursor is not None:
                name = shop.store.generated.shop
                self._faults.check_cursor(name, call.operation.stream, cursor, switches)
        version = (shop.store.generated.shop, shop.store.version, self.settings.generation)
        key = (*version, request.path, request.query)
        body = self._cache.get(key)
        if body is None:
            body = self._render(request, call, shop, switches)
            self._cache.put(key, body)
        return body

    def _render(self, request: Request, call: routes.Call, shop: Shop, switches: Switches) -> bytes:
        stream, row_id = call.operation.stream, call.row_id
        parent = None
        if call.parent and row_id is not None:
            found = shop.store.find(call.parent, row_id)
            if found is None:
                raise _not_found(row_id)
            fault = switches.bad_parents
            if fault is not None and found[0] % fault.every == 0:
                raise ApiError(fault.status, f"made to fail with {fault.status}")
            parent = ("journey_id" if call.parent == "journeys" else "customer_id", row_id)
        listing = call.operation.kind == "list"
        query = queries.parse(stream, parent, request.query, listing=listing, fields=switches.fields)
        renderer = Renderer(shop.store, shop.listing, query, switches)
        if not listing:
            found = shop.store.find(stream, row_id or "")
            if found is None:
                raise _not_found(row_id)
            return renderer.single(*found)
        if stream == "usage" and switches.usage == "object":
            return renderer.single(*shop.store.last_row(stream))
        return renderer.page(shop.listing.page(query, switches))

    def _error_response(self, error: ApiError) -> Response:
        headers = dict(_JSON)
        if "retry_after" in error.details:
            headers["Retry-After"] = str(error.details["retry_after"])
        if "allow" in error.details:
            headers["Allow"] = error.details["allow"]
        request_id = f"req_{next(self._request_numbers):012}"
        return Response(error.status, headers, encode(error.body(request_id)))

    def _with_common_headers(
        self, response: Response, switches: Switches, limit_status: RateLimitStatus
    ) -> Response:
        """Add the headers that every response has, and the delay that the switches set."""
        response = in_charset(response, switches.charset)
        headers = response.headers
        headers["X-Sumeru-Stability"] = "stable"
        offset = switches.clock_offset_s
        if switches.date_header == "present":
            headers["Date"] = formatdate(int(self.clock.time()) + offset, usegmt=True)
        if switches.rate_headers != "absent" and limit_status.limit:
            cached = switches.rate_headers == "cached"
            if cached:
                headers |= {"X-Cache": "HIT", "Age": str(_CACHED_FOR)}
            remaining = 0 if cached or response.status == 429 else limit_status.remaining  # noqa: PLR2004 - an HTTP status
            numbers = (limit_status.limit, remaining, limit_status.reset + offset)
            for name, number in zip(("Limit", "Remaining", "Reset"), numbers, strict=True):
                garbage = switches.rate_headers == "garbage"
                headers[f"X-RateLimit-{name}"] = "soon" if garbage else str(number)
        delay_ms = switches.latency_ms + switches.jitter_ms * (next(self._jitter) % 1.0)
        return response._replace(delay=delay_ms / 1000) if delay_ms else response


def _not_found(row_id: str | None) -> ApiError:
    return ApiError(404, f"there is no {row_id}")
