"""`session`: by which proxies hosts are reached, and what is wrong if a proxy does not connect."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from sumeru_api.errors import ProxyFailed
from sumeru_api.retry import Fail, Retries, Retry
from sumeru_api.session import TransportError, UntrustedHostError
from sumeru_api.transport_errors import ProxyError
from support.loopback import BODY, HOST, Answer, Server, Then, fails, in_loop, ok, session

if TYPE_CHECKING:
    import trustme

AUTHENTICATION = (
    "it does not accept the user and password, or needs them; put them into HTTPS_PROXY as "
    "http://user:password@host:port"
)


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
        with fails("the host's certificate cannot be trusted: it is for another host", UntrustedHostError):
            await client.get(f"https://{HOST}/a", (), "Bearer t")
        assert not server.requests


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
@in_loop
async def test_a_proxy_is_used_for_https_alone(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server(ok(b"", status="403 Forbidden")) as proxy, Server(ok()) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv(variable, proxy.url.removeprefix("http://"))
        async with session() as client:
            with fails("it refuses to connect to the API's host (status 403)", ProxyError):
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
        with fails(why, ProxyError):
            await client.get(f"https://{HOST}/a", (), "Bearer t")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([Then.CLOSE], "the connection was closed before an answer came"),
        ([Then.RESET], "the connection was reset before an answer came"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "it does not answer as a proxy does"),
        (ok(b"", status="407 Who"), AUTHENTICATION),
        (ok(b"", status="502 Bad Gateway"), "it could not connect to the API's host (status 502)"),
        ([Then.HANG], "could not connect in time"),
        (None, "the connection was refused; nothing listens on this port"),
    ],
)
@in_loop
async def test_a_proxy_that_fails_is_an_error(
    answer: Answer | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer == [Then.HANG]:
        monkeypatch.setattr("sumeru_api.session._CONNECT_SECONDS", 0.05)
    async with Server(answer or ok()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url if answer else "http://127.0.0.1:9")
        async with session() as client:
            with fails(why, ProxyError):
                await client.get(f"https://{HOST}/a", (), "Bearer t")
        assert len(proxy.requests) == (1 if answer else 0)


@pytest.mark.parametrize("scheme", ["http", "https"])
@in_loop
async def test_a_proxy_whose_name_is_unknown_is_named_without_credentials(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://name:secret@proxy.invalid:3128")
    async with session() as client:
        with pytest.raises(ProxyError) as caught:
            await client.get(f"https://{HOST}/a", (), "Bearer t")
    assert str(caught.value) == "proxy proxy.invalid:3128: the host name cannot be resolved"


@in_loop
async def test_a_proxy_that_speaks_no_tls_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, session() as client:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{port}")
        with pytest.raises(ProxyError) as caught:
            await client.get(f"https://{HOST}/a", (), "Bearer t")
    assert caught.value.lasting
    assert str(caught.value).startswith(f"proxy 127.0.0.1:{port}: the host does not speak TLS on this port")


@in_loop
async def test_a_host_that_fails_behind_a_proxy_is_named_and_not_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Closing(Server):
        @override
        async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

    async with Closing(ok()) as server, Proxy(server) as proxy, session() as client:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(TransportError) as caught:
            await client.get(f"https://{HOST}/a", (), "Bearer t")
    assert type(caught.value) is not ProxyError
    assert caught.value.host == HOST


@pytest.mark.parametrize("max_retries", [0, 1, 2, 5])
@pytest.mark.parametrize("lasting", [True, False])
def test_a_proxy_that_fails_gets_at_most_two_retries(lasting: bool, max_retries: int) -> None:
    """A bad proxy took 116 seconds, all retries, and the API was blamed."""
    retries, fault = Retries(max_retries), ProxyError("refused", lasting=lasting)
    tries = 1 if lasting else min(3, max_retries + 1)
    *before, last = [retries.decide(fault, 99) for _ in range(tries)]
    assert all(isinstance(one, Retry) for one in before)
    assert isinstance(last, Fail)
    assert isinstance(last.error, ProxyFailed)
    assert last.error.affects_shop
