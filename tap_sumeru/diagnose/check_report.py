"""Reports of `--check`: a table for people, and JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.diagnose.table import aligned
from tap_sumeru.sync.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_sumeru.catalog.stream_schemas import Schema
    from tap_sumeru.diagnose.check import ShopCheck, StreamCheck

_MAX_CLOCK_OFFSET = 60
"""Seconds: a clock that is further off makes the first and the last rows of a sync doubtful."""
_MAX_FIELDS = 5
"""Unknown fields to name in the table."""
_TOKEN = {True: "accepted", False: "not accepted", None: "not checked"}
_HEADINGS = ("stream", "can be read", "rows seen", "replication key", "date filter", "unknown fields")


def as_text(checks: Sequence[ShopCheck]) -> str:
    """Return the report for people."""
    lines: list[str] = []
    for check in checks:
        table = [] if check.error else [*_table(check), ""]
        lines += [_shop_line(check), *_notes(check), "", *table, *_errors(check)]
    if pasted := _meltano(checks):
        lines += [
            "To load these unknown fields into columns of their own, set `discover_rows`, or paste this",
            "below the plugin in meltano.yml. Without either they stay in `extra`.",
            *pasted,
            "",
        ]
    return "\n".join([*lines, _outcome(checks)])


def as_json(checks: Sequence[ShopCheck]) -> str:
    """Return the report for machines, as one JSON object."""
    content = {
        "passed": all(check.passed for check in checks),
        "shops": [
            {
                "shop": check.shop,
                "host": check.host,
                "error": check.error or None,
                "token_accepted": None
                if check.error and not check.token_refused
                else not check.token_refused,
                "missing_scopes": check.missing_scopes,
                "requests_per_minute": int(check.limit) if check.limit.isdecimal() else None,
                "clock_offset_seconds": check.clock_offset,
                "requests": check.requests,
                "streams": [_stream(one) for one in check.streams],
            }
            for check in checks
        ],
    }
    return json.dumps(content, indent=2)


def _stream(found: StreamCheck) -> dict[str, Any]:
    return {
        "stream": found.stream,
        "can_be_read": not found.error,
        "error": found.error or None,
        "rows_seen": found.rows,
        "all_rows_seen": found.all_rows,
        "replication_key": found.replication_key,
        "rows_with_replication_key": found.rows_with_key,
        "date_filter": found.date_filter,
        "unknown_fields": {mask_name(name): schema for name, schema in found.unknown_fields.items()},
        "columns_with_unexpected_types": found.mismatches,
    }


def _shop_line(check: ShopCheck) -> str:
    token = _TOKEN[check.token_accepted]
    limit = f"{check.limit} requests a minute" if check.limit.isdecimal() else "no rate limit stated"
    return (
        f"Shop {check.shop}: {check.host}; token {token}; {limit}; {count(check.requests, 'request')} made."
    )


def _notes(check: ShopCheck) -> Iterator[str]:
    if check.missing_scopes:
        them = "it" if len(check.missing_scopes) == 1 else "them"
        yield (
            f"  The token lacks {', '.join(check.missing_scopes)}: grant {them} in Settings → API tokens, or "
            "deselect the streams below."
        )
    if check.clock_offset is not None and abs(check.clock_offset) > _MAX_CLOCK_OFFSET:
        side = "behind" if check.clock_offset > 0 else "ahead of"
        yield (
            f"  The clock of this machine is {abs(check.clock_offset) / 60:.0f} minutes {side} the API's: "
            "set it. The tap goes by the API's clock."
        )
    for one in check.streams:
        if one.date_filter == "refuted":
            yield (
                f"  {one.stream}: the API ignores the date filter, or rejects it, so each "
                "sync reads the whole stream."
            )
        if one.rows and not one.rows_with_key:
            yield (
                f"  {one.stream}: no row has `{one.replication_key}`, so each sync reads the whole stream; "
                f"set `stream_options.{one.stream}.replication_key`."
            )
        if one.mismatches:
            yield (
                f"  {one.stream}: unexpected types in {', '.join(one.mismatches)}; "
                "such values go into `extra`."
            )


def _table(check: ShopCheck) -> list[str]:
    rows = [
        (
            one.stream,
            "no" if one.error else "yes",
            f"{one.rows}{'' if one.all_rows else ' of more'}" if not one.error else "",
            _key(one),
            "" if one.error else one.date_filter,
            _fields(one.unknown_fields),
        )
        for one in check.streams
    ]
    return aligned(_HEADINGS, rows)


def _key(found: StreamCheck) -> str:
    if found.error or not found.rows:
        return found.replication_key
    share = "" if found.rows_with_key == found.rows else f" in {found.rows_with_key} of {found.rows} rows"
    return found.replication_key + share


def _fields(unknown: dict[str, Schema | None]) -> str:
    texts = [f"{mask_name(name)} ({_type(schema)})" for name, schema in unknown.items()]
    more = f" and {len(texts) - _MAX_FIELDS} more" if len(texts) > _MAX_FIELDS else ""
    return ", ".join(texts[:_MAX_FIELDS]) + more


def _type(schema: Schema | None) -> str:
    return "several types" if schema is None else str(schema.get("format", schema["type"][0]))


def reasons(check: ShopCheck) -> list[str]:
    """Return why streams of a shop cannot be read, one line for each reason."""
    if check.error:
        return [f"no stream can be read: {check.error}"]
    failed: dict[str, list[str]] = {}
    for one in check.streams:
        if one.error:
            failed.setdefault(one.error, []).append(one.stream)
    return [f"{', '.join(streams)} cannot be read: {error}" for error, streams in failed.items()]


def _errors(check: ShopCheck) -> list[str]:
    lines = reasons(check)
    return [*lines, ""] if lines else []


def _meltano(checks: Sequence[ShopCheck]) -> list[str]:
    """Return the lines for meltano.yml, with the fields of all shops."""
    columns: dict[str, dict[str, Schema]] = {}
    for check in checks:
        for one in check.streams:
            found = {name: schema for name, schema in one.unknown_fields.items() if schema is not None}
            if found:
                columns.setdefault(one.stream, {}).update(found)
    if not columns:
        return []
    lines = ["    schema:"]
    for stream, fields in columns.items():
        lines.append(f"      {stream}:")
        for name, schema in fields.items():
            kept = {key: value for key, value in schema.items() if key in ("type", "format", "x-pii")}
            lines.append(f"        {name}: {json.dumps(kept)}")
    return lines


def _outcome(checks: Sequence[ShopCheck]) -> str:
    streams = [one for check in checks for one in check.streams]
    readable = sum(not one.error for one in streams)
    word = "passed" if readable == len(streams) else "failed"
    return f"Check {word}: {readable} of {len(streams)} streams can be read."
