"""Doubt about a write: whether it may have been applied, which the caller can read whatever ends it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Doubt:
    """The doubt about a write; it changes while `Client.write` runs, which an exception may end at any time.

    Attributes:
        exists: Whether the write may have been applied. True while a request is on its way.
    """

    exists: bool = False
