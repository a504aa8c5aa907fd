"""A sandbox in a thread of this process."""

from __future__ import annotations

import socket
import threading
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.world.clock import Clock, parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    import uvicorn


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; with port 0 on any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def server(api: Api) -> uvicorn.Server:
    """A server of the API that says nothing by itself."""
    import uvicorn  # noqa: PLC0415 - only those who start a server pay for it

    from sumeru_sandbox.server.app import Protocol, application  # noqa: PLC0415 - a server alone needs it

    config = uvicorn.Config(
        application(api),
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=0,
    )
    return uvicorn.Server(config)


class Sandbox:
    """The documented API with made-up shops, on a free port of this machine, until the `with` ends."""

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
        seconds = int(now.timestamp()) if isinstance(now, datetime) else parse_moment(now)
        if now is not None and seconds is None:
            raise ValueError(f"now: {now!r} is no moment like 2026-05-10T14:00:00Z")
        options = Options(tuple(shops), customers, seed, plan, rate_limit, seconds, live)
        self._api = Api(options, Clock(seconds), settings)
        self._address = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> Self:
        listener = listening(*self._address)
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._server = server(self._api)
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
        """A token of a shop; with fewer scopes, or another plan, if asked."""
        if shop not in self._api.shops:
            raise ValueError(f"unknown shop {shop!r}")
        with self._api.lock:
            return self._api.accounts.issue(shop, scopes, plan).text

    def truth(self, shop: str, stream: str) -> list[dict[str, Any]]:
        """All rows that the API would give now, flat; `msgspec.Raw` where `put` was given it."""
        with self._api.lock:
            return list(self._api.truth(shop, stream))

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows there are, by shop and stream."""
        with self._api.lock:
            return self._api.counts()

    def stats(self) -> dict[str, Any]:
        """What was asked since the last reset."""
        with self._api.lock:
            return self._api.stats.report()

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Set switches: `{scope: {key: value}}`."""
        with self._api.lock:
            self._api.configure(settings)

    def reset(self) -> None:
        """Go back to the beginning: first settings, no written rows, no counts."""
        with self._api.lock:
            self._api.reset()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock on."""
        with self._api.lock:
            self._api.advance(seconds)

    def now(self) -> datetime:
        """The time on the sandbox's clock."""
        return datetime.fromtimestamp(self._api.clock.time(), timezone.utc)

    def put(self, shop: str, stream: str, id: str, /, **attributes: Any) -> None:  # noqa: A002, ANN401 - as JSON has it
        """Make or change a row; its replication key is now, unless given.

        A value of `msgspec.Raw` is JSON that is sent letter by letter, such as `Raw(b"1e-7")`.
        """
        exact = {
            name: Decimal(str(value)) if isinstance(value, float) else value
            for name, value in attributes.items()
        }
        with self._api.lock:
            self._api.catch_up()
            self._api.shops[shop].store.put(stream, id, exact)

    def delete(self, shop: str, stream: str, id: str) -> None:  # noqa: A002 - as JSON has it
        """Take a row away."""
        with self._api.lock:
            self._api.catch_up()
            self._api.shops[shop].store.delete(stream, id)
