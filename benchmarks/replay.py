"""The sandbox's own pages from memory: faster than any client, and as many of them as wanted.

A list is rendered by the sandbox when it is first asked for. With `--repeat customers=25` it is served 25
times over as one long list, its rows numbered on, so that five million customers need no more than 200,000
rendered. `--drift` puts two unknown fields and a value of the wrong type into every row.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlencode

import msgspec
import uvloop
from typing_extensions import override

from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.server.routes import PREFIX, find
from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.spec.messages import Request
from sumeru_sandbox.world.clock import Clock, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

_DRIFT = [{"kind": "unknown_field"}, {"kind": "drift"}]
# The sandbox adds one unknown field; the second one goes before it.
_ONE, _TWO = b'"loyalty_tier":', b'"loyalty_note":"joined at the fair","loyalty_tier":'
_OK = 200


class _List:
    """The pages of one list, without their `pagination`."""

    def __init__(self, pages: list[bytes], prefix: str, repeat: int) -> None:
        self._pages = pages
        self._prefix = f'"{prefix}00'.encode()
        self._numbered = f'"{prefix}%02d'.encode()
        self._last = len(pages) * repeat - 1

    def page(self, number: int) -> bytes:
        """A page, with the cursor of the next one."""
        turn, place = divmod(number, len(self._pages))
        rows = self._pages[place]
        if turn:
            rows = rows.replace(self._prefix, self._numbered % turn)
        if number == self._last:
            return rows + b',"pagination":{"next_cursor":null,"has_next":false}}'
        return rows + b',"pagination":{"next_cursor":"page_%d","has_next":true}}' % (number + 1)


class Pages:
    """All lists that have been asked for."""

    def __init__(self, api: Api, repeat: dict[str, int], *, drift: bool) -> None:
        self._api = api
        self._repeat = repeat
        self._drift = drift
        self._headers = {"authorization": f"Bearer {api.accounts.default_tokens['acme'].text}"}
        self._lists: dict[tuple[str, str], _List] = {}

    def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body of the answer to a GET."""
        path, _, query = target.partition("?")
        path = path.removeprefix(PREFIX)
        params = dict(parse_qsl(query, keep_blank_values=True))
        number = int(params.pop("cursor", "page_0").removeprefix("page_"))
        key = path, urlencode(sorted(params.items()))
        if key not in self._lists:
            status, body = self._ask(*key)
            if status != _OK or b'"pagination":' not in body:
                return status, body
            self._lists[key] = self._listed(*key)
        return _OK, self._lists[key].page(number)

    def _listed(self, path: str, query: str) -> _List:
        stream, pages, cursor = find("GET", path).operation.stream, [], ""
        while True:
            _, body = self._ask(path, query + (f"&{urlencode({'cursor': cursor})}" if cursor else ""))
            rows, _, end = body.rpartition(b',"pagination":')
            pages.append(rows.replace(_ONE, _TWO) if self._drift else rows)
            pagination = msgspec.json.decode(end[:-1])
            if not pagination["has_next"]:
                return _List(pages, TYPES[stream][1], self._repeat.get(stream, 1))
            cursor = pagination["next_cursor"]

    def _ask(self, path: str, query: str) -> tuple[int, bytes]:
        answer = self._api.answer(Request("GET", path, query, self._headers))
        return answer.status, answer.body


class _Server(asyncio.Protocol):
    """HTTP for clients that wait for each answer: GET, keep-alive."""

    def __init__(self, pages: Pages, api: Api, token: bytes) -> None:
        self._pages = pages
        self._api = api
        self._token = token
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer and self._transport:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            status, body = 401, b"{}"
            if self._token in head:
                status, body = self._pages.answer(head.split(b" ", 2)[1].decode())
            date = formatdate(int(self._api.clock.time()), usegmt=True)
            self._transport.write(
                f"HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n"
                f"x-sumeru-stability: stable\r\ndate: {date}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                + body
            )


async def _serve(options: argparse.Namespace) -> None:
    now = parse_timestamp(options.now)
    setup = Options(("acme",), options.customers, plan="enterprise", now=now, journeys=options.journeys)
    api = Api(setup, Clock(now), {"*": {"rows": _DRIFT}} if options.drift else None)
    repeat = {name: int(times) for name, _, times in (pair.partition("=") for pair in options.repeat)}
    pages, token = Pages(api, repeat, drift=options.drift), api.accounts.default_tokens["acme"].text
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Server(pages, api, token.encode()), "127.0.0.1", 0)
    sys.stdout.write(f"replay: http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n  acme  {token}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--journeys", type=int, default=10)
    parser.add_argument("--now", default="2026-06-01T00:00:00Z")
    parser.add_argument("--repeat", action="append", default=[], metavar="STREAM=TIMES")
    parser.add_argument("--drift", action="store_true")
    uvloop.run(_serve(parser.parse_args(argv)))


if __name__ == "__main__":
    main()
