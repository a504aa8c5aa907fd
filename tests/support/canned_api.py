"""A loopback server for many shops: healthy, slow, silent, or rejecting the token."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from contextlib import suppress
from email.utils import formatdate
from typing import Self

_SLOW_SECONDS = 1.5


def kind_of(shop: int) -> str:
    """Return how a shop's host behaves: of twenty, one is silent, one slow, one rejects the token."""
    return {0: "silent", 1: "slow", 2: "refusing"}.get(shop % 20, "healthy")


def token_of(shop: int) -> str:
    """Return the token of a shop."""
    return f"copt_test_{shop:08}"


class CannedApi:
    """Serves one page of one row for every list. Silent shops never get a response.

    Attributes:
        requests: Number of requests by shop.
    """

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.url = f"http://127.0.0.1:{starting.result(10)}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _stop(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                writer.write(await self._response(head))
                await writer.drain()
        writer.close()
        self._connections.discard(task)

    async def _response(self, head: str) -> bytes:
        shop = int(head.split("copt_test_")[1][:8])
        self.requests[shop] += 1
        kind = kind_of(shop)
        if kind == "silent":
            await asyncio.Event().wait()
        if kind == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        if kind == "refusing":
            return _message(401, {"error": {"code": "unauthenticated", "message": "", "request_id": "req_1"}})
        row = {
            "id": f"row_{shop}",
            "attributes": {"updated_at": "2026-01-02T03:04:05Z", "date": "2026-01-02"},
        }
        return _message(200, {"data": [row], "pagination": {"next_cursor": None, "has_next": False}})


def _message(status: int, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Date: {formatdate(usegmt=True)}\r\nX-RateLimit-Limit: 6000\r\n\r\n"
    )
    return head.encode() + body
