"""Reads the shops from the config or from a file, and selects those of a shard."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize
from urllib.parse import urlsplit

from sumeru_api import timestamps
from sumeru_api.shop import API_URL, Shop
from tap_sumeru.config.json_text import decode_input
from tap_sumeru.config.schema import CONFIG_SCHEMA, DEFAULTS
from tap_sumeru.config.schema_violations import first_violation
from tap_sumeru.config.setting_names import SHOP_SETTINGS, check_setting_names
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger("tap-sumeru")

Config = Mapping[str, Any]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_NO_TOKEN = frozenset(" \"'`")
"""Characters that come from pasting more than the token."""
_TOKEN = re.compile(r"(?!bearer\W)[^$%{}<>()\[\]\\=]+=*", re.IGNORECASE)
"""Any token, but no variable that was not replaced by its value, and no setting or header around a token."""
_HOST = re.compile(r"([\w:\u0080-\U0010ffff-]{1,63}\.)*[\w:\u0080-\U0010ffff-]{1,63}\.?")
"""A host name in any alphabet, or an IP address."""


def read_shops(config: Config, *, required: bool = True, prefix: str = "TAP_SUMERU_") -> tuple[Shop, ...]:
    """Return the shops of a config.

    Args:
        config: The config.
        required: Whether an empty list of shops is an error.
        prefix: Beginning of the names of the plugin's environment variables, for the message.

    Raises:
        SettingsError: The config has no shop, or one that is not valid; the message names the setting.
    """
    sources = [
        name for name in SHOP_SETTINGS if config.get(name) or (config.get(name) == [] and not required)
    ]
    if not sources and config.get("shops") == []:
        raise SettingsError("shops: must not be empty. Add an entry for each shop.")
    if not sources:
        raise SettingsError(
            f"api_token: is missing. Set api_token, shops or shops_file. As a variable: {prefix}API_TOKEN."
        )
    source, *others = sources
    if others:
        raise SettingsError(f"{source}: cannot be combined with {others[0]}. Remove one of them.")
    if source == "api_token":
        return (_read_shop(config, config),)
    if config["shop"] != DEFAULTS["shop"]:
        logger.warning("shop: has no effect with `%s`, where each entry has a name of its own.", source)
    entries = config["shops"] if source == "shops" else _read_shops_file(config["shops_file"], int(required))
    shops = tuple(_read_shop(entry, config, f"{source}[{i}].") for i, entry in enumerate(entries))
    _check_unique(shops, source)
    return shops


def _check_unique(shops: tuple[Shop, ...], source: str) -> None:
    """Reject two entries that stand for one shop: its rows would arrive twice, or overwrite each other."""
    names: dict[str, str] = {}
    tokens: dict[str, str] = {}
    for i, shop in enumerate(shops):
        other = names.setdefault(normalize("NFKC", shop.name).casefold(), shop.name)
        if len(names) <= i:
            raise SettingsError(
                f"{source}[{i}].shop: {shop.name} and {other} are the same name. Use a unique name."
            )
        other = tokens.setdefault(shop.token, shop.name)
        if len(tokens) <= i:
            raise SettingsError(
                f"{source}[{i}].api_token: the shops {other} and {shop.name} have the same token. Remove one."
            )


def _read_shops_file(path: str, at_least: int) -> list[Config]:
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"shops_file: cannot be read ({error.strerror or 'no such file'}).") from None
    except ValueError:
        raise SettingsError("shops_file: is not a valid path.") from None
    entries = decode_input(raw, "shops_file", SettingsError)
    schema = {**CONFIG_SCHEMA["properties"]["shops"], "type": "array", "minItems": at_least}
    check_setting_names(entries, schema, "shops_file")
    if violation := first_violation(entries, schema):
        raise SettingsError(f"shops_file: {violation[0] or 'the content'} {violation[1]}.")
    return list(entries)


def _read_shop(entry: Config, config: Config, prefix: str = "") -> Shop:
    name = entry["shop"].strip()
    if not name or not name.isprintable():
        raise SettingsError(f"{prefix}shop: must be a name without control characters.")
    own_url, own_start = entry.get("api_url"), entry.get("start_date")
    return Shop(
        name=name,
        token=_read_token(entry["api_token"], prefix),
        api_url=_api_url(own_url or config["api_url"], f"{prefix if own_url else ''}api_url"),
        start_date=read_date(entry if own_start else config, "start_date", prefix if own_start else ""),
    )


def _read_token(text: str, prefix: str) -> str:
    token = header_text(text, f"{prefix}api_token")
    if not token or _NO_TOKEN.intersection(token):
        raise SettingsError(
            f"{prefix}api_token: is empty, or contains a space or a quotation mark. Paste only the token."
        )
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"{prefix}api_token: begins with Bearer, or has one of $%{{}}<>()[]=\\. Paste only the token; "
            "if it comes from a variable such as $TOKEN, check that its value is filled in."
        )
    return token


def header_text(text: str, setting: str) -> str:
    """Return a text without surrounding spaces, to be sent in an HTTP header.

    Raises:
        SettingsError: It contains a character that an HTTP header cannot carry.
    """
    text = text.strip()
    if not text.isascii() or not text.isprintable():
        raise SettingsError(f"{setting}: must contain printable ASCII characters only.")
    return text


def _api_url(text: str, setting: str) -> str:
    text = text.strip()
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        host = ""
    if not _HOST.fullmatch(host) or not text.isprintable() or " " in text:
        raise SettingsError(f"{setting}: must be a URL, such as {API_URL}.")
    if url.username or url.password:
        raise SettingsError(f"{setting}: must not contain credentials. Put the token into api_token.")
    if url.query or url.fragment:
        raise SettingsError(f"{setting}: must not contain a query or a fragment.")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
        raise SettingsError(f"{setting}: must start with https:// (http:// is for loopback addresses only).")
    return f"{url.scheme}://{url.netloc}{url.path}".rstrip("/").removesuffix("/api/v1")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_date(config: Config, setting: str, prefix: str = "") -> datetime | None:
    """Return the timestamp of a setting in UTC, None if it is not set.

    Raises:
        SettingsError: It is not a date or a timestamp.
    """
    value = config.get(setting)
    if not value:
        return None
    timestamp = timestamps.parse(value.strip())
    if timestamp is None and _is_no_day(value.strip()):
        raise SettingsError(f"{prefix}{setting}: there is no such day. Correct the date.")
    if timestamp is None:
        raise SettingsError(f"{prefix}{setting}: must be a date, such as 2026-01-01 or 2026-01-01T00:00:00Z.")
    return timestamp


def _is_no_day(text: str) -> bool:
    """Return whether a text has the form of a date and names a day that the calendar does not have."""
    if not _DAY.match(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return True
    return False


def select_shard(value: str | None, shops: tuple[Shop, ...]) -> tuple[tuple[Shop, ...], bool]:
    """Return the shops of a shard `i/n`, and whether there is more than one shard.

    Raises:
        SettingsError: `value` is not a shard.
    """
    if not value:
        return shops, False
    index, slash, count = value.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise SettingsError("shard: must be i/n with i from 1 to n, such as 2/8.")
    return tuple(shop for shop in shops if is_in_shard(shop.name, value)), int(count) > 1


def is_in_shard(shop: str, shard: str) -> bool:
    """Return whether a shop, of the config or not, belongs to a shard `i/n`; an empty one has all shops."""
    index, _, count = shard.partition("/")
    return not shard or shard_of(shop, int(count)) == int(index)


def shard_of(shop: str, count: int) -> int:
    """Return the shard of a shop, from 1 to `count`; it is the same in every run and on every machine.

    Rendezvous hashing: each shard has a score for the shop, and the highest wins. One shard more takes about
    1/(count + 1) of the shops away from the others, and no shop moves between those.
    """

    def score(shard: int) -> bytes:
        return hashlib.blake2b(f"{shard}/{shop}".encode(errors="surrogatepass"), digest_size=8).digest()

    return max(range(1, count + 1), key=score)
