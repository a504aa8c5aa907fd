"""Allowed ranges of numeric settings, and the error for a number outside its range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Ranges = Mapping[str, tuple[Callable[[float], bool], str]]

RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "concurrency": (lambda requests: requests >= 1, "of at least 1"),
    "rate_limit_share": (lambda share: 0 < share <= 1, "above 0 and at most 1"),
    "request_timeout_seconds": (lambda seconds: 0 < seconds < math.inf, "above 0"),
    "max_retries": (lambda retries: retries >= 0, "of at least 0"),
}
"""Ranges that the tap and the target share: for each setting a test, and its description."""


def read_number(config: Mapping[str, Any], name: str, ranges: Ranges, prefix: str = "") -> float:
    """Return the number of a setting.

    Args:
        config: The config.
        name: Name of the setting.
        ranges: The range of each setting.
        prefix: Prefix of the name in the message.

    Raises:
        SettingsError: It is not a number, or outside its range.
    """
    in_range, expected = ranges[name]
    try:
        number = float(config[name])
    except (ValueError, OverflowError):
        number = math.nan
    if not in_range(number):
        raise SettingsError(f"{prefix}{name}: must be a number {expected}.")
    return number
