"""JSON Schema of the config: the source of all defaults, `--about`, `plugin.yaml` and the README's table."""

from __future__ import annotations

from typing import Any

from sumeru_api.shop import API_URL
from tap_sumeru.catalog.streams import STREAMS

_Schema = dict[str, Any]

_STRING = {"type": ["string", "null"]}
_DATE_TIME = {"type": ["string", "null"], "format": "date-time"}
_INTEGER = {"type": ["integer", "null"]}
# A fraction may be a string, because Meltano passes it as one from an environment variable.
_NUMBER = {"type": ["number", "string", "null"]}
_SECRET = {"secret": True, "writeOnly": True}


def _setting(schema: _Schema, title: str, description: str, **more: object) -> _Schema:
    return {**schema, "title": title, "description": description, **more}


_SHOP = {
    "type": "object",
    "properties": {
        "shop": _setting({"type": ["string"]}, "Shop", "Name under which the shop's rows are stored."),
        "api_token": _setting({"type": ["string"]}, "API token", "Token of the shop.", **_SECRET),
        "api_url": _setting(_STRING, "API URL", "API host of this shop, if it differs from `api_url`."),
        "start_date": _setting(_DATE_TIME, "Start date", "Start date of this shop, instead of `start_date`."),
    },
    "required": ["shop", "api_token"],
}

_STREAM_OPTIONS = {
    "type": ["object", "null"],
    "properties": {
        "filters": _setting(
            {"type": ["object", "null"], "properties": {}, "additionalProperties": True},
            "Filters",
            'Attribute filters, such as `{"lifecycle_stage": "loyal"}`. '
            "A value is a string, a number or a boolean.",
        ),
        "include": _setting(
            {"type": ["array", "null"], "items": {"type": ["string"]}},
            "Include",
            "Related resources to request. Default: `touchpoints` for attribution, none for other streams.",
        ),
        "details": _setting(
            {"type": ["boolean", "null"]},
            "Details",
            "Read every row from its own endpoint too. This takes one more request per row.",
        ),
        "replication_key": _setting(
            _STRING, "Replication key", "Replication key to use instead of the stream's default."
        ),
        "date_filter": _setting(
            {"type": ["array", "null"], "items": {"type": "string"}},
            "Date filter",
            "Names of the query parameters for the first and the last day, or an empty list for no filter.",
        ),
        "lookback_days": _setting(_NUMBER, "Lookback (days)", "`lookback_days` of this stream."),
        "window_days": _setting(_INTEGER, "Window (days)", "`window_days` of this stream."),
    },
}

_SETTINGS = {
    "api_token": _setting(
        _STRING,
        "API token",
        "Token of the shop, `copt_live_…` or `copt_test_…`. Use `shops` for several shops.",
        **_SECRET,
    ),
    "shop": _setting(_STRING, "Shop", "Name under which the shop's rows are stored.", default="default"),
    "shops": _setting(
        {"type": ["array", "null"], "items": _SHOP},
        "Shops",
        "Several shops in one run, instead of `api_token`: "
        "a list of `{shop, api_token, api_url?, start_date?}`.",
        **_SECRET,
    ),
    "shops_file": _setting(_STRING, "Shops file", "Path of a JSON file with the list of `shops`."),
    "api_url": _setting(
        _STRING,
        "API URL",
        "Host of the API. The EU host is `https://eu.api.sumeru.systems`. "
        "`http` is allowed for loopback addresses only.",
        default=API_URL,
    ),
    "start_date": _setting(
        _DATE_TIME,
        "Start date",
        "Date from which the first sync reads. "
        "Without it, the tap reads the whole history. If it moves to an earlier "
        "date, the streams are read again from there.",
    ),
    "end_date": _setting(_DATE_TIME, "End date", "Exclusive end of the sync, for a bounded backfill."),
    "lookback_days": _setting(
        _NUMBER,
        "Lookback (days)",
        "How many days before the bookmark each sync starts. "
        "Default: 7 for attribution, 2 for usage, one hour for other streams.",
    ),
    "audit_days": _setting(
        _NUMBER,
        "Audit (days)",
        "Maximum days between two audits, each of which reads a stream without the date filter and writes it "
        "again. An audit finds rows that the filter leaves out, and rows that came or changed late. 0: "
        "never; then such rows may be missing for good. A refuted filter is still tried again every 7 days.",
        default=7,
    ),
    "window_days": _setting(
        _INTEGER,
        "Window (days)",
        "Length of the windows into which the tap splits a long date range. While requests wait for the rate "
        "limit, windows with few rows are followed by longer ones, up to twelve times this length.",
        default=30,
    ),
    "concurrency": _setting(_INTEGER, "Concurrency", "Maximum requests in flight per shop.", default=8),
    "rate_limit_share": _setting(
        _NUMBER,
        "Rate limit share",
        "Share of the shop's rate limit that the tap may use, above 0 and at most 1. "
        "The rest is left to other integrations.",
        default=1.0,
    ),
    "request_timeout_seconds": _setting(
        _NUMBER,
        "Request timeout (seconds)",
        "Read timeout: the longest time without any data from the API. The connect timeout is 10 seconds.",
        default=60,
    ),
    "max_retries": _setting(
        _INTEGER, "Retries", "Maximum retries per request. Waiting after a 429 does not count.", default=5
    ),
    "on_error": _setting(
        _STRING,
        "On error",
        "Whether the other streams and shops `continue` or `stop` after one has failed.",
        default="continue",
        enum=["continue", "stop"],
    ),
    "stream_options": _setting(
        {
            "type": ["object", "null"],
            "properties": dict.fromkeys(STREAMS, _STREAM_OPTIONS),
        },
        "Stream options",
        "Options by stream name: `filters`, `include`, `details`, `replication_key`, "
        "`date_filter`, `lookback_days`, `window_days`.",
    ),
    "discover_rows": _setting(
        _INTEGER,
        "Discover rows",
        "Rows to sample per stream and shop at discovery, so that fields which no schema knows become "
        "columns of their own instead of keys of `extra`. 0: no rows, and no request.",
        default=0,
    ),
    "openapi_file": _setting(
        _STRING,
        "OpenAPI file",
        "Path of the vendor's OpenAPI document (3.0 or 3.1, JSON or YAML). Its fields add or replace columns "
        "at discovery. A sync with a catalog does not read it.",
    ),
    "pii": _setting(
        _STRING,
        "Personal data",
        "What happens to every column that is marked as personal, learned ones included: `keep` it, `hash` "
        "it with the salt `stream_map_config.hash_seed`, or `drop` it. `hash` and `drop` leave out `extra` "
        "too.",
        default="keep",
        enum=["keep", "hash", "drop"],
    ),
    "shard": _setting(
        _STRING,
        "Shard",
        "`i/n`, such as `2/8`: read only the shops of this shard. Several processes can share the shops.",
    ),
    "user_agent": _setting(_STRING, "User agent", "Text to append to the tap's User-Agent header."),
}

CONFIG_SCHEMA: _Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": _SETTINGS,
}
"""JSON Schema of the config. The SDK adds its own settings to it."""

DEFAULTS = {name: setting["default"] for name, setting in _SETTINGS.items() if "default" in setting}
"""The default of each setting that has one."""
