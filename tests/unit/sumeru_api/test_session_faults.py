"""`session`: each fault of a connection has a reason of its own, and the host's name."""

from __future__ import annotations

import asyncio
import errno
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from sumeru_api.session import TransportError, UntrustedHostError
from support.loopback import Answer, Server, Then, in_loop, ok, session

if TYPE_CHECKING:
    from sumeru_api.transport_errors import NoAnswerError

TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
HINT = "; if it expects TLS, write https:// instead of http://"


async def fault_of(url: str) -> NoAnswerError:
    async with session() as client:
        with pytest.raises((TransportError, UntrustedHostError)) as caught:
            await client.get(f"{url}/a", (), "Bearer t")
    return caught.value


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([Then.CLOSE], "the connection was closed before an answer came" + HINT),
        ([TLS_ALERT, Then.CLOSE], "the answer is not HTTP" + HINT),
        ([Then.RESET], "the connection was reset before an answer came"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Then.CLOSE], "the answer was cut short"),
    ],
)
@in_loop
async def test_the_host_and_its_port_are_named(answer: Answer, text: str) -> None:
    async with Server(answer) as server:
        assert str(await fault_of(server.url)) == f"127.0.0.1:{server.port}: {text}"


@in_loop
async def test_plain_http_to_a_tls_port_has_a_hint() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Server(ok(), tls=context) as server:
        fault = await fault_of(server.url.replace("https://", "http://"))
    assert fault.hint in str(fault)
    assert "https://" in fault.hint


@in_loop
async def test_tls_to_a_plain_port_is_not_tried_again() -> None:
    async with Server(ok()) as server:

        def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        plain = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with plain:
            port = plain.sockets[0].getsockname()[1]
            fault = await fault_of(f"https://127.0.0.1:{port}")
        assert isinstance(fault, UntrustedHostError)
        assert str(fault).startswith(f"127.0.0.1:{port}: the host does not speak TLS")
    refused = await fault_of(server.url)
    assert (
        str(refused) == f"127.0.0.1:{server.port}: the connection was refused; nothing listens on this port"
    )


@pytest.mark.parametrize("days", [-1, 1])
@in_loop
async def test_a_certificate_of_another_time_blames_the_clock_too(
    days: int, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority, now = trustme.CA(), datetime.now(UTC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    start, end = sorted((now + timedelta(days=days), now + timedelta(days=3 * days)))
    certificate = authority.issue_cert("127.0.0.1", not_before=start, not_after=end)
    certificate.configure_cert(context)
    bundle = tmp_path_factory.mktemp("bundle") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    async with Server(ok(), tls=context) as server:
        fault = await fault_of(server.url)
    problem = "it has expired" if days < 0 else "it is not valid yet"
    assert f"cannot be trusted: {problem}, or the clock of this machine is wrong" in str(fault)


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH])
@in_loop
async def test_a_network_without_a_way_to_the_host(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable(*_: object, **__: object) -> None:
        raise OSError(number, "unreachable")

    monkeypatch.setattr("aiohappyeyeballs.start_connection", unreachable)
    fault = await fault_of("http://127.0.0.1:9")
    assert str(fault) == "127.0.0.1:9: the host cannot be reached from this network"


@in_loop
async def test_a_token_in_place_of_a_host_is_not_shown() -> None:
    fault = await fault_of("http://copt_live_secret.invalid")
    assert str(fault) == "the host name cannot be resolved"
