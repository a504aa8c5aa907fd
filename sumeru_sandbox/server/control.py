"""The control endpoints, for those on this machine: settings, clock, counters and the truth."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from sumeru_sandbox.server.rendering import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from sumeru_sandbox.server.api import Api

_ROWS_AT_ONCE = 500


class Control:
    """The endpoints under `/_sandbox`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def shops(self, _request: Request) -> Response:
        """Name, token, plan, limit and scopes of each shop."""
        return _json([
            {
                "name": token.shop,
                "token": token.text,
                "plan": token.plan,
                "limit": token.limit,
                "scopes": sorted(token.scopes),
            }
            for token in self._api.accounts.first.values()
        ])  # fmt: skip

    async def tokens(self, request: Request) -> Response:
        """Issue a token."""
        asked = await _object(request)
        if asked.get("shop") not in self._api.shops:
            raise ValueError(f"unknown shop {asked.get('shop')!r}")
        with self._api.lock:
            token = self._api.accounts.issue(asked["shop"], asked.get("scopes"), asked.get("plan"))
        return _json({"shop": token.shop, "token": token.text, "plan": token.plan, "limit": token.limit})

    async def settings(self, request: Request) -> Response:
        """Show the settings, or change them."""
        if request.method == "PATCH":
            changes = await _object(request)
            with self._api.lock:
                self._api.configure(changes)
        return _json(self._api.settings.scopes)

    async def reset(self, _request: Request) -> Response:
        """Go back to the beginning."""
        with self._api.lock:
            self._api.reset()
        return _json({})

    async def advance(self, request: Request) -> Response:
        """Move the clock on."""
        seconds = (await _object(request)).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise ValueError("seconds: a number, 0 or more, is expected")
        with self._api.lock:
            self._api.advance(seconds)
        return _json({"now": self._api.clock.time()})

    async def counts(self, _request: Request) -> Response:
        """How many rows there are, by shop and stream."""
        with self._api.lock:
            return _json(self._api.counts())

    async def stats(self, _request: Request) -> Response:
        """What was asked."""
        with self._api.lock:
            return _json(self._api.stats.report())

    async def truth(self, request: Request) -> Response:
        """All rows of a stream, flat, one a line."""
        shop, stream = request.path_params["shop"], request.path_params["stream"]
        if shop not in self._api.shops or stream not in self._api.shops[shop].store.world.counts:
            return Response(status_code=404)
        return StreamingResponse(self._lines(shop, stream), media_type="application/x-ndjson")

    async def _lines(self, shop: str, stream: str) -> AsyncIterator[bytes]:
        lines: list[bytes] = []
        for row in self._api.truth(shop, stream):
            lines.append(encode(row) + b"\n")
            if len(lines) == _ROWS_AT_ONCE:
                yield b"".join(lines)
                lines.clear()
        yield b"".join(lines)


def _json(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - whatever JSON can say
    return Response(encode(body), status, media_type="application/json")


async def _object(request: Request) -> dict[str, Any]:
    return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])


def _guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that says what is wrong with what it was given."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 422)

    return guarded


def application(api: Api) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The control endpoints; for anyone who is not on this machine there are none."""
    control = Control(api)
    router = Router([
        Route("/shops", _guarded(control.shops)),
        Route("/tokens", _guarded(control.tokens), methods=["POST"]),
        Route("/settings", _guarded(control.settings), methods=["GET", "PATCH"]),
        Route("/reset", _guarded(control.reset), methods=["POST"]),
        Route("/advance", _guarded(control.advance), methods=["POST"]),
        Route("/counts", _guarded(control.counts)),
        Route("/stats", _guarded(control.stats)),
        Route("/truth/{shop}/{stream}", _guarded(control.truth)),
    ])  # fmt: skip

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client is None or not ipaddress.ip_address(client[0]).is_loopback:
            await Response(status_code=404)(scope, receive, send)
        else:
            await router(scope, receive, send)

    return guarded
