"""The API of one shop as the target uses it: lists, single rows, writes, and the API's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from sumeru_api.errors import NotFound, OutcomeUnknown, UnexpectedResponse
from sumeru_api.pagination import Pages
from sumeru_api.responses import SUCCESS, Response, parse_page, parse_resource, row_id
from sumeru_api.timestamps import http_date
from target_sumeru.plan.items import Current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from sumeru_api.client import Client
    from sumeru_api.responses import Page, Row
    from sumeru_api.write_doubt import Doubt
    from target_sumeru.config.streams import TargetStream

_PAGE_SIZE = 100
_ENVELOPE = frozenset({"id", "type", "attributes", "relationships"})
_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


class ShopApi:
    """The API of one shop.

    Args:
        client: Sends the requests.
        clock: Returns Unix seconds by our clock.
    """

    def __init__(self, client: Client, clock: Callable[[], float] = time.time) -> None:
        self.client = client
        self.name = client.shop.name
        self._clock = clock
        self._offset = 0.0

    def now(self) -> float:
        """Return Unix seconds by the API's clock, as far as a response has told it."""
        return self._clock() + self._offset

    async def pages(self, stream: TargetStream) -> AsyncIterator[list[Current]]:
        """Yield the pages of the list to which a stream belongs.

        Raises:
            ApiError: The list cannot be read.
        """

        async def fetch(cursor: str | None) -> Page:
            params = (("limit", str(_PAGE_SIZE)), *((("cursor", cursor),) if cursor else ()))
            return await self.client.get(stream.path, params, self._parse_page, stream.name)

        async for page in Pages(fetch):
            yield [_current(row) for row in page.rows]

    async def current(self, stream: TargetStream, api_id: str) -> Current | None:
        """Return one row, None if it does not exist.

        Raises:
            ApiError: It cannot be read.
        """
        path = f"{stream.path}/{quote(api_id, safe='')}"
        try:
            page = await self.client.get(path, (), parse_resource, stream.name)
        except NotFound:
            return None
        current = _current(page.rows[0])
        if current.api_id not in ("", api_id):
            raise UnexpectedResponse("the response shows another row than the one that was requested")
        return current

    async def update(
        self, stream: TargetStream, api_id: str, attributes: Mapping[str, Any], key: str, doubt: Doubt
    ) -> Response:
        """Send a PATCH of one row."""
        body = _encode({"data": {"attributes": attributes}})
        path = f"{stream.path}/{quote(api_id, safe='')}"
        return await self._write("PATCH", path, body, stream, key, doubt)

    async def update_many(
        self, stream: TargetStream, rows: Sequence[tuple[str, Mapping[str, Any]]], key: str, doubt: Doubt
    ) -> Response:
        """Send a PATCH of several rows; it counts as that many requests."""
        body = _encode({"data": [{"id": api_id, "attributes": attributes} for api_id, attributes in rows]})
        return await self._write("PATCH", stream.path, body, stream, key, doubt, cost=len(rows))

    async def create(
        self, stream: TargetStream, attributes: Mapping[str, Any], key: str, doubt: Doubt, *, wrapped: bool
    ) -> Response:
        """Send a POST that creates a row, its attributes wrapped as in a PATCH or not."""
        body = _encode({"data": {"attributes": attributes}} if wrapped else attributes)
        return await self._write("POST", stream.path, body, stream, key, doubt)

    async def launch(self, stream: TargetStream, api_id: str, key: str, doubt: Doubt) -> Response:
        """Send the POST that launches a campaign."""
        path = f"{stream.path}/{quote(api_id, safe='')}/launch"
        return await self._write("POST", path, b"", stream, key, doubt)

    def _parse_page(self, response: Response) -> Page:
        offset = self._offset_of(response)
        if offset is not None:
            self._offset = offset
        return parse_page(response, limit=_PAGE_SIZE)

    async def _write(
        self,
        method: str,
        path: str,
        body: bytes,
        stream: TargetStream,
        key: str,
        doubt: Doubt,
        *,
        cost: int = 1,
    ) -> Response:
        try:
            response = await self.client.write(
                method, path, body, stream.name, idempotency_key=key, cost=cost, doubt=doubt
            )
        except OutcomeUnknown as error:
            if error.status not in SUCCESS or error.affects_shop:
                raise
            # A success that is not JSON shows no row, as any other success that does not.
            return Response(error.status, {}, b"", 0.0, in_doubt=True)
        offset = self._offset_of(response)
        if offset is not None:  # a response that the API has kept for a key may have an old date
            self._offset = max(self._offset, offset)
        return response

    def _offset_of(self, response: Response) -> float | None:
        """Return how far the API's clock is ahead of ours, None if a response does not tell."""
        headers = response.headers
        served_at = http_date(headers.get("Date"))
        cached = headers.get("Age") is not None or "hit" in (headers.get("X-Cache") or "").lower()
        return None if served_at is None or cached else served_at.timestamp() - self._clock()


def _current(row: Row) -> Current:
    attributes = row.get("attributes")
    if not isinstance(attributes, dict):  # a flat resource
        attributes = {name: value for name, value in row.items() if name not in _ENVELOPE}
    return Current(row_id(row) or "", attributes)
