"""One shop: its name, its token, and the host of its API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

API_URL = "https://api.sumeru.systems"
"""Default host; the documented EU host is `https://eu.api.sumeru.systems`."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop whose data is read.

    Attributes:
        name: Name under which its rows are stored.
        token: Its API token; never shown.
        api_url: Host of its API, without a slash at the end.
        start_date: Where its first sync begins, or None for all history.
    """

    name: str
    token: str = field(repr=False)
    api_url: str = API_URL
    start_date: datetime | None = None
