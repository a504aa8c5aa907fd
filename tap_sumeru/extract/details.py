"""Details: completes listed rows from their own endpoint; a row without a usable detail stays as it is."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from sumeru_api.errors import ApiError, ApiUnavailable, UnexpectedResponse
from sumeru_api.responses import parse_resource, row_id
from sumeru_api.timestamps import parse, precision, real, shift
from tap_sumeru.extract.recovery import FIELDS_REJECTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sumeru_api.client import Client, Params
    from sumeru_api.responses import Page, Row
    from tap_sumeru.catalog.streams import StreamSpec

logger = logging.getLogger("tap-sumeru")

_PARAMS = ("fields", "include")
_ENVELOPE = ("id", "type", "relationships")
_FIRST_ERROR = 300
_MAX_RETRIED = 3
"""Rows in a row whose details may use up their retries; after them each detail is requested once."""
_MAX_FAILED = 1000
"""Details that may fail before the first one is read."""
_ROUNDING = timedelta(seconds=1)
"""How far two forms of the same replication key may be apart, one with and one without a fraction."""
_MIN_FAILED = 2
"""One row without a detail, say a customer merged into another, says nothing about all others."""


class Details:
    """Completes the rows of one stream of one shop.

    Args:
        spec: The stream.
        client: The API of the shop.
        key: Replication key.
        requested: Whether the rows are to be completed.

    Attributes:
        requested: As above.
    """

    def __init__(self, spec: StreamSpec, client: Client, key: str, *, requested: bool) -> None:
        self.requested = requested
        self._key = key
        self._spec = spec
        self._client = client
        self._failed: dict[str, ApiError] = {}
        self._completed = False
        self._unavailable = 0  # details in a row that have used up their retries
        self._accepts_fields = True

    @property
    def all_failed(self) -> bool:
        """Whether not one detail could be read so far, of several: their rows do not count as read."""
        return not self._completed and len(self._failed) >= _MIN_FAILED

    async def complete(self, page: Page, path: str, params: Params, wanted: Callable[[Row], bool]) -> None:
        """Complete rows of a page, in place, if that is requested.

        Args:
            page: The page.
            path: Path of the list.
            params: Parameters of the list.
            wanted: Returns whether a listed row is worth a request.

        Raises:
            ApiError: A detail failed for a reason that affects the whole shop, or too many did.
        """
        if not self.requested:
            return
        params = tuple((name, value) for name, value in params if name in _PARAMS)
        ids = ((index, row_id(row)) for index, row in enumerate(page.rows) if wanted(row))
        # One worker per request that may be in flight: rows that wait for their turn see what came of others.
        todo = iter([(index, one) for index, one in ids if one not in (None, ".", "..")])
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._client.queue.concurrency):
                    group.create_task(self._work(page, todo, path, params))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if self.all_failed and len(self._failed) >= _MAX_FAILED:
            self.check()

    async def _work(self, page: Page, todo: Iterator[tuple[int, str]], path: str, params: Params) -> None:
        for index, one in todo:
            try:
                detail = await self._read(f"{path}/{quote(one, safe='')}", params)
                if row_id(detail.rows[0]) not in (None, one):
                    raise UnexpectedResponse("the response is another resource")
                if _is_older(detail.rows[0], page.rows[index], self._key):
                    raise UnexpectedResponse("the response is older than the list")
            except ApiError as error:
                if error.affects_shop:
                    raise
                self._unavailable += isinstance(error, ApiUnavailable)
                self._failed[one] = error
            else:
                self._completed, self._unavailable = True, 0
                self._failed.pop(one, None)
                page.rows[index] = merged(page.rows[index], detail.rows[0])
                page.included_of[index] = detail.included
                page.replaced += detail.replaced

    async def _read(self, path: str, params: Params) -> Page:
        if not self._accepts_fields:
            params = tuple((name, value) for name, value in params if name != "fields")
        try:
            return await self._client.get(
                path, params, parse_resource, self._spec.name, retry=self._may_retry
            )
        except ApiError as error:
            if error.status not in FIELDS_REJECTED or not any(name == "fields" for name, _ in params):
                raise
            self._accepts_fields = False
            return await self._read(path, params)

    def _may_retry(self) -> bool:
        return self._unavailable < _MAX_RETRIED

    def check(self) -> None:
        """Make sure that at least one detail could be read.

        Raises:
            ApiError: All failed.
        """
        if self.all_failed:
            error = next(reversed(self._failed.values()))
            raise error.with_cause(f"the details of all {len(self._failed)} rows failed: {error.cause}")

    def report(self) -> None:
        """Log how many rows stay as the list gave them."""
        if self._failed and not self.all_failed:
            counts = Counter(map(_reason, self._failed.values()))
            reasons = ", ".join(f"{reason}: {number}" for reason, number in sorted(counts.items()))
            rows = "row is" if len(self._failed) == 1 else "rows are"
            logger.warning(
                "Shop %s: %s: %s %s as the list gives them, because their details could not be read (%s).",
                self._client.shop.name,
                self._spec.name,
                len(self._failed),
                rows,
                reasons,
            )


def _reason(error: ApiError) -> str:
    """Return the status of an error, or what was wrong with a response that was a success."""
    return str(error.status) if error.status >= _FIRST_ERROR else error.cause.partition(" (")[0]


def _is_older(detail: Row, listed: Row, key: str) -> bool:
    """Return whether a detail, perhaps one from a cache, shows an earlier change than the list does."""
    text, listed_text = (str(_enveloped(row)["attributes"].get(key)) for row in (detail, listed))
    shown, expected = real(parse(text)), real(parse(listed_text))
    return bool(shown and expected and shift(shown, precision(text).distance + _ROUNDING) < expected)


def merged(listed: Row, detail: Row) -> Row:
    """Return a row as its own endpoint has it, with what only the list has, and with the id of the list.

    Args:
        listed: The row of the list.
        detail: The row of its own endpoint; one may be enveloped and the other flat.
    """
    if isinstance(listed.get("attributes"), dict) != isinstance(detail.get("attributes"), dict):
        listed, detail = _enveloped(listed), _enveloped(detail)
    row = {**listed, **detail}
    for part in ("attributes", "relationships"):
        if isinstance(listed.get(part), dict):
            inner = detail.get(part)
            row[part] = {**listed[part], **inner} if isinstance(inner, dict) else listed[part]
    if "id" in listed:
        row["id"] = listed["id"]
    return row


def _enveloped(row: Row) -> Row:
    """Return a row with all that it holds beside its links under `attributes`."""
    if isinstance(row.get("attributes"), dict):
        return row
    envelope = {name: row[name] for name in _ENVELOPE if name in row}
    attributes = {name: value for name, value in row.items() if name not in (*_ENVELOPE, "attributes")}
    return {**envelope, "attributes": attributes}
