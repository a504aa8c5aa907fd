"""Deterministic random numbers for generated rows: the same seed and index always give the same numbers."""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[int], tuple[int, ...]]

POOL_SIZE = 1021
MULTIPLIER = 2654435761


def pool_index(index: int) -> int:
    """Return which of the `POOL_SIZE` shared sets of values a row uses: few enough to be cached."""
    return index * MULTIPLIER % POOL_SIZE


def random_draws(*seed: object) -> Draw:
    """Return a function that maps an index to 32 random numbers below 65536."""
    key = blake2b("/".join(map(str, seed)).encode(), digest_size=32).digest()
    unpack = struct.Struct("<32H").unpack

    def draw(index: int) -> tuple[int, ...]:
        return unpack(blake2b(index.to_bytes(8, "little"), key=key).digest())

    return draw
