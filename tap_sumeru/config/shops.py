"""The shops of a run: from the settings or a file, each with a name, a token and a host that can be used."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from sumeru_api import timestamps
from sumeru_api.shop import API_URL, Shop
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from datetime import datetime

Config = Mapping[str, Any]


def read_shops(config: Config) -> tuple[Shop, ...]:
    """Return the shops that a config names.

    Raises:
        SettingsError: There is none, or one that cannot be used; the message names the setting.
    """
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
    name = name.strip()
    token = header_text(entry["api_token"], f"{prefix}api_token")
    if not token or " " in token:
        raise SettingsError(f"{prefix}api_token: is empty or holds a space; paste the token alone.")
    own_url, own_start = entry.get("api_url"), entry.get("start_date")
    return Shop(
        name=name,
        token=token,
        api_url=_api_url(own_url or config.get("api_url") or API_URL, f"{prefix if own_url else ''}api_url"),
        start_date=read_date(entry if own_start else config, "start_date", prefix if own_start else ""),
    )


def header_text(text: str, setting: str) -> str:
    """Return a text that an HTTP header can carry, or refuse it."""
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


def read_date(config: Config, setting: str, prefix: str = "") -> datetime | None:
    """Return the instant of a setting, in UTC, or refuse it; None if it is not set."""
    value = config.get(setting)
    if not value:
        return None
    instant = timestamps.parse(value.strip()) if isinstance(value, str) else None
    if instant is not None:
        return instant
    raise SettingsError(f"{prefix}{setting}: is no date; write 2026-01-01 or 2026-01-01T00:00:00Z.")


def share_out(value: str | None, shops: tuple[Shop, ...]) -> tuple[tuple[Shop, ...], bool]:
    """Return the shops of a shard `i/n`, and whether there are other shards."""
    if not value:
        return shops, False
    index, slash, count = value.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise SettingsError("shard: must be i/n with i from 1 to n, such as 2/8.")
    return tuple(shop for shop in shops if shard_of(shop.name, int(count)) == int(index)), int(count) > 1


def shard_of(shop: str, count: int) -> int:
    """Return the shard, from 1 to `count`, that a shop belongs to: stable across runs and machines."""
    return int.from_bytes(hashlib.sha256(shop.encode()).digest()[:8], "big") % count + 1
