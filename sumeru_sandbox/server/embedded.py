"""Run a sandbox in a thread of the current process, for tests and demos."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.http_server import create_server, open_socket
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.world.clock import Clock, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    import uvicorn

    from sumeru_sandbox.server.write_log import WrittenRow


class Sandbox:
    """A sandbox server with generated shops, which runs on a free local port inside a `with` block.

    ```python
    with Sandbox(shops=("acme",), customers=100) as sandbox:
        rows = requests.get(
            f"{sandbox.url}/api/v1/orders", headers={"Authorization": f"Bearer {sandbox.token('acme')}"}
        )
    ```
    """

    def __init__(
        self,
        shops: Iterable[str] = ("acme",),
        *,
        customers: int = 100,
        seed: int = 1,
        plan: str = "enterprise",
        rate_limit: int = 0,
        now: datetime | str | None = None,
        live: float = 0,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        seconds = int(now.timestamp()) if isinstance(now, datetime) else parse_timestamp(now)
        if now is not None and seconds is None:
            raise ValueError(f"now: {now!r} is not a timestamp like 2026-05-10T14:00:00Z")
        options = Options(tuple(shops), customers, seed, plan, rate_limit, seconds, live)
        self._api = Api(options, Clock(seconds), settings)
        self._address = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> Self:
        listener = open_socket(*self._address)
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._server = create_server(self._api)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="sumeru-sandbox", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()

    def token(self, shop: str, scopes: Iterable[str] | None = None, plan: str | None = None) -> str:
        """Return a token of a shop, optionally with fewer scopes or another plan."""
        if shop not in self._api.shops:
            raise ValueError(f"unknown shop {shop!r}")
        with self._api.lock:
            return self._api.accounts.issue(shop, scopes, plan).text

    def truth(self, shop: str, stream: str) -> list[dict[str, Any]]:
        """Return all rows that the API should return now, as flat objects; `msgspec.Raw` values stay raw."""
        with self._api.lock:
            return list(self._api.truth(shop, stream))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of rows, by shop and stream."""
        with self._api.lock:
            return self._api.counts()

    def stats(self) -> dict[str, Any]:
        """Return the request counters and the latest queries since the last reset."""
        with self._api.lock:
            return self._api.stats.report()

    def writes(self, shop: str) -> list[WrittenRow]:
        """Return the rows that writes have changed since the last reset, in order."""
        with self._api.lock:
            return self._api.writes().rows(shop)

    def write_counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return how many rows were written since the last reset, by shop, stream and kind of write."""
        with self._api.lock:
            return self._api.writes().counts()

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Change switches: `{scope: {key: value}}`."""
        with self._api.lock:
            self._api.configure(settings)

    def reset(self) -> None:
        """Restore the initial settings and rows, and clear all counters."""
        with self._api.lock:
            self._api.reset()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        with self._api.lock:
            self._api.advance(seconds)

    def now(self) -> datetime:
        """Return the time of the sandbox's clock."""
        return datetime.fromtimestamp(self._api.clock.time(), UTC)

    def put(self, shop: str, stream: str, id: str, /, **attributes: Any) -> None:  # noqa: A002, ANN401 - the names and types of the API
        """Create or change a row; its replication key is set to now unless given.

        A `msgspec.Raw` value is sent byte for byte, such as `Raw(b"1e-7")`.
        """
        exact = {
            name: Decimal(str(value)) if isinstance(value, float) else value
            for name, value in attributes.items()
        }
        with self._api.lock:
            self._api.catch_up()
            self._api.shops[shop].store.put(stream, id, exact)

    def delete(self, shop: str, stream: str, id: str) -> None:  # noqa: A002 - the API's name
        """Delete a row."""
        with self._api.lock:
            self._api.catch_up()
            self._api.shops[shop].store.delete(stream, id)
