"""Hash of a row as its id in the API names it: the same whichever columns identify the row in the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_sumeru.input.rows import key_of

if TYPE_CHECKING:
    from target_sumeru.ledger import Ledger
    from target_sumeru.plan.items import Item

_ID = ("id",)


def hash_by_id(ledger: Ledger, item: Item, api_id: str) -> bytes:
    """Return the hash of a row as the API's id names it."""
    key = key_of(_ID, (api_id,))
    return ledger.row_hash(item.stream, item.shop, key) if key else item.row
