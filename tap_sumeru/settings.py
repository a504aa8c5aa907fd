"""One frozen `Settings` object, made from the config and checked as a whole; no error prints a value."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pendulum
from jsonschema import Draft202012Validator

from tap_sumeru.config import API_URL, CONFIG_SCHEMA
from tap_sumeru.errors import SettingsError
from tap_sumeru.streams import DATE_FILTER, STREAMS, StreamSpec

Config = Mapping[str, Any]

_MOST_DAYS = 365 * 1000


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop to read.

    Attributes:
        name: Name that its rows are filed under.
        token: Its API token; never shown.
        api_url: Host of its API, without a slash at the end.
        start_date: Where its first sync begins, or None for the whole history.
    """

    name: str
    token: str = field(repr=False)
    api_url: str = API_URL
    start_date: datetime | None = None


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
        end_date = _date(config, "end_date")
        shops = _shops(config)
        for shop in shops:
            if end_date and shop.start_date and end_date <= shop.start_date:
                raise SettingsError(f"end_date: must be after start_date (shop {shop.name}).")
        mine, sharded = _shard(config.get("shard"), shops)
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
            user_agent=_header_text(config.get("user_agent") or "", "user_agent"),
        )


def _check_types(config: Config) -> None:
    for error in Draft202012Validator(CONFIG_SCHEMA).iter_errors(dict(config)):
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        name = path.lstrip(".") or "config"
        if error.validator == "additionalProperties":
            known = ", ".join(error.schema.get("properties", ()))
            raise SettingsError(f"{name}: has an entry that is not known; known are {known}.")
        if error.validator == "required":
            raise SettingsError(f"{name}: lacks one of {', '.join(error.validator_value)}.")
        wanted = error.validator_value
        wanted = ", ".join(wanted) if isinstance(wanted, list) else wanted
        raise SettingsError(f"{name}: must be {error.validator} {wanted}.")


def _shops(config: Config) -> tuple[Shop, ...]:
    ways = [name for name in ("api_token", "shops", "shops_file") if config.get(name)]
    if not ways:
        raise SettingsError("api_token: missing. Set api_token, or shops, or shops_file.")
    if len(ways) > 1:
        raise SettingsError(f"{ways[0]}: cannot be set together with {ways[1]}. Keep one of them.")
    if ways == ["api_token"]:
        entries: list[Config] = [{"shop": config.get("shop", "default"), "api_token": config["api_token"]}]
        return (_shop(entries[0], config, "", "shop"),)
    source = ways[0]
    entries = config["shops"] if source == "shops" else _read_shops_file(config["shops_file"])
    shops = tuple(
        _shop(entry, config, f"{source}[{i}].", f"{source}[{i}].shop") for i, entry in enumerate(entries)
    )
    seen: set[str] = set()
    for i, shop in enumerate(shops):
        if shop.name in seen:
            raise SettingsError(f"{source}[{i}].shop: this name is there twice; every shop needs its own.")
        seen.add(shop.name)
    return shops


def _read_shops_file(path: str) -> list[Config]:
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"shops_file: cannot be read ({error.strerror or 'no such file'}).") from None
    except ValueError:
        raise SettingsError("shops_file: is not JSON.") from None
    schema = CONFIG_SCHEMA["properties"]["shops"]
    if not entries or not Draft202012Validator(schema).is_valid(entries):
        raise SettingsError("shops_file: must hold a list of {shop, api_token, api_url?, start_date?}.")
    return list(entries)


def _shop(entry: Config, config: Config, prefix: str, name_setting: str) -> Shop:
    name = entry["shop"]
    if not isinstance(name, str) or not name.strip():
        raise SettingsError(f"{name_setting}: is empty; every shop needs a name.")
    token = _header_text(entry["api_token"], f"{prefix}api_token")
    if not token or " " in token:
        raise SettingsError(f"{prefix}api_token: is empty or holds a space; paste the token alone.")
    own_url, own_start = entry.get("api_url"), entry.get("start_date")
    return Shop(
        name=name,
        token=token,
        api_url=_api_url(own_url or config.get("api_url") or API_URL, f"{prefix if own_url else ''}api_url"),
        start_date=_date(entry if own_start else config, "start_date", prefix if own_start else ""),
    )


def _header_text(text: str, setting: str) -> str:
    text = text.strip()
    if not text.isascii() or not text.isprintable():
        raise SettingsError(f"{setting}: holds a character that no HTTP header can carry.")
    return text


def _api_url(text: str, setting: str) -> str:
    try:
        url = urlsplit(text.strip())
        host, _ = url.hostname or "", url.port
    except ValueError:
        host = ""
    if not host:
        raise SettingsError(f"{setting}: is not a URL; the default is {API_URL}.")
    if url.username or url.password:
        raise SettingsError(f"{setting}: holds credentials; put the token in api_token.")
    if url.query or url.fragment:
        raise SettingsError(f"{setting}: must end with the host; the tap adds paths and parameters.")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
        raise SettingsError(f"{setting}: must begin with https:// (http:// is for loopback only).")
    return f"{url.scheme}://{url.netloc}{url.path}".rstrip("/").removesuffix("/api/v1")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _date(config: Config, setting: str, prefix: str = "") -> datetime | None:
    value = config.get(setting)
    if not value:
        return None
    try:
        parsed = pendulum.parse(value, tz="UTC", exact=True)
    except ValueError:
        parsed = None
    if isinstance(parsed, pendulum.DateTime):
        # A plain datetime from here on: it is what every row is compared with.
        return datetime.fromtimestamp(parsed.timestamp(), tz=timezone.utc)
    if isinstance(parsed, pendulum.Date):
        return datetime(parsed.year, parsed.month, parsed.day, tzinfo=timezone.utc)
    raise SettingsError(f"{prefix}{setting}: is no date; write 2026-01-01 or 2026-01-01T00:00:00Z.")


def _shard(value: str | None, shops: tuple[Shop, ...]) -> tuple[tuple[Shop, ...], bool]:
    if not value:
        return shops, False
    index, slash, count = value.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise SettingsError("shard: must be i/n with i from 1 to n, such as 2/8.")
    return tuple(shop for shop in shops if shard_of(shop.name, int(count)) == int(index)), int(count) > 1


def shard_of(shop: str, count: int) -> int:
    """Return the shard, from 1 to `count`, that a shop belongs to: stable across runs and machines."""
    return int.from_bytes(hashlib.sha256(shop.encode()).digest()[:8], "big") % count + 1


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
