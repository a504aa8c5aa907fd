"""Connections that stay open: one request, one whole answer, and nothing done that nobody asked for.

urllib3 makes them (TLS, proxies), httptools reads the answers: http.client, on which urllib3 stands, takes
three times as long for a page. No redirect is followed, no cookie kept, and `.netrc` is not read.
"""

from __future__ import annotations

import os
import threading
import time
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import certifi
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util import make_headers, parse_url
from urllib3.util.ssl_ import create_urllib3_context

from tap_sumeru.answers import CutShortError, NotHttpError, Parser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from socket import socket
    from ssl import SSLContext

_CONNECT_SECONDS = 10.0
_MOST_HOSTS = 4
"""Connections that a thread keeps open."""
_ENCODINGS = "gzip, deflate"
_LONGEST_ANSWER = 5
"""How often the timeout an answer may take as a whole: one that drips is never silent."""
_CHUNK = 1 << 16
_PLAIN_PATH = "/%:@!$&'()*+,;="


class BrokenError(Exception):
    """There was no whole answer; says why in words that hold nothing private."""


class UntrustedError(Exception):
    """No connection may be made; says why."""


class Reply(NamedTuple):
    """What came back: status, headers found whatever their case, body, and seconds until it began."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class _Mine(threading.local):
    """What a thread has for itself."""

    def __init__(self) -> None:
        self.connections: dict[str, HTTPConnection] = {}
        # What is copied out of it is so small that no allocator asks the system for it each time.
        self.buffer = memoryview(bytearray(_CHUNK))


class Connections:
    """The connections of a run: each thread has its own.

    Args:
        headers: Headers of every request.
        timeout: Seconds without a byte of an answer.
    """

    def __init__(self, headers: Mapping[str, str], timeout: float) -> None:
        self._headers = {**headers, "Accept-Encoding": _ENCODINGS}
        self._timeout = timeout
        self._mine = _Mine()
        self._open: set[HTTPConnection] = set()
        self._lock = threading.Lock()
        self._context: SSLContext | None = None

    def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> Reply:
        """Ask once.

        Raises:
            BrokenError: There was no whole answer.
            UntrustedError: The host is not to be trusted.
        """
        parts = urlsplit(url)
        origin, target = f"{parts.scheme}://{parts.netloc}", quote(parts.path, safe=_PLAIN_PATH)
        if params:
            target += "?" + urlencode(params)
        headers = {"Host": _host(origin), **self._headers, "Authorization": authorization}
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        connection = self._connection(origin)
        keep = False
        try:
            assert connection.sock is not None  # noqa: S101 - for the type checker: it is connected
            reply, keep = self._exchange(connection.sock, "\r\n".join(lines).encode("ascii"))
        finally:
            if not keep:
                self._close(origin)
        return reply

    def _exchange(self, sock: socket, request: bytes) -> tuple[Reply, bool]:
        """Ask; return the answer, and whether the connection takes another request."""
        began = time.perf_counter()
        try:
            sock.sendall(request)
            count = sock.recv_into(self._mine.buffer)
        except TimeoutError:
            raise BrokenError("no answer in time") from None
        except OSError:
            raise BrokenError("the connection failed") from None
        if not count:
            raise BrokenError("the connection failed")
        answer = Parser()
        try:
            elapsed = self._read(sock, answer, count, began)
            body = answer.body()
        except TimeoutError:
            raise BrokenError("no answer in time") from None
        except (OSError, CutShortError):
            raise BrokenError("the answer was cut short") from None
        except NotHttpError:
            raise BrokenError("the answer is not HTTP") from None
        return Reply(answer.status, answer.headers, body, elapsed), answer.keeps_open

    def _read(self, sock: socket, answer: Parser, count: int, began: float) -> float:
        """Take an answer, of which so many bytes have come, to its end or that of the connection.

        Returns:
            Seconds from the request until its headers had come.
        """
        elapsed = 0.0
        while count:
            answer.feed(self._mine.buffer[:count])
            passed = time.perf_counter() - began
            elapsed = elapsed or (passed if answer.status else 0.0)
            if answer.complete:
                break
            if passed > _LONGEST_ANSWER * self._timeout:
                raise TimeoutError
            count = sock.recv_into(self._mine.buffer)
        return elapsed

    def _connection(self, origin: str) -> HTTPConnection:
        mine = self._mine.connections
        connection = mine.get(origin)
        if connection is not None and connection.is_connected:
            return connection
        if connection is not None or len(mine) >= _MOST_HOSTS:
            self._close(origin if connection is not None else next(iter(mine)))
        connection = mine[origin] = self._connect(origin)
        with self._lock:
            self._open.add(connection)
        return connection

    def _connect(self, origin: str) -> HTTPConnection:
        connection = self._made(origin)
        try:
            connection.connect()
        except NameResolutionError:
            raise BrokenError("the host's name is not known") from None
        except NewConnectionError:  # one of the next kind to urllib3, though no time has passed
            raise BrokenError("the connection failed") from None
        except ConnectTimeoutError:
            raise BrokenError("no connection in time") from None
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise UntrustedError("the host's certificate cannot be trusted") from None
            raise BrokenError("the connection failed") from None
        except (OSError, HTTPException, HTTPError):
            raise BrokenError("the connection failed") from None
        assert connection.sock is not None  # noqa: S101 - for the type checker: it is connected
        connection.sock.settimeout(self._timeout)
        return connection

    def _made(self, origin: str) -> HTTPConnection:
        url = parse_url(origin)
        host = (url.host or "").strip("[]")
        if url.scheme != "https":
            # For loopback only: a proxy of the environment would carry the token off this machine in clear.
            return HTTPConnection(host, url.port, timeout=_CONNECT_SECONDS)
        proxy = select_proxy(origin, get_environ_proxies(origin, no_proxy=None))
        context = self._trusted()
        if not proxy:
            return HTTPSConnection(host, url.port, timeout=_CONNECT_SECONDS, ssl_context=context)
        way = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        if way.scheme not in ("http", "https"):
            raise UntrustedError("the proxy of the environment is neither http:// nor https://")
        name, password = get_auth_from_url(way.url)
        connection = HTTPSConnection(
            (way.host or "").strip("[]"),
            way.port or (443 if way.scheme == "https" else 80),
            timeout=_CONNECT_SECONDS,
            ssl_context=context,
            proxy=way,
            proxy_config=ProxyConfig(
                context, use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
            ),
        )
        headers = make_headers(proxy_basic_auth=f"{name}:{password}") if name else None
        connection.set_tunnel(host, url.port or 443, headers=headers, scheme=way.scheme or "http")
        return connection

    def _trusted(self) -> SSLContext:
        with self._lock:
            if self._context is None:
                bundle = (
                    os.environ.get("REQUESTS_CA_BUNDLE")
                    or os.environ.get("CURL_CA_BUNDLE")
                    or certifi.where()
                )
                folder = Path(bundle).is_dir()
                context = create_urllib3_context()
                try:
                    context.load_verify_locations(**{"capath" if folder else "cafile": bundle})
                except OSError:
                    raise UntrustedError(
                        "the file of trusted certificates cannot be read; check REQUESTS_CA_BUNDLE"
                    ) from None
                self._context = context
            return self._context

    def _close(self, origin: str) -> None:
        connection = self._mine.connections.pop(origin, None)
        if connection is not None:
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()


@lru_cache
def _host(origin: str) -> str:
    """Return the host as urllib3 connects to it."""
    try:
        return parse_url(origin).netloc or ""
    except LocationParseError:
        raise UntrustedError("the host's name is none that can be looked up; check `api_url`") from None
