"""Validated settings, read from the config. No error quotes a value."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from sumeru_api.timestamps import text
from tap_sumeru.catalog.streams import DATE_FILTER, STREAMS, StreamSpec
from tap_sumeru.config.schema import CONFIG_SCHEMA, DEFAULTS
from tap_sumeru.config.shops import Config, header_text, read_date, read_shops, select_shard
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sumeru_api.shop import Shop

_MAX_DAYS = 365_000


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
        sharded: Whether other processes read further shops of the same config.
        user_agent: Text to append to the User-Agent header.
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
    user_agent: str

    def only(self, shops: tuple[Shop, ...]) -> Settings:
        """Return the same settings for some of the shops."""
        return replace(self, shops=shops)

    @classmethod
    def from_config(cls, config: Config, now: datetime | None = None) -> Settings:
        """Return the settings of a config.

        Args:
            config: The config.
            now: The present; without it, a start date may lie in the future.

        Raises:
            SettingsError: A setting is not valid; the message names it and says what to do.
        """
        _check_types(config)
        config = {**DEFAULTS, **_without_empty(config)}
        end_date = read_date(config, "end_date")
        shops = read_shops(config)
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
            user_agent=header_text(config.get("user_agent", ""), "user_agent"),
        )


def _without_empty(config: Config) -> dict[str, Any]:
    """Return the settings that are set: null and an empty environment variable set nothing."""
    return {name: value for name, value in config.items() if value is not None and value != ""}


def _check_types(config: Config) -> None:
    # The validator cannot process the SDK's schema of `stream_maps`; `stream_maps.py` checks that setting.
    own = {name: schema for name, schema in CONFIG_SCHEMA["properties"].items() if name != "stream_maps"}
    for error in Draft202012Validator({**CONFIG_SCHEMA, "properties": own}).iter_errors(dict(config)):
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        name, expected = path.lstrip(".") or "config", error.validator_value
        names = " or ".join(expected) if isinstance(expected, list) else expected
        if error.validator == "additionalProperties":
            known = ", ".join(error.schema.get("properties", ()))
            raise SettingsError(f"{name}: has an unknown key. Known keys: {known}.")
        if error.validator == "required":
            raise SettingsError(f"{name}: must have the keys {', '.join(expected)}.")
        if error.validator == "enum":
            raise SettingsError(f"{name}: must be {names}.")
        if error.validator == "type":
            raise SettingsError(f"{name}: must be of type {names}.")
        raise SettingsError(f"{name}: is not valid. See `tap-sumeru --about`.")


def _stream_options(spec: StreamSpec, config: Config) -> StreamOptions:
    given: Config = (config.get("stream_options") or {}).get(spec.name) or {}
    date_filter = given.get("date_filter", DATE_FILTER)
    prefix, options = f"stream_options.{spec.name}.", _without_empty(given)
    if options.get("details") and not spec.detail:
        raise SettingsError(f"{prefix}details: {spec.name} has no detail endpoint. Remove this option.")
    if date_filter and (len(date_filter) != len(DATE_FILTER) or not all(date_filter)):
        raise SettingsError(f"{prefix}date_filter: must name two parameters, or be an empty list or null.")
    inherited = {"lookback_days": spec.lookback_days, **config}
    lookback, window = (
        _number(options, name, prefix) if name in options else _number(inherited, name)
        for name in ("lookback_days", "window_days")
    )
    return StreamOptions(
        replication_key=options.get("replication_key", spec.replication_key),
        filters=tuple(
            (name, _filter_value(value, f"{prefix}filters.{name}"))
            for name, value in sorted(options.get("filters", {}).items())
        ),
        include=tuple(options.get("include", spec.include)),
        details=options.get("details", False),
        date_filter=(date_filter[0], date_filter[1]) if date_filter else None,
        lookback=timedelta(days=lookback),
        window_days=int(window),
        audit_interval=timedelta(days=_number(config, "audit_days")),
    )


def _filter_value(value: object, setting: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise SettingsError(f"{setting}: must be a string, a number or a boolean.")


_RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "lookback_days": (lambda days: 0 <= days <= _MAX_DAYS, f"from 0 to {_MAX_DAYS}"),
    "audit_days": (lambda days: 0 <= days <= _MAX_DAYS, f"from 0 to {_MAX_DAYS}"),
    "window_days": (lambda days: days >= 1, "at least 1"),
    "concurrency": (lambda requests: requests >= 1, "at least 1"),
    "rate_limit_share": (lambda share: 0 < share <= 1, "above 0 and at most 1"),
    "request_timeout_seconds": (lambda seconds: 0 < seconds < math.inf, "above 0"),
    "max_retries": (lambda retries: retries >= 0, "at least 0"),
}


def _number(config: Config, name: str, prefix: str = "") -> float:
    in_range, expected = _RANGES[name]
    try:
        number = float(config[name])
    except (ValueError, OverflowError):
        number = math.nan
    if not in_range(number):
        raise SettingsError(f"{prefix}{name}: must be a number {expected}.")
    return number
