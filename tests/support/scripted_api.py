"""A loopback API whose responses a test decides, request by request."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
END: Json = {"next_cursor": None, "has_next": False}


@dataclass
class Request:
    """A request: path under `/api/v1`, parameters, token, and how often the path was requested."""

    path: str
    params: dict[str, str]
    token: str
    number: int


@dataclass
class Reply:
    """A response; a body that is neither text nor bytes is sent as JSON."""

    body: object = field(default_factory=lambda: {"data": [], "pagination": END})
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def row(number: int, **attributes: Any) -> Json:
    """Return a row of any stream."""
    return {"id": f"row_{number}", "attributes": {"updated_at": "2026-05-10T00:00:00Z", **attributes}}


class ScriptedApi:
    """Serves what a function returns for each request.

    Args:
        script: Returns the response to a request.

    Attributes:
        requests: All requests, in order.
    """

    def __init__(self, script: Callable[[Request], Reply]) -> None:
        self.requests: list[Request] = []
        counts: Counter[str] = Counter()
        lock = threading.Lock()
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                path = url.path.removeprefix("/api/v1/")
                token = self.headers["Authorization"].removeprefix("Bearer ")
                with lock:
                    counts[path] += 1
                    request = Request(path, dict(parse_qsl(url.query)), token, counts[path])
                    requests.append(request)
                reply = script(request)
                text = reply.body if isinstance(reply.body, str | bytes) else json.dumps(reply.body)
                body = text if isinstance(text, bytes) else text.encode()
                self.send_response_only(reply.status)
                headers = {"Date": formatdate(usegmt=True), "Content-Length": str(len(body))}
                for name, value in {**headers, **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # a run may end before it has read all of its responses
                    self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
