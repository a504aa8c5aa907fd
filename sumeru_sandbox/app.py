"""The API as an ASGI application on Starlette."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from sumeru_sandbox import control, routes
from sumeru_sandbox.messages import Answer, Request

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.types import Receive, Scope, Send

    from sumeru_sandbox.api import Api


class Endpoint:
    """Everything under `/api/v1`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(
            scope["method"],
            scope["path"].removeprefix(routes.PREFIX),
            scope["query_string"].decode("latin-1"),
            headers,
            b"" if scope["method"] in {"GET", "HEAD"} else await _body(receive),
        )
        answer = self._api.answer(request)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        await _send(send, answer)


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _openapi(_request: HttpRequest) -> JSONResponse:
    from sumeru_sandbox.openapi import document  # noqa: PLC0415 - only those who ask for it pay for it

    return JSONResponse(document())


def application(api: Api) -> Starlette:
    """The whole server."""
    return Starlette(
        routes=[
            Mount(routes.PREFIX, Endpoint(api)),
            Mount("/_sandbox", control.application(api)),
            Route("/openapi.json", _openapi),
        ]
    )
