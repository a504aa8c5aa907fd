"""Bodies that were rendered before."""

from __future__ import annotations

from collections import OrderedDict


class PageCache:
    """Keeps bodies up to a number of bytes; those not used for longest go first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = size
        self._bodies: OrderedDict[object, bytes] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        """A body that was kept."""
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: object, body: bytes) -> None:
        """Keep a body."""
        self._bodies[key] = body
        self._room -= len(body)
        while self._room < 0:
            self._room += len(self._bodies.popitem(last=False)[1])

    def clear(self) -> None:
        """Drop everything."""
        self._bodies.clear()
        self._room = self._size
