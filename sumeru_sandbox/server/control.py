"""The control endpoints, for local clients only: settings, clock, counters and the expected rows."""

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

    _Endpoint = Callable[[Request], Awaitable[Response]]

_ROWS_PER_CHUNK = 500


class Control:
    """The endpoints under `/_sandbox`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def shops(self, _request: Request) -> Response:
        """List the name, token, plan, limit and scopes of each shop."""
        return _json([
            {
                "name": token.shop,
                "token": token.text,
                "plan": token.plan,
                "limit": token.limit,
                "scopes": sorted(token.scopes),
            }
            for token in self._api.accounts.default_tokens.values()
        ])  # fmt: skip

    async def tokens(self, request: Request) -> Response:
        """Issue a token."""
        body = await _json_object(request)
        if body.get("shop") not in self._api.shops:
            raise ValueError(f"unknown shop {body.get('shop')!r}")
        with self._api.lock:
            token = self._api.accounts.issue(body["shop"], body.get("scopes"), body.get("plan"))
        return _json({"shop": token.shop, "token": token.text, "plan": token.plan, "limit": token.limit})

    async def settings(self, request: Request) -> Response:
        """Return the settings; PATCH changes them first."""
        if request.method == "PATCH":
            changes = await _json_object(request)
            with self._api.lock:
                self._api.configure(changes)
        return _json(self._api.settings.scopes)

    async def reset(self, _request: Request) -> Response:
        """Restore the initial settings and rows, and clear all counters."""
        with self._api.lock:
            self._api.reset()
        return _json({})

    async def advance(self, request: Request) -> Response:
        """Move the clock forward."""
        seconds = (await _json_object(request)).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise ValueError("seconds: must be a number, 0 or more")
        with self._api.lock:
            self._api.advance(seconds)
        return _json({"now": self._api.clock.time()})

    async def counts(self, _request: Request) -> Response:
        """Return the number of rows, by shop and stream."""
        with self._api.lock:
            return _json(self._api.counts())

    async def stats(self, _request: Request) -> Response:
        """Return the request counters and the latest queries."""
        with self._api.lock:
            return _json(self._api.stats.report())

    async def writes(self, _request: Request) -> Response:
        """Return the rows that writes have changed, counted, and one by one by shop."""
        with self._api.lock:
            log = self._api.writes()
            rows = {shop: [row._asdict() for row in log.rows(shop)] for shop in self._api.shops}
            return _json({"counts": log.counts(), "rows": rows})

    async def truth(self, request: Request) -> Response:
        """Stream all rows that the API should return, as flat objects, one per line."""
        shop, stream = request.path_params["shop"], request.path_params["stream"]
        if shop not in self._api.shops or stream not in self._api.shops[shop].store.generated.counts:
            return Response(status_code=404)
        return StreamingResponse(self._lines(shop, stream), media_type="application/x-ndjson")

    async def _lines(self, shop: str, stream: str) -> AsyncIterator[bytes]:
        lines: list[bytes] = []
        for row in self._api.truth(shop, stream):
            lines.append(encode(row) + b"\n")
            if len(lines) == _ROWS_PER_CHUNK:
                yield b"".join(lines)
                lines.clear()
        yield b"".join(lines)


def _json(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON value
    return Response(encode(body), status, media_type="application/json")


async def _json_object(request: Request) -> dict[str, Any]:
    return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])


def _reporting_errors(endpoint: _Endpoint) -> _Endpoint:
    """Wrap an endpoint so that invalid input returns status 422 with the reason."""

    async def reporting(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 422)

    return reporting


def application(api: Api) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the control endpoints; remote clients receive status 404."""
    control = Control(api)
    router = Router([
        Route("/shops", _reporting_errors(control.shops)),
        Route("/tokens", _reporting_errors(control.tokens), methods=["POST"]),
        Route("/settings", _reporting_errors(control.settings), methods=["GET", "PATCH"]),
        Route("/reset", _reporting_errors(control.reset), methods=["POST"]),
        Route("/advance", _reporting_errors(control.advance), methods=["POST"]),
        Route("/counts", _reporting_errors(control.counts)),
        Route("/stats", _reporting_errors(control.stats)),
        Route("/writes", _reporting_errors(control.writes)),
        Route("/truth/{shop}/{stream}", _reporting_errors(control.truth)),
    ])  # fmt: skip

    async def local_only(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client is None or not ipaddress.ip_address(client[0]).is_loopback:
            await Response(status_code=404)(scope, receive, send)
        else:
            await router(scope, receive, send)

    return local_only
