"""Validated settings, read from the config. No error quotes a value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from sumeru_api.timestamps import text
from tap_sumeru.catalog.streams import DATE_FILTER, STREAMS, StreamSpec
from tap_sumeru.config.filters import read_filters
from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.numbers import RANGES, read_number
from tap_sumeru.config.schema import CONFIG_SCHEMA, DEFAULTS
from tap_sumeru.config.schema_violations import first_violation
from tap_sumeru.config.setting_names import check_setting_names
from tap_sumeru.config.shops import Config, header_text, read_date, read_shops, select_shard
from tap_sumeru.config.unknown_names import reject_misspelt
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sumeru_api.shop import Shop

_MAX_DAYS = 365_000
_MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How one stream is read: its defaults, overridden by the user's `stream_options`.

    Attributes:
        replication_key: Field by which changes are found.
        filters: Attribute filters, as pairs of attribute and value.
        include: Related resources to request.
        details: Whether every row is read from its own endpoint too.
        date_filter: Names of the query parameters for the first and the last day, or None.
        lookback: How far before the bookmark a sync starts.
        window_days: Length of the windows into which a date range is split.
        audit_interval: The longest time between two audits of the date filter, zero for no audits.
    """

    replication_key: str
    filters: tuple[tuple[str, str], ...]
    include: tuple[str, ...]
    details: bool
    date_filter: tuple[str, str] | None
    lookback: timedelta
    window_days: int
    audit_interval: timedelta

    @property
    def fingerprint(self) -> str:
        """Hash of the attribute filters, empty without filters. It reveals no value."""
        return hashlib.sha256(repr(self.filters).encode()).hexdigest()[:16] if self.filters else ""

    def without(self, names: Collection[str]) -> StreamOptions:
        """Return options that do not request the related resources of these names."""
        return replace(self, include=tuple(name for name in self.include if name not in names))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, validated.

    Attributes:
        shops: The shops of this run, without those of other shards.
        options: How each stream is read, by stream name.
        end_date: Exclusive end of the sync, or None.
        concurrency: Maximum requests in flight per shop.
        rate_limit_share: Share of a shop's rate limit that may be used.
        request_timeout_seconds: Read timeout.
        max_retries: Maximum retries per request.
        stop_on_error: Whether a failed stream or shop stops the others.
        discover_rows: Rows to sample per stream and shop at discovery.
        sharded: Whether other processes read further shops of the same config.
        configured: Names of all shops of the config, those of other shards included.
        user_agent: Text to append to the User-Agent header.
        shard: The shard as it is configured, empty if the shops are not divided.
        pii: What happens to personal columns: `keep`, `hash` or `drop`.
    """

    shops: tuple[Shop, ...]
    options: Mapping[str, StreamOptions]
    end_date: datetime | None
    concurrency: int
    rate_limit_share: float
    request_timeout_seconds: float
    max_retries: int
    stop_on_error: bool
    sharded: bool
    discover_rows: int
    configured: frozenset[str]
    user_agent: str
    shard: str = ""
    pii: str = "keep"

    def only(self, shops: tuple[Shop, ...]) -> Settings:
        """Return the same settings for some of the shops."""
        return replace(self, shops=shops)

    @classmethod
    def from_config(
        cls, config: Config, now: datetime | None = None, *, shops_required: bool = True
    ) -> Settings:
        """Return the settings of a config.

        Args:
            config: The config.
            now: The present; without it, a start date may lie in the future.
            shops_required: Whether an empty list of shops is an error.

        Raises:
            SettingsError: A setting is not valid; the message names it and says what to do.
        """
        config = given_values(config, CONFIG_SCHEMA)
        check_setting_names(config, CONFIG_SCHEMA)
        check_types(config)
        config = {**DEFAULTS, **config}
        end_date = read_date(config, "end_date")
        shops = read_shops(config, required=shops_required)
        for shop in shops:
            if now and shop.start_date and shop.start_date > now:
                raise SettingsError(
                    f"start_date: must not be in the future (shop {shop.name}). Now it is {text(now)}."
                )
            if end_date and shop.start_date and end_date <= shop.start_date:
                raise SettingsError(f"end_date: must be after start_date (shop {shop.name}).")
        selected, sharded = select_shard(config.get("shard"), shops)
        return cls(
            shops=selected,
            options={name: _stream_options(spec, config) for name, spec in STREAMS.items()},
            end_date=end_date,
            concurrency=int(_number(config, "concurrency")),
            rate_limit_share=_number(config, "rate_limit_share"),
            request_timeout_seconds=_number(config, "request_timeout_seconds"),
            max_retries=int(_number(config, "max_retries")),
            stop_on_error=config["on_error"] == "stop",
            sharded=sharded,
            discover_rows=int(_number(config, "discover_rows")),
            configured=frozenset(shop.name for shop in shops),
            user_agent=header_text(config.get("user_agent", ""), "user_agent"),
            shard=config.get("shard", ""),
            pii=config["pii"],
        )


def check_types(config: Config) -> None:
    """Check the types of the settings.

    Raises:
        SettingsError: A setting has another type; the message names it.
    """
    # The validator cannot process the SDK's schema of `stream_maps`; `stream_maps.py` checks that setting.
    own = {name: schema for name, schema in CONFIG_SCHEMA["properties"].items() if name != "stream_maps"}
    if violation := first_violation(dict(config), {**CONFIG_SCHEMA, "properties": own}):
        raise SettingsError(f"{violation[0]}: {violation[1]}.")


_OWN_PARAMETERS = {"limit", "cursor", "include", "fields"}


def _stream_options(spec: StreamSpec, config: Config) -> StreamOptions:
    given: Config = config.get("stream_options", {}).get(spec.name) or {}
    date_filter = given.get("date_filter", DATE_FILTER)
    prefix = f"stream_options.{spec.name}."
    options = {name: value for name, value in given.items() if value not in (None, "")}
    if options.get("details") and not spec.detail:
        raise SettingsError(f"{prefix}details: {spec.name} has no detail endpoint. Remove this option.")
    if date_filter and not (len(date_filter) == len({*date_filter} - {""}) == len(DATE_FILTER)):
        raise SettingsError(f"{prefix}date_filter: must name two parameters, or be an empty list or null.")
    if {*(date_filter or ())} & _OWN_PARAMETERS:
        raise SettingsError(f"{prefix}date_filter: must not name a parameter that the tap sets itself.")
    for name in options.get("include", ()):
        if not name.isprintable() or not name or "," in name:
            raise SettingsError(f"{prefix}include: must be a list of names of related resources.")
        if name not in spec.include:
            reject_misspelt(f"{prefix}include ({mask_name(name)})", name, spec.include, "related resource")
    inherited = {"lookback_days": spec.lookback_days, **config}
    lookback, window = (
        _number(options, name, prefix) if name in options else _number(inherited, name)
        for name in ("lookback_days", "window_days")
    )
    return StreamOptions(
        replication_key=options.get("replication_key", spec.replication_key),
        filters=read_filters(options.get("filters", {}), f"{prefix}filters", date_filter or ()),
        include=tuple(options.get("include", spec.include)),
        details=options.get("details", False),
        date_filter=(date_filter[0], date_filter[1]) if date_filter else None,
        lookback=timedelta(days=lookback),
        window_days=int(window),
        audit_interval=timedelta(days=_number(config, "audit_days")),
    )


_RANGES = RANGES | {
    "lookback_days": (lambda days: 0 <= days <= _MAX_DAYS, f"from 0 to {_MAX_DAYS}"),
    "window_days": (lambda days: 1 <= days <= _MAX_DAYS, f"from 1 to {_MAX_DAYS}"),
    "audit_days": (lambda days: 0 <= days <= _MAX_DAYS, f"from 0 to {_MAX_DAYS}"),
    "discover_rows": (lambda rows: 0 <= rows <= _MAX_ROWS, f"from 0 to {_MAX_ROWS}"),
}


def _number(config: Config, name: str, prefix: str = "") -> float:
    return read_number(config, name, _RANGES, prefix)
