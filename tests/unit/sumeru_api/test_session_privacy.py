"""`session`: no error and no line of a log holds anything private."""

from __future__ import annotations

import logging
import ssl
import traceback
from typing import TYPE_CHECKING

import trustme

from sumeru_api.session import TransportError, UntrustedHostError
from support.loopback import HEAD, HOST, Answer, Server, Then, in_loop, ok, session

if TYPE_CHECKING:
    import pytest


@in_loop
async def test_no_error_and_no_log_holds_anything_private(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    private = ok(b'{"kanari": 1}', "Set-Cookie: kan ari=kanari; x", "X-Kanari: kanari")
    answers: list[Answer] = [
        private,
        [Then.CLOSE],  # asked again
        [Then.CLOSE],
        [b"kanari kanari\r\n\r\n"],
        [HEAD + b"kanari: kanari\r\n", Then.CLOSE],
        [HEAD + b"Content-Length: 50\r\n\r\nkanari", Then.CLOSE],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\nkanari\r\n"],
        ok(b"kanari", "Content-Encoding: gzip"),
        [HEAD + b"Content-Length: 50\r\n\r\nkanari", Then.HANG],
        private,
    ]
    texts = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    monkeypatch.setattr("sumeru_api.routes.getproxies", dict)
    caplog.set_level(logging.DEBUG)
    async with (
        Server(*answers) as server,
        Server(ok(), tls=tls) as untrusted,
        session(read_timeout=0.2) as client,
    ):
        urls = [f"{server.url}/kanari"] * (len(answers) - 1)
        urls += [f"{untrusted.url}/kanari", f"https://{70 * 'kanari'}/"]
        for url in urls:
            try:
                await client.get(url, (("filter[kanari]", "kanari"),), "Bearer kanari")
            except (TransportError, UntrustedHostError) as error:
                texts.append("".join(traceback.format_exception(error)))
    proxies = {"https": "http://kanari:kanari@127.0.0.1:9"}
    monkeypatch.setattr("sumeru_api.routes.getproxies", lambda: proxies)
    async with session() as client:
        try:
            await client.get(f"https://{HOST}/kanari", (), "Bearer kanari")
        except TransportError as error:
            texts.append("".join(traceback.format_exception(error)))
    assert len(texts) == len(answers)
    said = "\n".join(line for text in (*texts, caplog.text) for line in text.splitlines())
    # The lines of this test's own code, which tracebacks quote, apart.
    assert "kanari" not in "\n".join(line for line in said.splitlines() if "await client.get" not in line)
