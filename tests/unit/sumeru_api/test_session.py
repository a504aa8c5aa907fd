"""`session`: requests as they are sent, and what is not done with responses."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from sumeru_api.session import Session, UntrustedHostError
from support.loopback import BODY, Server, fails, in_loop, ok, session

if TYPE_CHECKING:
    from pathlib import Path


@in_loop
async def test_a_request_is_sent_as_it_is_given() -> None:
    params = (("filter[x]", "a b&"), ("limit", "1"), ("cursor", "é+/="))
    headers = {"Accept": "application/json", "User-Agent": "tap"}
    async with Server(ok()) as server, session(headers) as client:
        response = await client.get(f"{server.url}/a", params, "Bearer t")
        lines = server.requests[0].split("\r\n")
    assert (response.status, response.body) == (200, BODY)
    assert lines[0] == f"GET /a?{urlencode(params)} HTTP/1.1"
    assert {line for line in lines[1:] if line} == {
        f"Host: {server.url.removeprefix('http://')}",
        "Accept: application/json",
        "User-Agent: tap",
        "Accept-Encoding: gzip, deflate",
        "Authorization: Bearer t",
    }


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a b/é", "/a%20b/%C3%A9"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/a%2Fb/%25", "/a%2Fb/%25"),
        ("/~a:@!$&'()*+,;=", "/~a:@!$&'()*+,;="),
    ],
)
@in_loop
async def test_a_path_is_neither_normalised_nor_encoded_twice(path: str, sent: str) -> None:
    async with Server(ok()) as server, session() as client:
        await client.get(server.url + path, (), "Bearer t")
        assert server.requests[0].startswith(f"GET {sent} HTTP/1.1\r\n")


@in_loop
async def test_each_request_has_its_own_authorization() -> None:
    async with Server(ok()) as server, session() as client:
        for token in ("a", "b", "a"):
            await client.get(f"{server.url}/a", (), f"Bearer {token}")
        sent = [server.header("Authorization", i) for i in range(3)]
    assert sent == ["Bearer a", "Bearer b", "Bearer a"]
    assert server.connections == 1


@in_loop
async def test_a_body_is_sent_as_json() -> None:
    async with Server(ok(status="201 Created")) as server, session() as client:
        sent = json.dumps({"a": 1}).encode()
        response = await client.request("POST", f"{server.url}/a", (), "Bearer t", sent)
        assert server.requests[0].startswith("POST /a HTTP/1.1\r\n")
        assert server.header("Content-Type") == "application/json"
        assert (response.status, server.bodies) == (201, [sent])


@in_loop
async def test_a_host_may_be_an_ipv6_address() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with Server(ok(), host="::1") as server, session() as client:
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY
        assert server.header("Host") == f"[::1]:{server.port}"


@pytest.mark.parametrize("host", [70 * "é", 70 * "a", "127.1", "a..b", "x:99999", ""])
@in_loop
async def test_a_host_that_cannot_be_looked_up_is_an_error(host: str) -> None:
    async with session() as client:
        with fails("the host name cannot be looked up; check `api_url`", UntrustedHostError):
            await client.get(f"https://{host}/a", (), "Bearer t")


@in_loop
async def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    moved = ok(b"", "Location: /b", "Set-Cookie: a=b", status="302 Found")
    async with Server(moved) as server, session() as client:
        for _ in range(2):
            assert (await client.get(f"{server.url}/a", (), "Bearer t")).status == 302
        assert [one.split()[1] for one in server.requests] == ["/a", "/a"]
        assert server.header("Cookie") is None


@in_loop
async def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with Server(ok()) as server, session() as client:
        await client.get(f"{server.url}/a", (), "Bearer t")
        assert server.header("Authorization") == "Bearer t"


def test_a_session_that_was_never_used_can_be_made_and_closed_anywhere() -> None:
    made = Session({}, 5)
    asyncio.run(made.close())
