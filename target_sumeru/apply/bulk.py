"""Writes many rows with one request; one that the API refuses or fails at is sent again in smaller parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.doubt import Doubt
from sumeru_api.errors import OutcomeUnknown
from target_sumeru.apply.outcomes import Outcome, bulk_outcome, unknown_outcome, written_ids
from target_sumeru.apply.single import new_key
from target_sumeru.plan.compare import changes
from target_sumeru.plan.items import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sumeru_api.responses import Response
    from target_sumeru.apply.shop_api import ShopApi
    from target_sumeru.config.streams import TargetStream
    from target_sumeru.plan.items import Item

_PARTS = 10
_SERVER_ERROR = 500


async def write_bulk(
    api: ShopApi,
    stream: TargetStream,
    items: Sequence[Item],
    done: Callable[[Item, Outcome], None],
    go_on: Callable[[], bool],
) -> None:
    """Write rows together.

    Args:
        api: The API of the shop.
        stream: The stream.
        items: The rows.
        done: Called with what became of each row.
        go_on: Returns whether further requests may be sent.

    Raises:
        ApiError: The shop cannot be written.
    """
    doubt = Doubt(any(item.doubt.exists for item in items))
    for item in items:
        item.doubt = doubt
    try:
        rows = [(one.api_id, one.attributes) for one in items]
        response = await api.update_many(stream, rows, new_key(), doubt)
    except OutcomeUnknown as error:
        if len(items) > 1 and error.status >= _SERVER_ERROR:  # one of the rows may be what it fails at
            await _write_parts(api, stream, items, len(items), done, go_on)
            return
        for item in items:
            done(item, unknown_outcome(error))
        return
    outcome = bulk_outcome(response, stream.columns)
    written = _written(response, outcome, {item.api_id for item in items})
    left = []
    for item in items:
        if item.api_id in written:
            done(item, Outcome(Status.WRITTEN, http_status=response.status))
        else:
            left.append(item)
    if len(items) == 1:
        for item in left:
            done(item, outcome if outcome.status is Status.REJECTED else await _read_back(api, stream, item))
        return
    await _write_parts(api, stream, left, len(items), done, go_on)


async def _write_parts(
    api: ShopApi,
    stream: TargetStream,
    items: Sequence[Item],
    sent: int,
    done: Callable[[Item, Outcome], None],
    go_on: Callable[[], bool],
) -> None:
    """Write rows in parts of a tenth of the number that was sent together."""
    size = max(1, sent // _PARTS)
    for start in range(0, len(items), size):
        if not go_on():
            return
        await write_bulk(api, stream, items[start : start + size], done, go_on)


def _written(response: Response, outcome: Outcome, sent: set[str]) -> set[str]:
    """Return the ids of the rows that were certainly written."""
    listed = written_ids(response) if response.ok else set()
    if outcome.status is Status.WRITTEN:
        return sent if listed is None else listed
    # A failure together with a list of all rows does not tell which of them failed.
    return set() if listed is None or sent <= listed else listed


async def _read_back(api: ShopApi, stream: TargetStream, item: Item) -> Outcome:
    """Return what became of a row that the API has accepted without listing it."""
    current = await api.current(stream, item.api_id)
    if current is None or changes(item.attributes, current.attributes, stream.columns):
        return Outcome(Status.REJECTED, "not_written")
    return Outcome(Status.WRITTEN)
