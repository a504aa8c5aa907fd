"""A token is sent only to its shop's host, over a verified connection."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from support.canary_api import CanaryApi, token
from support.hanging_host import HangingHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap as CommandLine

TOKEN = f"Bearer {token('good')}"
SWITCHES = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "", "SSL_CERT_FILE": "", "PYTHONHTTPSVERIFY": "0"}


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[CanaryApi]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with CanaryApi(tls=context) as api:
        yield api


def settings(url: str, situation: str = "good", **more: Any) -> dict[str, Any]:
    return {"api_url": url, "api_token": token(situation), "max_retries": 0, **more}


def test_certificates_are_always_verified(tap: CommandLine, https: CanaryApi) -> None:
    off: dict[str, Any] = {"verify": False, "verify_ssl": False, "ssl_verify": False}
    output = tap.run(tap.command(streams=("usage",), **settings(https.url, **off)), SWITCHES)
    assert output.code == 1
    assert "the host's certificate cannot be trusted" in output.log
    assert https.asked == []


def test_a_certificate_for_another_host_is_rejected(tap: CommandLine, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    bundle = tap.folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with CanaryApi(tls=context) as api:
        output = tap.run(
            tap.command(streams=("usage",), **settings(api.url)), {"REQUESTS_CA_BUNDLE": str(bundle)}
        )
    assert output.code == 1
    assert api.asked == []


def test_a_certificate_authority_named_in_the_environment_is_trusted(
    tap: CommandLine, https: CanaryApi, authority: trustme.CA
) -> None:
    bundle = tap.folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    output = tap.run(
        tap.command(streams=("usage",), **settings(https.url)), {"REQUESTS_CA_BUNDLE": str(bundle)}
    )
    assert output.code == 0, output.log
    assert set(https.headers_of("Authorization")) == {TOKEN}


@pytest.mark.parametrize("where", ["elsewhere", "same_host"])
def test_the_token_is_not_sent_to_a_redirect_target(tap: CommandLine, where: str) -> None:
    with CanaryApi() as other, CanaryApi(elsewhere=other.url) as api:
        output = tap.run(tap.command(streams=("usage",), **settings(api.url, where)))
    assert output.code == 1
    assert "the API redirects; check `api_url`" in output.log
    assert output.errors[-1].endswith("set `api_url` to the final host.")  # running again would not help
    assert other.asked == []
    assert [path.partition("?")[0] for _, path, _ in api.asked] == ["/api/v1/usage"]


def test_a_proxy_never_receives_the_token(tap: CommandLine) -> None:
    with CanaryApi() as proxy, CanaryApi() as api:
        there = proxy.url.replace("://", "://kanari:kanari@")
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")
        environment = {**dict.fromkeys(names, there), "no_proxy": "", "NO_PROXY": "", "LOGLEVEL": "DEBUG"}
        shops = [
            {"shop": "plain", "api_token": token("good")},
            {"shop": "tls", "api_token": token("401"), "api_url": "https://tls.invalid"},
        ]
        config = settings(api.url, shops=shops) | {"api_token": None}
        output = tap.run(tap.command(streams=("usage",), **config), environment)
    assert output.code == 1
    assert len(output.ids("usage", "plain")) == 3
    assert set(api.headers_of("Authorization")) == {TOKEN}
    assert set(proxy.headers_of("Authorization")) <= {None}
    assert "kanari" not in output.log
    assert "Shop tls: usage failed" in output.log


PROXY_ADVICE = "Check the proxy settings of this machine: HTTPS_PROXY, ALL_PROXY and NO_PROXY."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it does not accept the user and password"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "it refuses to connect to the API's host (status 403)"),
    ],
)
def test_a_proxy_that_refuses_is_named_and_asked_no_more(
    tap: CommandLine, answer: bytes, reason: str
) -> None:
    """All retries took 116 seconds before, and then the API was blamed."""
    with HangingHost(answer) as proxy:
        there = proxy.url.replace("://", "://name:kanari@")
        environment = {"HTTPS_PROXY": there, "https_proxy": there, "NO_PROXY": "", "no_proxy": ""}
        config = settings("https://api.example.test", max_retries=5)
        output = tap.run(tap.command(streams=("usage",), **config), environment)
    assert output.code == 1
    (error,) = output.errors
    host = proxy.url.removeprefix("http://")
    assert error.startswith(f"Shop acme: usage failed: proxy {host}: {reason}")
    assert error.endswith(PROXY_ADVICE)
    assert "kanari" not in output.log
    assert "retrying" not in output.log


def test_a_token_set_as_the_host_is_not_shown(tap: CommandLine) -> None:
    output = tap.run(tap.command(streams=("usage",), **settings("https://copt_live_kanari.invalid")))
    assert output.code == 1
    assert "the host name cannot be resolved" in output.log
    assert "kanari" not in output.log.replace(token("good"), "")


def test_netrc_does_not_replace_the_token(tap: CommandLine, sandbox: Sandbox) -> None:
    netrc = tap.folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    output = tap.run(tap.command(streams=("campaigns",)), {"NETRC": str(netrc)})
    assert output.code == 0, output.log
    assert len(output.ids("campaigns")) == sandbox.counts()["acme"]["campaigns"]


def test_every_request_is_a_get(tap: CommandLine, sandbox: Sandbox) -> None:
    options = {"customers": {"details": True}, "orders": {"details": True}}
    assert tap.sync(stream_options=options).code == 0
    assert sandbox.stats()["methods"] == {"GET": sandbox.stats()["requests"]}
