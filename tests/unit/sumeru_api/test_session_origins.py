"""`session`: which hosts are trusted."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from sumeru_api.connection_settings import Origins
from sumeru_api.session import UntrustedHostError
from support.loopback import BODY, Answer, Server, Then, fails, in_loop, ok, session

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

NOT_TRUSTED = "the host's certificate cannot be trusted: "
UNKNOWN_ISSUER = (
    f"{NOT_TRUSTED}its issuer is unknown; if it is of your own network, name its certificate in "
    "REQUESTS_CA_BUNDLE"
)
NO_TLS = "the host does not speak TLS on this port, so https:// cannot be used"
OTHER_HOST = f"{NOT_TRUSTED}it is for another host"


@in_loop
async def test_a_host_is_trusted_only_if_its_certificate_is(
    tls: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server(ok(), tls=tls) as server:
        async with session() as client:
            with fails(UNKNOWN_ISSUER, UntrustedHostError):
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
        with fails(OTHER_HOST, UntrustedHostError):
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
        with fails(UNKNOWN_ISSUER, UntrustedHostError):
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
            with fails(
                "the CA bundle cannot be read; check REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE", UntrustedHostError
            ):
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
            with fails(UNKNOWN_ISSUER, UntrustedHostError):
                await client.get(f"{server.url}/a", (), "Bearer t")
        command = [openssl, "x509", "-hash", "-noout", "-in", bundle]
        name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: ASYNC221 - a short command
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
        with fails(NO_TLS, UntrustedHostError):
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
    assert Origins().find("https", netloc).authority == authority
