"""An API that refuses every write and quotes the request in each member of the error."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from typing_extensions import override


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: EchoingApi

    def do_GET(self) -> None:
        self._answer(200, {"data": self.api.rows, "pagination": {"has_next": False, "next_cursor": None}})

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.api.bodies.append(body)
        quoted = f"cannot write {body} to {self.path}"
        error = {
            "code": body[:80],
            "message": quoted,
            "details": {"field": body, "value": body, quoted: quoted},
            "request_id": body[:60],
        }
        self._answer(self.api.status, {"error": error})

    do_POST = do_PATCH  # noqa: N815 - a name that `http.server` requires

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class EchoingApi:
    """The API, in a thread of its own inside a `with` block.

    Args:
        status: HTTP status of the response to a write.
        rows: The rows of every list.

    Attributes:
        url: Its address.
        bodies: The bodies of all writes.
    """

    def __init__(self, status: int = 422, rows: list[Any] | None = None) -> None:
        self.status = status
        self.rows = rows or []
        self.bodies: list[str] = []
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
