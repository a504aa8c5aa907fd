"""`session`: errors and logs hold nothing private."""

from __future__ import annotations

import logging
import ssl
import traceback
from typing import TYPE_CHECKING

import pytest
import trustme

from sumeru_api.session import Session, TransportError, UntrustedHostError
from support.loopback import HEAD, HOST, Answer, Server, Then, in_loop, ok, session

if TYPE_CHECKING:
    from collections.abc import Iterable

PRIVATE = ok(b'{"kanari": 1}', "Set-Cookie: kan ari=kanari; x", "X-Kanari: kanari")
ANSWERS: list[Answer] = [
    PRIVATE,
    [Then.CLOSE],  # the session sends this request again
    [Then.CLOSE],
    [b"kanari kanari\r\n\r\n"],
    [HEAD + b"kanari: kanari\r\n", Then.CLOSE],
    [HEAD + b"Content-Length: 50\r\n\r\nkanari", Then.CLOSE],
    [HEAD + b"Transfer-Encoding: chunked\r\n\r\nkanari\r\n"],
    ok(b"kanari", "Content-Encoding: gzip"),
    [HEAD + b"Content-Length: 50\r\n\r\nkanari", Then.HANG],
    PRIVATE,
]


async def _errors(client: Session, urls: Iterable[str]) -> list[str]:
    """Request each URL and return the tracebacks of the errors."""
    tracebacks = []
    for url in urls:
        try:
            await client.get(url, (("filter[kanari]", "kanari"),), "Bearer kanari")
        except (TransportError, UntrustedHostError) as error:
            tracebacks.append("".join(traceback.format_exception(error)))
    return tracebacks


def _assert_private(*texts: str) -> None:
    # Tracebacks quote the line of this module that sends the request.
    lines = (line for text in texts for line in text.splitlines() if "await client.get" not in line)
    assert "kanari" not in "\n".join(lines)


@pytest.fixture(autouse=True)
def debug_logging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@in_loop
async def test_errors_and_logs_of_responses_hold_nothing_private(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sumeru_api.connection_settings.getproxies", dict)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with (
        Server(*ANSWERS) as server,
        Server(ok(), tls=tls) as untrusted,
        session(read_timeout=0.2) as client,
    ):
        urls = [f"{server.url}/kanari"] * (len(ANSWERS) - 1)
        urls += [f"{untrusted.url}/kanari", f"https://{70 * 'kanari'}/"]
        errors = await _errors(client, urls)
    assert len(errors) == len(ANSWERS) - 1
    _assert_private(*errors, caplog.text)


@in_loop
async def test_errors_and_logs_of_proxies_hold_nothing_private(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    proxies = {"https": "http://kanari:kanari@127.0.0.1:9"}
    monkeypatch.setattr("sumeru_api.connection_settings.getproxies", lambda: proxies)
    async with session() as client:
        errors = await _errors(client, [f"https://{HOST}/kanari"])
    assert len(errors) == 1
    _assert_private(*errors, caplog.text)
