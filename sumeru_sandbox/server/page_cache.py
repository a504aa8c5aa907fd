"""A cache of rendered response bodies, limited by their total size."""

from __future__ import annotations

from collections import OrderedDict


class PageCache:
    """Stores bodies up to a total number of bytes; the least recently used are dropped first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free_bytes = size
        self._bodies: OrderedDict[object, bytes] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        """Return a stored body, or None."""
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: object, body: bytes) -> None:
        """Store a body."""
        self._bodies[key] = body
        self._free_bytes -= len(body)
        while self._free_bytes < 0:
            self._free_bytes += len(self._bodies.popitem(last=False)[1])

    def clear(self) -> None:
        """Discard all bodies."""
        self._bodies.clear()
        self._free_bytes = self._size
