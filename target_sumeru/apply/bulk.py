"""Writes many rows with one request; one that the API refuses or fails at is split into smaller ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import OutcomeUnknown
from sumeru_api.write_doubt import Doubt
from target_sumeru.apply.outcomes import Outcome, bulk_refusal, shown, unknown_outcome, written_ids
from target_sumeru.apply.single import new_key
from target_sumeru.plan.items import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
) -> list[Item]:
    """Write rows together; return those of which no answer says what has become: `read_back` finds out.

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
            return await _write_parts(api, stream, items, len(items), done, go_on)
        for item in items:
            done(item, unknown_outcome(error))
        return []
    refusal = bulk_refusal(response, stream.columns)
    written = written_ids(response, stream)
    if refusal is not None and {item.api_id for item in items} <= written:
        written = set()  # a failure together with a list of all rows does not tell which of them failed
    left = []
    for item in items:
        if item.api_id in written:
            done(item, Outcome(Status.WRITTEN, http_status=response.status))
        else:
            left.append(item)
    if len(items) == 1 and refusal is not None:
        done(items[0], refusal)
        return []
    if len(items) == 1 or (refusal is None and len(left) == len(items)):
        return left
    return await _write_parts(api, stream, left, len(items), done, go_on)


async def _write_parts(
    api: ShopApi,
    stream: TargetStream,
    items: Sequence[Item],
    sent: int,
    done: Callable[[Item, Outcome], None],
    go_on: Callable[[], bool],
) -> list[Item]:
    """Write rows in parts of a tenth of the number that was sent together; return as `write_bulk` does."""
    size = max(1, sent // _PARTS)
    unanswered: list[Item] = []
    for start in range(0, len(items), size):
        if not go_on():
            break
        unanswered += await write_bulk(api, stream, items[start : start + size], done, go_on)
    return unanswered


async def read_back(
    api: ShopApi, stream: TargetStream, items: Iterable[Item], done: Callable[[Item, Outcome], None]
) -> None:
    """Settle rows that the API has accepted without saying that it has written them, as its list shows them.

    Args:
        api: The API of the shop.
        stream: The stream.
        items: The rows.
        done: Called with what became of each row.

    Raises:
        ApiError: The list cannot be read.
    """
    left = {item.api_id: item for item in items}
    async for page in api.pages(stream):
        for current in page:
            item = left.pop(current.api_id, None)
            if item is not None:
                done(item, shown(item.attributes, current, stream))
        if not left:
            return
    for item in left.values():
        done(item, shown(item.attributes, None, stream))
