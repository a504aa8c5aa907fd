"""A loopback API of one list whose date filter acts on any date of a row, on a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
FIRST, LAST = "filter[date_from]", "filter[date_to]"


class FilteredApi:
    """Rows of one stream.

    Args:
        folder: Folder for the files of the tap.
        stream: Name of the stream.
        filtered_day: Returns the day of a row, `YYYY-MM-DD`, that the date filter acts on; None if it has
            none.

    Attributes:
        now: The server's time.
        rows: The rows: the attributes that are shown, by id.
        refusal: The response to requests with the date filter, None to apply it.
        page_size: Rows on a page.
        queries: Parameters of the requests of the last sync.
        state: The state after the last sync.
    """

    def __init__(
        self, folder: Path, stream: str = "orders", filtered_day: Callable[[Json], str | None] | None = None
    ) -> None:
        self._folder = folder
        self._stream = stream
        self._filtered_day = filtered_day or (lambda row: row["updated_at"] and row["updated_at"][:10])
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.rows: dict[str, Json] = {}
        self.hidden: dict[str, str] = {}
        self.refusal: Reply | None = None
        self.page_size = 100
        self.queries: list[dict[str, str]] = []
        self.state: Json | None = None

    def moment(self, **ago: float) -> str:
        """Return the timestamp of a moment before the present."""
        return (self.now - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def day(self, **ago: float) -> str:
        """Return the day of a moment before the present."""
        return self.moment(**ago)[:10]

    def wait(self, **by: float) -> None:
        """Move the server's clock forward."""
        self.now += timedelta(**by)

    def answer(self, request: Request) -> Reply:
        """Return the response to a request."""
        first, last = request.params.get(FIRST), request.params.get(LAST)
        if first is not None and self.refusal is not None:
            return self.refusal
        rows = [
            {"id": name, "attributes": row}
            for name, row in self.rows.items()
            if first is None or self._returns(row, name, first, last or "9999")
        ]
        at = int(request.params.get("cursor", "0"))
        more = at + self.page_size < len(rows)
        pagination = {"next_cursor": str(at + self.page_size), "has_next": True} if more else END
        return Reply({"data": rows[at : at + self.page_size], "pagination": pagination})

    def _returns(self, row: Json, name: str, first: str, last: str) -> bool:
        day = self.hidden[name] if name in self.hidden else self._filtered_day(row)
        return day is not None and first <= day <= last

    def sync(self, *, full_table: bool = False, **config: Any) -> Output:
        """Sync the stream once, from the state of the sync before."""
        self.queries = []

        def script(request: Request) -> Reply:
            self.queries.append(request.params)
            reply = self.answer(request)
            reply.headers["Date"] = format_datetime(self.now, usegmt=True)
            return reply

        with ScriptedApi(script) as api:
            tap = Tap(self._folder, {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme"})
            catalog = tap.catalog(self._stream)
            for entry in catalog["streams"] if full_table else ():
                entry["replication_method"] = "FULL_TABLE"
            output = tap.sync(self.state, catalog=catalog, max_retries=0, **config)
        self.state = output.state or self.state
        return output

    def bookmark(self) -> Json:
        """Return the stream's partition of the state."""
        assert self.state is not None
        (partition,) = self.state["bookmarks"][self._stream]["partitions"]
        return dict(partition)

    @property
    def verdict(self) -> str:
        """What the state says about the date filter."""
        return str(self.bookmark().get("date_filter", {}).get("verdict", "unproven"))
