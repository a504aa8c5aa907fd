"""`transport`: whole answers over connections that stay open, by the ways that the environment names."""

from __future__ import annotations

import gc
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_sumeru.answers import Parser
from tap_sumeru.transport import BrokenError, Connections, UntrustedError, _host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BODY = b'{"data": []}' * 100
_RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
SQUEEZED = _RAW.compress(BODY) + _RAW.flush()


class Server(ThreadingHTTPServer):
    """Answers as it is told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.answer = answer
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.clients: set[int] = set()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Hands each request to its server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        headers = {name.title(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers))
        self.server.clients.add(self.client_address[1])
        self.server.answer(self)

    do_CONNECT = do_GET  # noqa: N815 - as the base class wants it

    @override
    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Server]:
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def replying(
    body: bytes, *, status: int = 200, length: int | None = None, close: bool = False, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = close

    return answer


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections({"Accept": "application/json"}, 5)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("GZIP", gzip.compress(BODY[:7], mtime=0) + gzip.compress(BODY[7:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", SQUEEZED),
    ],
)
def test_bodies_come_as_they_were_before_they_were_packed(
    connections: Connections, encoding: str, sent: bytes
) -> None:
    with serving(replying(sent, Content_Encoding=encoding)) as server:
        reply = connections.get(f"{server.url}/a", (("filter[x]", "a b&"), ("limit", "1")), "Bearer t")
        ((method, target, headers),) = server.seen
    assert (reply.status, reply.body) == (200, BODY)
    assert (method, target) == ("GET", "/a?filter%5Bx%5D=a+b%26&limit=1")
    assert headers["Authorization"] == "Bearer t"
    assert headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    "answer",
    [
        replying(BODY, length=len(BODY) + 5, close=True),
        replying(gzip.compress(BODY, mtime=0)[:-9], Content_Encoding="gzip"),
        replying(b"no gzip at all", Content_Encoding="gzip"),
        replying(b"no deflate at all", Content_Encoding="deflate"),
    ],
)
def test_an_answer_that_is_not_whole_is_told(
    connections: Connections, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with serving(answer) as server, pytest.raises(BrokenError, match="cut short"):
        connections.get(f"{server.url}/a", (), "Bearer t")


def test_a_connection_is_used_again_and_made_anew_once_it_is_gone(connections: Connections) -> None:
    with serving(replying(BODY)) as server:
        for _ in range(3):
            connections.get(f"{server.url}/a", (), "Bearer t")
        assert len(server.clients) == 1
        server.answer = replying(BODY, close=True)  # without saying so
        connections.get(f"{server.url}/a", (), "Bearer t")
        _wait_until_closed(connections, server.url)
        connections.get(f"{server.url}/a", (), "Bearer t")
        assert len(server.clients) == 2


def _wait_until_closed(connections: Connections, url: str) -> None:
    sock = connections._mine.connections[url].sock  # noqa: SLF001 - only it can tell
    sock.settimeout(5)
    assert sock.recv(1) == b""


HEAD = b"HTTP/1.1 200 OK\r\nserver: x\r\nX-RATELIMIT-limit: 600\r\n"


@contextmanager
def saying(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection after the other: to each request such bytes, then the end."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(1 << 16))
                    for part in answer.split(b"|"):
                        connection.sendall(part)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [HEAD + b"Content-Length: 5\r\n\r\n|hello", HEAD + b"\r\nhel|lo"],
    ids=["length", "to the end"],
)
def test_a_body_ends_where_the_server_says(connections: Connections, answer: bytes) -> None:
    with saying(answer) as (url, asked):
        reply = connections.get(f"{url}/a b/é", (), "Bearer t")
    assert (reply.status, reply.body, reply.headers.get("x-RateLimit-Limit")) == (200, b"hello", "600")
    assert asked[0].startswith(b"GET /a%20b/%C3%A9 HTTP/1.1\r\n")
    assert f"\r\nHost: {url.removeprefix('http://')}\r\n".encode() in asked[0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "the connection failed"),
        (HEAD + b"Content-Length: 5\r\n\r\nhell", "the answer was cut short"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the answer is not HTTP"),
    ],
)
def test_an_answer_that_cannot_be_relied_on_is_told(
    connections: Connections, answer: bytes, why: str
) -> None:
    with saying(answer, HEAD + b"Content-Length: 0\r\n\r\n") as (url, _):
        with pytest.raises(BrokenError, match=f"^{why}$"):
            connections.get(f"{url}/a", (), "Bearer t")
        assert connections.get(f"{url}/a", (), "Bearer t").status == 200


@pytest.mark.parametrize(("says", "made"), [("close", 2), ("keep-alive", 1)])
def test_a_connection_that_the_server_will_close_takes_no_further_request(
    connections: Connections, says: str, made: int
) -> None:
    with serving(replying(BODY, Connection=says)) as server:
        for _ in range(2):
            connections.get(f"{server.url}/a", (), "Bearer t")
        assert len(server.clients) == made


class Slow:
    """A socket that takes a second for each part of an answer, by a clock of its own."""

    def __init__(self, *parts: bytes) -> None:
        self.now = 0.0
        self._parts = iter(parts)

    def sendall(self, _: bytes) -> None:
        """Take a request."""

    def recv_into(self, buffer: memoryview) -> int:
        self.now += 1
        part = next(self._parts, b"")
        buffer[: len(part)] = part
        return len(part)


def test_an_answer_counts_from_its_own_headers_not_from_hints_that_come_before(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the page was asked for is reckoned from the date in its headers, back by this time."""
    sock = Slow(
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", HEAD, b"Content-Length: 2\r\n\r\n", b"h", b"i"
    )
    monkeypatch.setattr(time, "perf_counter", lambda: sock.now)
    reply, keeps_open = connections._exchange(sock, b"")  # type: ignore[arg-type]  # noqa: SLF001 - no other
    assert (reply.status, reply.body, reply.elapsed, keeps_open) == (200, b"hi", 3.0, True)


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://straße.example:8443", "xn--strae-oqa.example:8443"), ("http://[::1]:80", "[::1]:80")],
)
def test_the_host_is_named_as_it_is_connected_to(url: str, host: str) -> None:
    assert _host(url) == host


def test_a_host_that_cannot_be_looked_up_is_told(connections: Connections) -> None:
    with pytest.raises(UntrustedError, match="check `api_url`"):
        connections.get(f"https://{70 * 'é'}/a", (), "Bearer t")


def test_an_answer_is_given_back_without_a_search_for_garbage(connections: Connections) -> None:
    with serving(replying(BODY)) as server:
        gc.collect()
        gc.disable()
        try:
            connections.get(f"{server.url}/a", (), "Bearer t")
            assert not [one for one in gc.get_objects() if isinstance(one, Parser)]
        finally:
            gc.enable()


def test_redirects_are_not_followed_and_cookies_not_kept(connections: Connections) -> None:
    with serving(replying(b"", status=302, Location="/b", Set_Cookie="a=b")) as server:
        for _ in range(2):
            assert connections.get(f"{server.url}/a", (), "Bearer t").status == 302
        assert [(target, headers.get("Cookie")) for _, target, headers in server.seen] == [("/a", None)] * 2


def test_nobody_listens(connections: Connections) -> None:
    with serving(replying(BODY)) as server:
        url = server.url
    with pytest.raises(BrokenError, match="the connection failed"):
        connections.get(f"{url}/a", (), "Bearer t")


def test_a_proxy_of_the_environment_is_used_for_https_and_never_sees_the_token(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(replying(b"", status=403)) as proxy, serving(replying(BODY)) as server:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, proxy.url.replace("//", "//us%3Aer:pass@"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(BrokenError, match="the connection failed"):
            connections.get("https://api.example.test/a", (), "Bearer secret")
        ((method, target, headers),) = proxy.seen
        assert (method, target) == ("CONNECT", "api.example.test:443")
        assert headers["Proxy-Authorization"] == "Basic " + b64encode(b"us:er:pass").decode()
        assert "secret" not in str(proxy.seen)
        # Plain http is for loopback, where no proxy has any business.
        assert connections.get(f"{server.url}/a", (), "Bearer secret").body == BODY
        assert len(proxy.seen) == 1
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(BrokenError):
            connections.get(f"https://127.0.0.1:{server.server_port}/a", (), "Bearer secret")
        assert len(proxy.seen) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody trusts yet, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-out", str(files[0]), "-keyout", str(files[1]), "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return files


def test_a_host_is_trusted_only_if_its_certificate_is(
    connections: Connections, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serving(replying(BODY)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        with pytest.raises(UntrustedError, match="certificate cannot be trusted"):
            connections.get(f"{url}/a", (), "Bearer t")
        assert not server.seen
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
        trusting = Connections({}, 5)
        for _ in range(2):
            assert trusting.get(f"{url}/a", (), "Bearer t").body == BODY
        assert len(server.clients) == 1
        trusting.close()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_certificates_of_the_environment_are_used(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, "/nowhere/at/all.pem")
    with pytest.raises(UntrustedError, match="check REQUESTS_CA_BUNDLE"):
        connections.get("https://127.0.0.1:9/a", (), "Bearer t")


def test_a_proxy_that_speaks_another_language_is_told(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UntrustedError, match="neither http:// nor https://"):
        connections.get("https://api.example.test/a", (), "Bearer t")
