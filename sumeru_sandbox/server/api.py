"""The API without a network: from a request to an answer."""

from __future__ import annotations

import threading
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sumeru_sandbox.faults.response_faults import Faults, spoilt
from sumeru_sandbox.faults.switches import Settings, Switches
from sumeru_sandbox.server import query as queries
from sumeru_sandbox.server import routes, writes
from sumeru_sandbox.server.accounts import Accounts, Token
from sumeru_sandbox.server.idempotency import Idempotency
from sumeru_sandbox.server.limits import Limiter, Verdict
from sumeru_sandbox.server.listing import Listing
from sumeru_sandbox.server.query import Query
from sumeru_sandbox.server.rendering import PageCache, Renderer, encode
from sumeru_sandbox.server.request_stats import Stats
from sumeru_sandbox.spec.messages import Answer, Problem, Request, invalid
from sumeru_sandbox.world.generated_shop import World
from sumeru_sandbox.world.live_events import Live
from sumeru_sandbox.world.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sumeru_sandbox.server.options import Options
    from sumeru_sandbox.world.clock import Clock

_CACHE_BYTES = 256 * 2**20
_GOLDEN = 0.618034  # multiples of it spread evenly between whole numbers
_JSON = {"Content-Type": "application/json"}


class Shop:
    """One shop: its rows, and the lists of them."""

    def __init__(self, world: World, clock: Clock, seed: int, rate: float) -> None:
        self.store = Store(world, clock)
        self.listing = Listing(self.store)
        self.live = Live(self.store, seed, rate)


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
        self.stats = Stats()
        self._lively = options.live > 0
        self._faults = Faults()
        self._idempotency = Idempotency(clock.time)
        now = options.world_now(clock.time())
        self.shops = {
            shop: Shop(
                World(
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
        self._numbers = count(1)
        self._jitter = count(0, _GOLDEN)

    def reset(self) -> None:
        """Back to the beginning: settings, written rows, counters; only the clock goes on."""
        self.settings.reset()
        self.limiter.reset()
        self.stats.reset()
        self._faults.reset()
        self._idempotency.reset()
        self._cache.clear()
        for shop in self.shops.values():
            shop.store.reset()
            shop.live.reset()

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Set switches."""
        self.settings.update(settings)
        self._faults.reset()

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self.clock.advance(seconds)
        self.catch_up()

    def catch_up(self) -> None:
        """Let happen what is due by now."""
        for shop in self.shops.values() if self._lively else ():
            shop.live.catch_up()

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows there are, by shop and stream."""
        self.catch_up()
        return {
            name: {stream: shop.store.count(stream) for stream in shop.store.world.counts}
            for name, shop in self.shops.items()
        }

    def truth(self, shop: str, stream: str) -> Iterator[dict[str, Any]]:
        """All rows of a stream, flat."""
        self.catch_up()
        store = self.shops[shop].store
        return ({"id": store.ident(stream, index), **row} for index, row in store.rows(stream))

    def answer(self, request: Request) -> Answer:
        """The answer to a request under `/api/v1`."""
        with self.lock:
            self.catch_up()
            token = self.accounts.find(request.headers.get("authorization"))
            call: routes.Call | Problem
            try:
                call = routes.find(request.method, request.path)
            except Problem as problem:
                call = problem
            stream = call.operation.stream if isinstance(call, routes.Call) else ""
            switches = self.settings.of(token.shop if token else "", stream)
            verdict = self._spend(token, call, request)
            try:
                answer = self._admitted(request, call, token, switches, verdict)
            except Problem as problem:
                answer = self._refusal(problem)
            if token:
                self.stats.count(token.shop, stream, request.query, answer.status, request.method)
            return self._finished(answer, switches, verdict)

    def _spend(self, token: Token | None, call: routes.Call | Problem, request: Request) -> Verdict:
        text, limit = (token.text, token.limit) if token else ("", self.accounts.limit)
        if not limit:
            return Verdict(0, 0, 0)
        bulk = isinstance(call, routes.Call) and call.operation.kind == "bulk"
        return self.limiter.take(text, limit, writes.cost(request.body) if bulk else 1)

    def _admitted(
        self,
        request: Request,
        call: routes.Call | Problem,
        token: Token | None,
        switches: Switches,
        verdict: Verdict,
    ) -> Answer:
        """The answer to a request, if its token may make it."""
        if token is None:
            raise Problem(401, "a valid token is required: Authorization: Bearer copt_…")
        if verdict.retry_after is not None:
            wait = verdict.retry_after
            raise Problem(429, f"Too many requests; retry after {wait}s", retry_after=wait)
        if isinstance(call, Problem):
            raise call
        fault = self._faults.pick(token.shop, call.operation.stream, switches)
        if fault:
            return spoilt(fault, request, lambda: self._honest(request, call, token, switches))
        return self._honest(request, call, token, switches)

    def _honest(self, request: Request, call: routes.Call, token: Token, switches: Switches) -> Answer:
        scope = call.operation.scope
        if scope is not None and scope not in token.scopes:
            raise Problem(403, f"the token lacks the scope {scope}", scope=scope)
        shop = self.shops[token.shop]
        if request.method == "GET":
            return Answer(200, dict(_JSON), self._read(request, call, shop, switches))

        def write() -> Answer:
            try:
                return self._write(request, call, shop, switches)
            except Problem as problem:
                return self._refusal(problem)

        return self._idempotency.once(token.text, request, write)

    def _write(self, request: Request, call: routes.Call, shop: Shop, switches: Switches) -> Answer:
        operation, store, ident = call.operation, shop.store, call.ident or ""
        if request.query:
            name = parse_qsl(request.query, keep_blank_values=True)[0][0]
            raise invalid(name, "a write takes no parameters")
        match operation.kind:
            case "create":
                written = writes.create(store, operation.stream, request.body)
            case "launch":
                written = writes.launch(store, ident)
            case "bulk":
                written = writes.bulk(store, operation.stream, request.body)
            case _:
                written = writes.update(store, operation.stream, ident, request.body)
        rows = [found for name in written if (found := store.find(operation.stream, name))]
        renderer = Renderer(store, shop.listing, Query(operation.stream), switches)
        body = renderer.several(rows) if operation.kind == "bulk" else renderer.single(*rows[0])
        return Answer(201 if operation.kind == "create" else 200, dict(_JSON), body)

    def _read(self, request: Request, call: routes.Call, shop: Shop, switches: Switches) -> bytes:
        if switches.cursor_expires_every:
            cursor = dict(parse_qsl(request.query)).get("cursor")
            if cursor is not None:
                name, every = shop.store.world.shop, switches.cursor_expires_every
                self._faults.use_cursor(name, call.operation.stream, cursor, every)
        version = (shop.store.world.shop, shop.store.version, self.settings.generation)
        key = (*version, request.path, request.query)
        body = self._cache.get(key)
        if body is None:
            body = self._rendered(request, call, shop, switches)
            self._cache.put(key, body)
        return body

    def _rendered(self, request: Request, call: routes.Call, shop: Shop, switches: Switches) -> bytes:
        stream, ident = call.operation.stream, call.ident
        parent = None
        if call.parent and ident is not None:
            if shop.store.find(call.parent, ident) is None:
                raise _missing(ident)
            parent = ("journey_id" if call.parent == "journeys" else "customer_id", ident)
        listing = call.operation.kind == "list"
        query = queries.parse(stream, parent, request.query, listing=listing, fields=switches.fields)
        renderer = Renderer(shop.store, shop.listing, query, switches)
        if not listing:
            found = shop.store.find(stream, ident or "")
            if found is None:
                raise _missing(ident)
            return renderer.single(*found)
        if stream == "usage" and switches.usage == "object":
            return renderer.single(*shop.store.latest(stream))
        return renderer.page(shop.listing.page(query, switches))

    def _refusal(self, problem: Problem) -> Answer:
        headers = dict(_JSON)
        if "retry_after" in problem.details:
            headers["Retry-After"] = str(problem.details["retry_after"])
        if "allow" in problem.details:
            headers["Allow"] = problem.details["allow"]
        return Answer(problem.status, headers, encode(problem.body(f"req_{next(self._numbers):012}")))

    def _finished(self, answer: Answer, switches: Switches, verdict: Verdict) -> Answer:
        """An answer with the headers that every one carries, and as late as the settings want it."""
        headers = answer.headers
        headers["X-Sumeru-Stability"] = "stable"
        offset = switches.clock_offset_s
        if switches.date_header == "present":
            headers["Date"] = formatdate(int(self.clock.time()) + offset, usegmt=True)
        if switches.rate_headers != "absent" and verdict.limit:
            remaining = 0 if answer.status == 429 else verdict.remaining  # noqa: PLR2004
            numbers = (verdict.limit, remaining, verdict.reset + offset)
            for name, number in zip(("Limit", "Remaining", "Reset"), numbers, strict=True):
                garbage = switches.rate_headers == "garbage"
                headers[f"X-RateLimit-{name}"] = "soon" if garbage else str(number)
        late = switches.latency_ms + switches.jitter_ms * (next(self._jitter) % 1.0)
        return answer._replace(delay=late / 1000) if late else answer


def _missing(ident: str | None) -> Problem:
    return Problem(404, f"there is no {ident}")
