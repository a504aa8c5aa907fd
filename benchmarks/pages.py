"""The sandbox's pages, rendered once and kept in memory.

A list is rendered when it is first requested. A list that is repeated 25 times is served as one long list
whose row ids are numbered on, so that five million customers need no more memory than 200,000.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

import msgspec

from benchmarks.sandbox import TYPES
from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.server.routes import PREFIX, find
from sumeru_sandbox.spec.messages import Request
from sumeru_sandbox.world.clock import Clock, parse_timestamp

_DRIFT = [{"kind": "unknown_field"}, {"kind": "drift"}]
# The sandbox adds one unknown field; the second one goes before it.
_ONE, _TWO = b'"loyalty_tier":', b'"loyalty_note":"joined at the fair","loyalty_tier":'
_OK = 200
_GZIP_LEVEL = 6


class _List:
    """The pages of one list, without their `pagination`."""

    def __init__(self, pages: list[bytes], prefix: str, repeat: int) -> None:
        self._pages = pages
        self._prefix = f'"{prefix}00'.encode()
        self._numbered = f'"{prefix}%02d'.encode()
        self._last = len(pages) * repeat - 1

    def page(self, number: int) -> bytes:
        """Return a page, with the cursor of the next one."""
        turn, place = divmod(number, len(self._pages))
        rows = self._pages[place]
        if turn:
            rows = rows.replace(self._prefix, self._numbered % turn)
        if number == self._last:
            return rows + b',"pagination":{"next_cursor":null,"has_next":false}}'
        return rows + b',"pagination":{"next_cursor":"page_%d","has_next":true}}' % (number + 1)


class Pages:
    """All lists that have been requested so far.

    Args:
        customers: Size of the shop.
        journeys: Number of its journeys.
        now: The time that the clock starts at; the present if empty.
        repeat: How many times over a stream is served.
        drift: Whether every row has fields and types that no schema knows.
    """

    def __init__(
        self, customers: int, journeys: int, now: str, repeat: dict[str, int], *, drift: bool
    ) -> None:
        moment = parse_timestamp(now) if now else None
        options = Options(("acme",), customers, plan="enterprise", now=moment, journeys=journeys)
        self.clock = Clock(moment)
        self._api = Api(options, self.clock, {"*": {"rows": _DRIFT}} if drift else None)
        self._repeat = repeat
        self._drift = drift
        (account,) = self._api.accounts.default_tokens.values()
        self._headers = {"authorization": f"Bearer {account.text}"}
        self._lists: dict[tuple[str, str], _List] = {}
        self._compressed = lru_cache(maxsize=4096)(self._compress)

    def answer(self, target: str, *, compressed: bool = False) -> tuple[int, bytes]:
        """Return status and body of the response to a GET."""
        return self._compressed(target) if compressed else self._plain(target)

    def _plain(self, target: str) -> tuple[int, bytes]:
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

    def _compress(self, target: str) -> tuple[int, bytes]:
        status, body = self._plain(target)
        return status, gzip.compress(body, _GZIP_LEVEL, mtime=0)

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
