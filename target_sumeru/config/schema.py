"""JSON Schema of the target's config: the source of all defaults and of `--about`."""

from __future__ import annotations

from typing import Any

from tap_sumeru.config.schema import CONFIG_SCHEMA as TAP_SCHEMA
from target_sumeru.config.streams import STREAMS

_Schema = dict[str, Any]

_TAP: _Schema = TAP_SCHEMA["properties"]
_STRING = {"type": ["string", "null"]}
_INTEGER = {"type": ["integer", "null"]}
_NUMBER = {"type": ["number", "string", "null"]}
"""A fraction may be a string, because Meltano passes it as one from an environment variable."""
_NAMES = {"type": ["array", "null"], "items": {"type": ["string"]}}


def _setting(schema: _Schema, title: str, description: str, **more: object) -> _Schema:
    return {**schema, "title": title, "description": description, **more}


def _shared(name: str, description: str) -> _Schema:
    """Return a setting of the tap with a description for the target."""
    return {**_TAP[name], "description": description}


MAPPED_STREAM = {
    "type": ["object", "null"],
    "properties": {
        "to": _setting(_STRING, "To", "Stream of the target: " + ", ".join(STREAMS) + "."),
        "columns": _setting(
            {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}},
            "Columns",
            'Columns to rename, such as `{"cus_id": "id"}`; an empty name drops the column.',
        ),
    },
}
"""JSON Schema of an entry of `streams`."""

_LAUNCH = {
    "type": ["object", "null"],
    "properties": {
        "max_campaigns": _setting(_INTEGER, "Campaigns", "Launch at most this many campaigns in a run."),
        "max_recipients": _setting(
            _INTEGER, "Recipients", "Launch nothing if the audiences of a run are larger than this in sum."
        ),
    },
}

_SETTINGS: _Schema = {
    "api_token": _TAP["api_token"],
    "shop": _shared("shop", "Name of the shop. A row with another name in its column `shop` is rejected."),
    "shops": _shared(
        "shops",
        "Several shops in one run, instead of `api_token`: a list of `{shop, api_token, api_url?}`. A "
        "`start_date` of the tap has no effect.",
    ),
    "shops_file": _TAP["shops_file"],
    "api_url": _TAP["api_url"],
    "mode": _setting(
        _STRING,
        "Mode",
        "`apply` writes. `plan` writes nothing and emits no STATE: it logs what `apply` would write.",
        default="apply",
        enum=["apply", "plan"],
    ),
    "streams": _setting(
        {"type": ["object", "null"], "properties": {}, "additionalProperties": MAPPED_STREAM},
        "Streams",
        "Streams of the tap by name, with the stream of the target that they are written to and the columns "
        'to rename: `{"marts-vip": {"to": "customers", "columns": {"cus_id": "id"}}}`.',
    ),
    "compare": _setting(
        _STRING,
        "Compare",
        "What each row is compared with, so that unchanged rows are not written: the `ledger` of earlier "
        "runs, the `api` (reads the lists, and so notices changes made elsewhere), or `none`.",
        default="ledger",
        enum=["ledger", "api", "none"],
    ),
    "ledger_path": _setting(
        _STRING,
        "Ledger",
        "Path of the SQLite file that remembers what was written, as keyed hashes and the ids of created "
        "rows. Creating rows and launching campaigns need it.",
    ),
    "match_on": _setting(
        {"type": ["object", "null"], "properties": {}, "additionalProperties": {"type": ["string", "null"]}},
        "Match on",
        "Column by which the rows of a stream are matched instead of `id`: "
        '`{"customers": "email"}`. For inventory: `sku,location_id`.',
    ),
    "nulls": _setting(
        _STRING,
        "Nulls",
        "`ignore` leaves a column with null unchanged, `clear` empties it.",
        default="ignore",
        enum=["ignore", "clear"],
    ),
    "allow": _setting(
        _NAMES,
        "Allow",
        "Protected columns that the target may change: `email`, `phone`, `accepts_*`.",
    ),
    "max_writes": _setting(
        _INTEGER,
        "Writes",
        "If more rows than this would be written, nothing is, and the exit code is 3.",
        default=10_000,
    ),
    "max_changed_share": _setting(
        _NUMBER,
        "Changed share",
        "If a larger share of a stream's rows would be written, nothing is, and the exit code is 3. "
        "Without it there is no such limit.",
    ),
    "max_rejected_share": _setting(
        _NUMBER,
        "Rejected share",
        "Stop writing if the API has rejected or not answered a larger share of the rows, after 20 or more.",
        default=0.05,
    ),
    "on_rejected": _setting(
        _STRING,
        "On rejected",
        "`hold` emits no STATE past a rejected row, `pass` does.",
        default="hold",
        enum=["hold", "pass"],
    ),
    "report_path": _setting(
        _STRING,
        "Report",
        "Path of a file of Singer messages with the outcome of each row, without values.",
    ),
    "batch_size": _setting(
        _INTEGER, "Batch size", "Inventory rows in one request, at most 100.", default=100
    ),
    "launch": _setting(
        _LAUNCH,
        "Launch",
        "Lets the target launch campaigns; both limits are needed: "
        '`{"max_campaigns": 3, "max_recipients": 50000}`. Without it, nothing is launched.',
    ),
    "concurrency": _TAP["concurrency"],
    "rate_limit_share": _shared(
        "rate_limit_share",
        "Share of the shop's rate limit that the target may use, above 0 and at most 1. "
        "If the tap runs at the same time, give each a part, such as 0.5.",
    ),
    "request_timeout_seconds": _TAP["request_timeout_seconds"],
    "max_retries": _TAP["max_retries"],
    "user_agent": _shared("user_agent", "Text to append to the target's User-Agent header."),
}

CONFIG_SCHEMA: _Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": _SETTINGS,
}
"""JSON Schema of the config. The SDK adds its own settings to it."""

DEFAULTS = {name: setting["default"] for name, setting in _SETTINGS.items() if "default" in setting}
"""The default of each setting that has one."""
