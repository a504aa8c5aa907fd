"""Reads the attribute filters of `stream_options`."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def read_filters(
    filters: Mapping[str, object], setting: str, date_filter: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """Return the filters as pairs of attribute and text, sorted by attribute.

    Args:
        filters: The filters as given.
        setting: Name of the setting, for messages.
        date_filter: Names of the parameters that the tap sets itself.

    Raises:
        SettingsError: A filter cannot be sent; the message names it.
    """
    pairs = []
    for name, value in sorted(filters.items()):
        where = f"{setting}.{mask_name(name)}"
        if not name or not name.isprintable() or set(name) & set("[]&="):
            raise SettingsError(f"{where}: must be the name of an attribute, without brackets.")
        if f"filter[{name}]" in date_filter:
            raise SettingsError(f"{where}: the tap sets this filter. Use start_date and end_date instead.")
        pairs.append((name, _text(value, where)))
    return tuple(pairs)


def _text(value: object, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, (float, Decimal)) and math.isfinite(value):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    raise SettingsError(f"{where}: must be a string, a number or a boolean.")
