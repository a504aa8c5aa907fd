"""Objects with the default settings, for tests that change only some of them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sumeru_api.rate_limiter import RateLimiter
from tap_sumeru.config.settings import Settings, StreamOptions

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = Settings.from_config({"api_token": "s3cret"})


def stream_options(replication_key: str = "updated_at", **options: Any) -> StreamOptions:
    """Return the default options of orders, with some of them replaced."""
    return replace(SETTINGS.options["orders"], replication_key=replication_key, **options)


def rate_limiter(
    share: float = SETTINGS.rate_limit_share,
    concurrency: int = SETTINGS.concurrency,
    jitter: Callable[[], float] = random.random,
) -> RateLimiter:
    """Return a rate limiter with default settings, or with the given ones."""
    return RateLimiter(share, concurrency, jitter)
