"""One frozen `Settings` object, made from the config and checked as a whole; no error prints a value."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from tap_sumeru.catalog.streams import DATE_FILTER, STREAMS, StreamSpec
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.config.shops import Config, header_text, read_date, read_shops, share_out
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sumeru_api.shop import Shop

_MOST_DAYS = 365 * 1000


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How one stream is read: the stream's own defaults under the user's `stream_options`.

    Attributes:
        filters: Attribute filters, by attribute.
        include: Related resources to ask for.
        details: Whether every row is completed from its own endpoint.
        replication_key: Field by which changes are found.
        date_filter: Names of the parameters for the first and last day, or None.
        lookback: How far behind the bookmark a sync reads again.
        window_days: Length of the windows that a range is cut into.
    """

    replication_key: str
    filters: tuple[tuple[str, str], ...] = ()
    include: tuple[str, ...] = ()
    details: bool = False
    date_filter: tuple[str, str] | None = DATE_FILTER
    lookback: timedelta = timedelta(hours=1)
    window_days: int = 30

    @property
    def fingerprint(self) -> str:
        """What tells these filters from others, without saying on what; empty if there are none."""
        return hashlib.sha256(repr(self.filters).encode()).hexdigest()[:16] if self.filters else ""

    def without(self, unwanted: Collection[str]) -> StreamOptions:
        """Return options that ask for no related resource of these names."""
        return replace(self, include=tuple(name for name in self.include if name not in unwanted))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. Spans and rates are in the units that their names say.

    Attributes:
        shops: The shops of this run, those of other shards left out.
        options: How each stream is read, by stream name.
        end_date: Exclusive end of the read, or None.
        concurrency: Requests in flight per shop, at most.
        rate_limit_share: Share of a shop's rate limit that may be used.
        request_timeout_seconds: How long an answer may stay silent.
        max_retries: Tries after the first one.
        stop_on_error: Whether a failed stream or shop stops the rest.
        sharded: Whether other runs read further shops of the same configuration.
        user_agent: What the user adds to the User-Agent.
    """

    shops: tuple[Shop, ...]
    options: Mapping[str, StreamOptions]
    end_date: datetime | None = None
    concurrency: int = 8
    rate_limit_share: float = 1.0
    request_timeout_seconds: float = 60
    max_retries: int = 5
    stop_on_error: bool = False
    sharded: bool = False
    user_agent: str = ""

    def only(self, shops: tuple[Shop, ...]) -> Settings:
        """Return the same settings for some of the shops."""
        return replace(self, shops=shops)

    @classmethod
    def from_config(cls, config: Config) -> Settings:
        """Make settings from a config.

        Raises:
            SettingsError: If a setting cannot be used; the message names it and says what to do.
        """
        _check_types(config)
        end_date = read_date(config, "end_date")
        shops = read_shops(config)
        for shop in shops:
            if end_date and shop.start_date and end_date <= shop.start_date:
                raise SettingsError(f"end_date: must be after start_date (shop {shop.name}).")
        mine, sharded = share_out(config.get("shard"), shops)
        return cls(
            shops=mine,
            options={name: _options(spec, config) for name, spec in STREAMS.items()},
            end_date=end_date,
            concurrency=_at_least(1, config, "concurrency", 8),
            rate_limit_share=_share(config),
            request_timeout_seconds=_positive(config, "request_timeout_seconds", 60),
            max_retries=_at_least(0, config, "max_retries", 5),
            stop_on_error=config.get("on_error") == "stop",
            sharded=sharded,
            user_agent=header_text(config.get("user_agent") or "", "user_agent"),
        )


def _check_types(config: Config) -> None:
    # The SDK adds a schema of `stream_maps` over which the validator trips; see `maps`.
    own = {name: schema for name, schema in CONFIG_SCHEMA["properties"].items() if name != "stream_maps"}
    for error in Draft202012Validator({**CONFIG_SCHEMA, "properties": own}).iter_errors(dict(config)):
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        name = path.lstrip(".") or "config"
        if error.validator == "additionalProperties":
            known = ", ".join(error.schema.get("properties", ()))
            raise SettingsError(f"{name}: has an entry that is not known; known are {known}.")
        if error.validator == "required":
            raise SettingsError(f"{name}: lacks one of {', '.join(error.validator_value)}.")
        wanted = error.validator_value
        if isinstance(wanted, list) and all(isinstance(one, str) for one in wanted):
            raise SettingsError(f"{name}: must be {error.validator} {', '.join(wanted)}.")
        if isinstance(wanted, str):
            raise SettingsError(f"{name}: must be {error.validator} {wanted}.")
        raise SettingsError(f"{name}: does not have the form that `tap-sumeru --about` tells.")


def _options(spec: StreamSpec, config: Config) -> StreamOptions:
    chosen: Config = (config.get("stream_options") or {}).get(spec.name) or {}
    where = f"stream_options.{spec.name}."
    if chosen.get("details") and not spec.detail:
        raise SettingsError(f"{where}details: this resource has no endpoint of its own.")
    date_filter = chosen.get("date_filter", list(DATE_FILTER))
    if date_filter and (len(date_filter) != len(DATE_FILTER) or not all(date_filter)):
        raise SettingsError(f"{where}date_filter: must name two parameters, or be empty or null.")
    source, prefix = (chosen, where) if "lookback_days" in chosen else (config, "")
    days = _number(source, "lookback_days", spec.lookback_days, prefix)
    if not 0 <= days <= _MOST_DAYS:
        raise SettingsError(f"{prefix}lookback_days: must be a number of days from 0.")
    source, prefix = (chosen, where) if "window_days" in chosen else (config, "")
    return StreamOptions(
        replication_key=chosen.get("replication_key") or spec.replication_key,
        filters=tuple((name, _filter_text(value, where, name)) for name, value in _filters(chosen)),
        include=tuple(chosen.get("include", spec.include)),
        details=bool(chosen.get("details")),
        date_filter=(date_filter[0], date_filter[1]) if date_filter else None,
        lookback=timedelta(days=days),
        window_days=_at_least(1, source, "window_days", 30, prefix),
    )


def _filters(chosen: Config) -> list[tuple[str, Any]]:
    return sorted((chosen.get("filters") or {}).items())


def _filter_text(value: object, where: str, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise SettingsError(f"{where}filters.{name}: must be a text, a number or a boolean.")


def _at_least(least: int, config: Config, setting: str, default: int, prefix: str = "") -> int:
    value = config.get(setting)
    number = default if value is None else int(value)
    if number < least:
        raise SettingsError(f"{prefix}{setting}: must be at least {least}.")
    return number


def _number(config: Config, setting: str, default: float, prefix: str = "") -> float:
    value = config.get(setting)
    try:
        return default if value in (None, "") else float(value)
    except ValueError:
        raise SettingsError(f"{prefix}{setting}: is no number.") from None


def _positive(config: Config, setting: str, default: float) -> float:
    number = _number(config, setting, default)
    if not 0 < number < math.inf:
        raise SettingsError(f"{setting}: must be above 0.")
    return number


def _share(config: Config) -> float:
    share = _positive(config, "rate_limit_share", 1.0)
    if share > 1:
        raise SettingsError("rate_limit_share: must be above 0 and at most 1.")
    return share
