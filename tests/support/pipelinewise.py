"""A loader of the PipelineWise family, which takes the first STATE of a run for what it has loaded.

It loads a stream when enough of its rows have come, and then takes over its bookmark of the last STATE.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class PipelineWiseLoader:
    """The loader.

    Attributes:
        batch: Rows of a stream after which it is loaded.
        loaded: The records that are in the warehouse, by stream.
        emitted: The states that it has written, for the next run.
    """

    batch: int
    loaded: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    emitted: list[Json] = field(default_factory=list)
    _waiting: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    _state: Json | None = None
    _flushed: Json | None = None

    def take(self, message: Json) -> None:
        """Receive one message."""
        if message["type"] == "STATE":
            self._state = message["value"]
            if not self._flushed:
                self._flushed = copy.deepcopy(self._state)
        elif message["type"] == "RECORD":
            stream = message["stream"]
            self._waiting[stream].append(message["record"])
            if len(self._waiting[stream]) >= self.batch:
                self._load(stream)

    def _load(self, stream: str) -> None:
        self.loaded[stream] += self._waiting.pop(stream)
        if self._state is not None and self._flushed is not None:
            bookmarks = self._flushed.setdefault("bookmarks", {})
            if stream in self._state.get("bookmarks", {}):
                bookmarks[stream] = copy.deepcopy(self._state["bookmarks"][stream])
            self.emitted.append(copy.deepcopy(self._flushed))
