"""Counts of the requests of a run, by stream, and the form in which a request is named in a log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

_WORDS = frozenset(
    {
        "attribution",
        "campaigns",
        "customers",
        "decision-intelligence",
        "enrollments",
        "inventory",
        "journeys",
        "keywords",
        "launch",
        "orders",
        "products",
        "runs",
        "seo-intelligence",
        "usage",
    }
)
"""The segments of the documented paths. Any other segment may be the id of a row."""


@dataclass(slots=True)
class RequestCount:
    """The requests of one stream, over all shops.

    Attributes:
        answered: Requests that got a response, whatever its status.
        seconds: Seconds until their headers came, added up.
    """

    answered: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a request that got a response."""
        self.answered += 1
        self.seconds += seconds


class RequestCounts(defaultdict[str, RequestCount]):
    """The count of each stream; the shops of a run share it."""

    def __init__(self) -> None:
        super().__init__(RequestCount)


def template(path: str) -> str:
    """Return a path without the ids in it: `orders/ord_1` becomes `orders/{id}`."""
    return "/".join(part if part in _WORDS else "{id}" for part in path.split("/"))
