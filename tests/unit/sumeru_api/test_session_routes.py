"""`session`: which hosts are trusted, and by which proxies they are reached."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trustme
from typing_extensions import override

from sumeru_api.routes import Routes
from sumeru_api.session import UntrustedHostError
from support.loopback import BODY, HOST, Answer, Server, Then, fails, in_loop, ok, session

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """The context of a server that has a certificate of 127.0.0.1 and of the host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", HOST).configure_cert(context)
    return context


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@in_loop
async def test_a_host_is_trusted_only_if_its_certificate_is(
    tls: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server(ok(), tls=tls) as server:
        async with session() as client:
            with fails("the host's certificate cannot be trusted", UntrustedHostError):
                await client.get(f"{server.url}/a", (), "Bearer t")
        assert not server.requests
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        connections = server.connections
        async with session() as client:
            for _ in range(3):
                assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY
        assert server.connections == connections + 1


@in_loop
async def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    async with Server(ok(), tls=context) as server, session() as client:
        with fails("the host's certificate cannot be trusted", UntrustedHostError):
            await client.get(f"{server.url}/a", (), "Bearer t")
        assert not server.requests


@in_loop
async def test_no_variable_turns_verification_off(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    async with Server(ok(), tls=tls) as server, session() as client:
        with fails("the host's certificate cannot be trusted", UntrustedHostError):
            await client.get(f"{server.url}/a", (), "Bearer t")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@in_loop
async def test_the_ca_bundle_of_the_environment_must_be_readable(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in ("/nowhere/at/all.pem", str(empty)):
        monkeypatch.setenv(variable, path)
        async with session() as client:
            with fails("the CA bundle cannot be read; check REQUESTS_CA_BUNDLE", UntrustedHostError):
                await client.get("https://127.0.0.1:9/a", (), "Bearer t")


@in_loop
async def test_a_ca_bundle_may_be_a_folder(
    tls: ssl.SSLContext, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setenv("CURL_CA_BUNDLE", str(folder))
    async with Server(ok(), tls=tls) as server:
        async with session() as client:
            with fails("the host's certificate cannot be trusted", UntrustedHostError):
                await client.get(f"{server.url}/a", (), "Bearer t")
        command = [openssl, "x509", "-hash", "-noout", "-in", bundle]
        name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: ASYNC221
        shutil.copy(bundle, folder / f"{name}.0")
        async with session() as client:
            assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY


@in_loop
async def test_no_certificates_are_loaded_for_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/at/all.pem")
    async with Server(ok()) as server, session() as client:
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY


@in_loop
async def test_a_host_that_speaks_no_tls_is_an_error() -> None:
    def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, session() as client:
        with fails("the connection failed"):
            await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/a", (), "Bearer t")


@pytest.mark.parametrize("end", [Then.CLOSE, Then.RESET])
@in_loop
async def test_a_kept_tls_connection_that_was_closed_meanwhile_is_replaced(
    tls: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch, end: Then
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    answers: list[Answer] = [ok(), *(10 * [[end], ok()])]
    async with Server(*answers, tls=tls) as server, session() as client:
        for _ in range(11):
            assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY
        assert server.connections == 11


@pytest.mark.parametrize(
    ("netloc", "authority"),
    [
        ("straße.example:8443", "xn--strae-oqa.example:8443"),
        ("[::1]:80", "[::1]:80"),
        ("A.Example", "a.example"),
    ],
)
def test_a_host_is_named_as_it_is_connected_to(netloc: str, authority: str) -> None:
    assert Routes().find("https", netloc).authority == authority


class Proxy(Server):
    """A proxy that connects everything to one server."""

    def __init__(self, to: Server, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(ok(), tls=tls)
        self._to = to

    @override
    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        there, back = await asyncio.open_connection("127.0.0.1", self._to.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError):
            await asyncio.gather(_relay(reader, back), _relay(there, writer))


async def _relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while received := await source.read(1 << 16):
            sink.write(received)
            await sink.drain()
    finally:
        sink.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
@in_loop
async def test_a_tunnel_through_a_proxy_is_kept(
    scheme: str, tls: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    async with Server(ok(), tls=tls) as server, Proxy(server, tls if scheme == "https" else None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://us%3Aer:p%40ss@"))
        async with session({"User-Agent": "tap"}) as client:
            for _ in range(3):
                assert (await client.get(f"https://{HOST}/a", (), "Bearer secret")).body == BODY
        assert (server.connections, len(proxy.requests)) == (1, 1)
        assert server.header("Host") == HOST
        assert server.header("Proxy-Authorization") is None
    assert proxy.requests[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n")
    assert proxy.header("Proxy-Authorization") == "Basic " + b64encode(b"us:er:p@ss").decode()
    assert "secret" not in proxy.requests[0]


@in_loop
async def test_behind_a_proxy_too_a_host_must_be_trusted(
    authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    async with Server(ok(), tls=context) as server, Proxy(server) as proxy, session() as client:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with fails("the host's certificate cannot be trusted", UntrustedHostError):
            await client.get(f"https://{HOST}/a", (), "Bearer t")
        assert not server.requests


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
@in_loop
async def test_a_proxy_is_used_for_https_alone(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server(ok(b"", status="403 Forbidden")) as proxy, Server(ok()) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv(variable, proxy.url.removeprefix("http://"))
        async with session() as client:
            with fails("the proxy refused the connection"):
                await client.get(f"https://{HOST}/a", (), "Bearer secret")
            assert [one.split(" ")[0] for one in proxy.requests] == ["CONNECT"]
            assert proxy.header("Authorization") is None
            # Plain http is for loopback, where no proxy has any business.
            assert (await client.get(f"{server.url}/a", (), "Bearer secret")).body == BODY
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("excepted", ["127.0.0.1", "127.0.0.1:{port}", "*"])
@in_loop
async def test_the_environment_may_except_hosts(
    excepted: str, tls: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    async with Server(ok()) as proxy, Server(ok(), tls=tls) as server, session() as client:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", excepted.format(port=server.port))
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY
        assert not proxy.requests


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://127.0.0.1:1", "the proxy of the environment is neither http:// nor https://"),
        ("http://127.0.0.1:secret", "the proxy of the environment is not a URL"),
        ("http://", "the proxy of the environment is not a URL"),
        ("http://[::1", "the proxy of the environment is not a URL"),
    ],
)
@in_loop
async def test_a_proxy_that_cannot_be_used_is_an_error(
    proxy: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    async with session() as client:
        with fails(why, UntrustedHostError):
            await client.get(f"https://{HOST}/a", (), "Bearer t")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([Then.CLOSE], "the connection failed"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "the answer is not HTTP"),
        ([Then.HANG], "could not connect in time"),
        (None, "the connection to the proxy failed"),
    ],
)
@in_loop
async def test_a_proxy_that_fails_is_an_error(
    answer: Answer | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sumeru_api.session._CONNECT_SECONDS", 0.05)
    async with Server(answer or ok()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url if answer else "http://127.0.0.1:9")
        async with session() as client:
            with fails(why):
                await client.get(f"https://{HOST}/a", (), "Bearer t")
        assert len(proxy.requests) == (1 if answer else 0)
