"""HTTP servers on loopback that follow a script, for tests of the session."""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, ParamSpec, Self

import pytest

from sumeru_api.session import Session, TransportError, UntrustedHostError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator, Mapping

P = ParamSpec("P")
HOST = "api.example.test"
HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nX-RATELIMIT-limit: 600\r\n"
BODY = b'{"data": []}' * 100


class Then(Enum):
    """What a server does instead of sending bytes."""

    CLOSE = "close the connection"
    RESET = "reset the connection"
    HANG = "do nothing more"


Part = bytes | float | Then | Callable[[], object]
"""Bytes to send, seconds to wait, what to do, or a function to call."""
Answer = Sequence[Part]


def ok(body: bytes = BODY, *headers: str, status: str = "200 OK") -> Answer:
    """Return an answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return ["\r\n".join(lines).encode() + body]


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def limited() -> None:
            async with asyncio.timeout(60):
                await test(*args, **kwargs)

        asyncio.run(limited())

    return run


class Server:
    """Sends the answers in order and repeats the last one.

    Attributes:
        requests: The head of each request.
        connections: Number of accepted connections.
        bodies: The body of each request.
    """

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.open = 0
        self._tls = tls
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http{'s' if self._tls else ''}://{host}:{self.port}"

    def header(self, name: str, which: int = -1) -> str | None:
        """Return a header of a request."""
        for line in self.requests[which].split("\r\n")[1:]:
            found, _, value = line.partition(": ")
            if found.lower() == name.lower():
                return value
        return None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self.open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        length = self.header("Content-Length")
        self.bodies.append(await reader.readexactly(int(length)) if length else b"")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for part in answer:
            if isinstance(part, bytes):
                writer.write(part)
                for _ in range(3):  # lets the client read this part by itself
                    await asyncio.sleep(0)
            elif isinstance(part, float):
                await asyncio.sleep(part)
            elif part is Then.HANG:
                await reader.read()
                return False
            elif isinstance(part, Then):
                if part is Then.RESET:
                    reset(writer)
                return False
            else:
                part()
        return True


def reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def session(
    headers: Mapping[str, str] | None = None, read_timeout: float = 10, **options: int
) -> AsyncIterator[Session]:
    """Open a session and close it."""
    made = Session(headers or {}, read_timeout, **options)
    try:
        yield made
    finally:
        await made.close()


@contextmanager
def fails(why: str, kind: type[TransportError | UntrustedHostError] = TransportError) -> Iterator[None]:
    """Expect an error with exactly this reason."""
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.reason == why
