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
from sumeru_sandbox.spec.messages import Request, Response

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.types import Message, Receive, Scope, Send

    from sumeru_sandbox.server.api import Api


_READS = {"GET", "HEAD"}
_CHUNKS = 10  # into which a slow response is divided


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, extended so that faults can close the connection."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sumeru.transport": {"transport": self.transport}}


class ApiEndpoint:
    """The ASGI endpoint of all paths under `/api/v1`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless its client disconnects before the whole body has arrived."""
        body, whole = (b"", True) if scope["method"] in _READS else await _body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(
            scope["method"],
            scope["path"].removeprefix(routes.PREFIX),
            scope["query_string"].decode("latin-1"),
            headers,
            body,
        )
        if not whole:
            self._api.cut(request)
            return
        if request.method not in _READS and (seconds := self._api.begin(request)):
            await asyncio.sleep(seconds)
            request = request._replace(begun=True)
        response = self._api.answer(request)
        if response.delay:
            await asyncio.sleep(response.delay)
        if response.fault:
            await _send_faulty(response, scope["extensions"]["sumeru.transport"]["transport"], receive, send)
        else:
            await _send(send, response)


async def _body(receive: Receive) -> tuple[bytes, bool]:
    """Read a request's body; return it, and whether it is whole: the client may disconnect before its end."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts), False
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts), True


def _response_start(response: Response) -> Message:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", b"%d" % len(response.body)))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _send(send: Send, response: Response) -> None:
    await send(_response_start(response))
    await send({"type": "http.response.body", "body": response.body})


async def _send_faulty(
    response: Response, transport: asyncio.Transport, receive: Receive, send: Send
) -> None:
    """Send a response slowly or in part, or close the connection instead."""
    if response.fault == "slow":
        await send(_response_start(response))
        step = len(response.body) // _CHUNKS + 1
        for start in range(0, len(response.body), step):
            await asyncio.sleep(response.seconds / _CHUNKS)
            part = response.body[start : start + step]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
        return
    if response.fault == "truncate":
        await send(_response_start(response))
        half = response.body[: len(response.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport.close()
    elif response.fault == "hang":
        await asyncio.wait([asyncio.ensure_future(_wait_for_disconnect(receive))], timeout=response.seconds)
        transport.abort()
    else:
        transport.abort()
    # Until Uvicorn notices the disconnect, it reports the response as incomplete.
    await _wait_for_disconnect(receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _openapi(_request: HttpRequest) -> JSONResponse:
    # Imported on demand: few runs serve the document.
    from sumeru_sandbox.spec.openapi_document import document  # noqa: PLC0415 - see above

    return JSONResponse(document())


def application(api: Api) -> Starlette:
    """Return the whole server: the API, the control endpoints and the OpenAPI document."""
    return Starlette(
        routes=[
            Mount(routes.PREFIX, ApiEndpoint(api)),
            Mount("/_sandbox", control.application(api)),
            Route("/openapi.json", _openapi),
        ]
    )
