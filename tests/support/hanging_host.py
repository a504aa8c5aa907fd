"""Hosts that hang, drip or refuse connections."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Self

from typing_extensions import override


class HangingHost(ExitStack):
    """A host that accepts connections and sends one byte at a time, or nothing, until the `with` ends.

    Args:
        answer: The bytes to send.
    """

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__()
        self._answer = answer
        self._end = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]

    @override
    def __enter__(self) -> Self:
        self._threads[0].start()
        return super().__enter__()

    @override
    def __exit__(self, *_: object) -> None:
        self._end.set()
        with socket.create_connection(self._listener.getsockname()):
            self._threads[0].join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._end.is_set():
            connection, _ = self._listener.accept()
            self._threads.append(threading.Thread(target=self._drip, args=(connection,)))
            self._threads[-1].start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for byte in self._answer:
                connection.sendall(bytes([byte]))
                if self._end.wait(0.02):
                    return
            self._end.wait()


def refusing_url() -> str:
    """Return the URL of a port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"
