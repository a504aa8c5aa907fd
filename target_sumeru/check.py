"""`--check`: whether the token, its scopes and the ledger allow the target to write. Nothing is written."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.client import Client
from sumeru_api.errors import ApiError, AuthenticationError
from sumeru_api.rate_limiter import RateLimiter
from sumeru_api.request_queue import RequestQueue
from sumeru_api.session import Session, default_headers
from sumeru_api.slots import Slots
from tap_sumeru.sync.signals import run_until_signal
from target_sumeru.apply.shop_api import ShopApi
from target_sumeru.config.streams import STREAMS, Updates
from target_sumeru.ledger import Ledger, exists
from target_sumeru.summary import advice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sumeru_api.shop import Shop
    from target_sumeru.config.settings import Settings
    from target_sumeru.config.streams import TargetStream

logger = logging.getLogger("target-sumeru")

_MAX_REQUESTS = 64
_HOLD_SECONDS = 1.0
_NO_ROW = "target-sumeru-check"
"""An id that no row has."""
_ALL_STREAMS = "all streams"


class Finding(NamedTuple):
    """What was found out about one stream of one shop.

    Attributes:
        shop: The shop.
        stream: The stream, or words for all of them if the token is not valid.
        reading: Why its list cannot be read, empty if it can.
        writing: Why it cannot be written, empty if it can.
    """

    shop: str
    stream: str
    reading: str = ""
    writing: str = ""


def run_check(settings: Settings, show: Callable[[str], None]) -> int:
    """Print what a check finds; return 1 if something is missing.

    Raises:
        LedgerError: The ledger cannot be used.
    """
    ledger = "not set: nothing can be created or launched"
    if settings.ledger_path and exists(settings.ledger_path):
        with Ledger(settings.ledger_path):
            ledger = "can be used"
    elif settings.ledger_path:
        ledger = "does not exist yet; the first run makes it"
    findings = run_until_signal(_check_all(settings))
    lines = [f"ledger: {ledger}"]
    for shop in settings.shops.values():
        lines.append(f"shop {shop.name}: {shop.api_url}")
        for one in findings:
            if one.shop == shop.name:
                problem = one.reading or one.writing
                lines.append(f"  {one.stream}: {'cannot be written' if problem else 'can be written'}")
    show("\n".join(lines))
    for (shop_name, problem), streams in _problems(findings).items():
        logger.error("Shop %s: %s: %s", shop_name, ", ".join(streams), problem)
    return 1 if any(one.reading or one.writing for one in findings) else 0


def _problems(findings: Sequence[Finding]) -> dict[tuple[str, str], list[str]]:
    """Return the streams that have each problem, by shop and problem."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        for problem in dict.fromkeys(filter(None, (one.reading, one.writing))):
            found.setdefault((one.shop, problem), []).append(one.stream)
    return found


async def _check_all(settings: Settings) -> list[Finding]:
    session = Session(default_headers(settings.user_agent, "target-sumeru"), settings.request_timeout_seconds)
    slots = Slots(_MAX_REQUESTS, _HOLD_SECONDS)

    async def check_shop(shop: Shop) -> list[Finding]:
        queue = RequestQueue(RateLimiter(settings.rate_limit_share, settings.concurrency))
        api = ShopApi(Client(shop, session, queue, slots, max_retries=0))
        try:
            return [await _check_stream(api, stream) for stream in STREAMS.values()]
        except AuthenticationError as error:  # every other request would fail as this one did
            return [Finding(api.name, _ALL_STREAMS, reading=advice(error, ""))]

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(check_shop(shop)) for shop in settings.shops.values()]
    finally:
        await session.close()
    return [finding for task in tasks for finding in task.result()]


async def _check_stream(api: ShopApi, stream: TargetStream) -> Finding:
    """Check one stream.

    Raises:
        AuthenticationError: The token of the shop is not valid.
    """
    try:
        async for _ in api.pages(stream):
            break
    except AuthenticationError:
        raise
    except ApiError as error:
        return Finding(api.name, stream.name, reading=advice(error, stream.reading_scope))
    try:
        await _write_nothing(api, stream)
    except ApiError as error:
        return Finding(api.name, stream.name, writing=advice(error, stream.scope))
    return Finding(api.name, stream.name)  # whatever the API says about the content, the scope is there


async def _write_nothing(api: ShopApi, stream: TargetStream) -> object:
    """Send a write that must fail: its body is empty, and no row has its id."""
    method, path = "POST", stream.path
    if stream.launches:
        path = f"{stream.path}/{_NO_ROW}/launch"
    elif stream.updates is Updates.SINGLE:
        method, path = "PATCH", f"{stream.path}/{_NO_ROW}"
    elif stream.updates is Updates.BULK:
        method = "PATCH"
    return await api.client.write(method, path, b"{}", stream.name, idempotency_key=None)
