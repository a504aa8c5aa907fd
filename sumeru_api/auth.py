"""The Authorization header of a shop's requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumeru_api.shop import Shop


def authorization(shop: Shop) -> str:
    """Return the value of the `Authorization` header: the shop's token as a bearer token."""
    return f"Bearer {shop.token}"
