"""Divides the shops into groups, one for each partition."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sumeru_api.shop import Shop

SHOPS_PER_GROUP = 50
"""So many shops keep one task busy; more partitions than this needs only cost the start of a task each."""


def group_shops(shops: Iterable[Shop], partitions: int | None = None) -> list[list[Shop]]:
    """Divide shops into groups of about the same size.

    The rate limit belongs to a token, so shops with the same token are in one group.

    Args:
        shops: The shops.
        partitions: The number of groups, at most; None for one per 50 shops.
    """
    by_token: dict[tuple[str, str], list[Shop]] = defaultdict(list)
    for shop in shops:
        by_token[shop.token, shop.api_url].append(shop)
    total = sum(map(len, by_token.values()))
    wanted = partitions or -(-total // SHOPS_PER_GROUP)
    groups: list[list[Shop]] = [[] for _ in range(min(wanted, len(by_token)))]
    for members in sorted(by_token.values(), key=len, reverse=True):
        min(groups, key=len).extend(members)
    return groups
