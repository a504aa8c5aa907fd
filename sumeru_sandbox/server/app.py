"""The API as an ASGI application on Starlette."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sumeru_sandbox.server import control, routes
from sumeru_sandbox.spec.messages import Answer, Request

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.types import Message, Receive, Scope, Send

    from sumeru_sandbox.server.api import Api


_PARTS = 10  # of a slow body


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, with the connection at hand so that an answer can be cut off."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sumeru.transport": {"transport": self.transport}}


class Endpoint:
    """Everything under `/api/v1`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless its client disconnects before the whole body has arrived."""
        body = b"" if scope["method"] in {"GET", "HEAD"} else await _body(receive)
        if body is None:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(
            scope["method"],
            scope["path"].removeprefix(routes.PREFIX),
            scope["query_string"].decode("latin-1"),
            headers,
            body,
        )
        answer = self._api.answer(request)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.fault:
            await _spoil(answer, scope["extensions"]["sumeru.transport"]["transport"], receive, send)
        else:
            await _send(send, answer)


async def _body(receive: Receive) -> bytes | None:
    """Read a request's body; None if the client disconnects before its end."""
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _start(answer: Answer) -> Message:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"content-length", b"%d" % len(answer.body)))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _send(send: Send, answer: Answer) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def _spoil(answer: Answer, transport: asyncio.Transport, receive: Receive, send: Send) -> None:
    """Give an answer late, or in part, or not at all."""
    if answer.fault == "slow":
        await send(_start(answer))
        step = len(answer.body) // _PARTS + 1
        for place in range(0, len(answer.body), step):
            await asyncio.sleep(answer.seconds / _PARTS)
            part = answer.body[place : place + step]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
        return
    if answer.fault == "truncate":
        await send(_start(answer))
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport.close()
    elif answer.fault == "hang":
        await asyncio.wait([asyncio.ensure_future(_gone(receive))], timeout=answer.seconds)
        transport.abort()
    else:
        transport.abort()
    # Uvicorn takes an answer for unfinished, and complains, until it knows that the connection is gone.
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _openapi(_request: HttpRequest) -> JSONResponse:
    from sumeru_sandbox.spec.openapi_document import document  # noqa: PLC0415 - only those who ask for it pay for it

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
