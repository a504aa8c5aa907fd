"""An API with canaries in every response, and a shop for each kind of failure.

The sandbox follows the documentation. This API puts private values also where they do not belong: into
headers, cursors, ids, error codes and names of fields.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

CANARIES = ("kanari", "5550100777", "010 0777", "010-0777", "0100777", "48713.55", "7130019")
"""Parts of every private value: a word, a phone number, an amount and a count."""

_PHRASE = (
    'no "Kanari Doe" <jane@kanari.example> +1 555 010 0777 or (555) 010-0777, 5550100777; '
    "'the kanari' is not “a kanari” nor «kanari», Kanari%20Doe has name=kanari; "
    "customer kanari doe, address: 1 kanari street, 48713.55"
)
_PAGES = 3
_STATUSES = {"401", "403", "404", "422", "500"}
SITUATIONS = (
    *sorted(_STATUSES),
    "good",
    "drift",
    "unknown",
    "429",
    "html",
    "truncated",
    "elsewhere",
    "same_host",
    "expired",
    "repeated",
    "not_an_object",
    "no_data",
)


def token(situation: str) -> str:
    """Return the token of the shop in a situation."""
    return f"copt_live_kanari_{situation}"


def _value(name: str, schema: dict[str, Any]) -> Any:
    kind = next((one for one in schema.get("type", ["string"]) if one != "null"), "string")
    if schema.get("format"):
        return "2026-05-01" if schema["format"] == "date" else "2026-05-01T10:00:00Z"
    plain = {"integer": 7130019, "number": 48713.55, "boolean": True}
    if kind in plain:
        return plain[kind]
    if kind == "array":
        return [_value(name, schema.get("items") or {})]
    if kind == "object":
        members = {member: _value(member, one) for member, one in schema.get("properties", {}).items()}
        return {**members, "kanari_member": f"kanari {name}"}
    return f"kanari {name} jane@kanari.example +15550100777"


def row(stream: str, number: int, situation: str) -> Any:
    """Return a row with a canary in every attribute."""
    if situation == "not_an_object":
        return f"kanari row {number}"
    properties = stream_schemas.load(stream)["properties"]
    own = {"shop", "id", "relationships", "extra", STREAMS[stream].parent_column}
    attributes = {name: _value(name, one) for name, one in properties.items() if name not in own}
    if situation == "drift":
        attributes = {name: {"kanari": f"kanari {name}"} for name in attributes}
    if situation == "unknown":
        attributes |= {"kanari_field": {"mail": "jane@kanari.example"}, "relationships": "kanari"}
    return {
        "id": f"kanari-{stream}-{number}",
        "type": STREAMS[stream].resource,
        "attributes": attributes,
        "relationships": {"kanari": {"data": {"id": "kanari", "type": "kanari"}}},
        "kanari_beside": "kanari",
    }


def marked_values() -> set[str]:
    """Return the values in columns that are marked as personal, and in members unknown to the schemas."""
    names = {"kanari_field", "kanari_beside"}
    for stream in STREAMS:
        for name, schema in stream_schemas.load(stream)["properties"].items():
            if schema.get("x-pii"):
                names |= {f"kanari {name}", *(f"kanari {inner}" for inner in schema.get("properties", ()))}
    # `country_code` is also a column of keywords, which is not marked.
    return names - {"kanari extra", "kanari country_code"}


@dataclass
class Reply:
    """A response.

    Attributes:
        status: Status code.
        body: Body.
        headers: Headers beside the usual ones.
        cut: Bytes of the body to send before the connection closes; 0 sends all.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


class CanaryApi(ThreadingHTTPServer):
    """Serves until the `with` ends and records the requests.

    Args:
        elsewhere: URL to which the shop `elsewhere` is redirected.
        tls: Context for https; None for http.
        pages: Number of pages of each list.

    Attributes:
        asked: Method, path and headers of each request.
        limited: Streams that have been answered with a 429.
    """

    daemon_threads = True

    def __init__(self, elsewhere: str = "", tls: ssl.SSLContext | None = None, pages: int = _PAGES) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.elsewhere = elsewhere
        self.pages = pages
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.limited: set[str] = set()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    @override
    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @override
    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect."""

    def reply(self, path: str, query: dict[str, list[str]], situation: str) -> Reply:
        """Return the response to a request."""
        stream, cursor = _stream(path), query.get("cursor", [""])[0]
        fixed = {
            "html": Reply(200, b"<html>jane@kanari.example</html>"),
            "elsewhere": Reply(302, b"kanari", {"Location": f"{self.elsewhere}{path}?kanari=kanari"}),
            "same_host": Reply(307, b"kanari", {"Location": f"{self.url}{path}?kanari=kanari"}),
            "no_data": Reply(200, b'{"kanari": "jane@kanari.example"}'),
        }
        if situation in fixed:
            return fixed[situation]
        if situation == "429" and stream not in self.limited:
            self.limited.add(stream)
            return Reply(429, _error(429, query), {"Retry-After": "0"})
        if situation in _STATUSES and (cursor or situation in {"401", "404"}):
            return Reply(int(situation), _error(int(situation), query))
        if situation == "expired" and cursor:
            return Reply(422, _error(422, query))
        body = self._page(stream, cursor, situation)
        return Reply(200, body, cut=len(body) // 2 if situation == "truncated" else 0)

    def _page(self, stream: str, cursor: str, situation: str) -> bytes:
        number = int(cursor.rpartition("-")[2] or 0)
        more = number + 1 < self.pages
        following = "kanari-cursor-1" if situation == "repeated" else f"kanari-cursor-{number + 1}"
        page: dict[str, Any] = {"data": [row(stream, number, situation)]}
        page["pagination"] = {"has_next": more, "next_cursor": following if more else None}
        return json.dumps(page).encode()

    def headers_of(self, name: str) -> Iterable[str | None]:
        """Return a header of each request."""
        return [headers.get(name) for _, _, headers in self.asked]


def _stream(path: str) -> str:
    end = path.removeprefix("/api/v1/").split("/")
    if len(end) == 3:
        return "enrollments"
    return next((name for name, spec in STREAMS.items() if spec.path == "/".join(end)), end[0])


def _error(status: int, query: dict[str, list[str]]) -> bytes:
    asked = " ".join(value for values in query.values() for value in values)
    error = {
        "code": f"copt_live_kanari_{status}",
        "message": f"{_PHRASE} copt_live_kanari {asked}",
        "details": {"kanari": _PHRASE},
        "request_id": "jane@kanari.example",
    }
    return json.dumps({"error": error}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CanaryApi

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        situation = self.headers.get("Authorization", "").rpartition("copt_live_kanari_")[2]
        reply = self.server.reply(url.path, parse_qs(url.query), situation)
        self.send_response(reply.status, "kanari")
        headers = {"X-RateLimit-Limit": "kanari", "Set-Cookie": "session=kanari", "X-Kanari": "kanari"}
        for name, value in {**headers, **reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut or None])
        if reply.cut:
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_CONNECT = do_GET  # noqa: N815 - names that `http.server` requires

    @override
    def log_message(self, *_: object) -> None:
        """Log nothing."""
