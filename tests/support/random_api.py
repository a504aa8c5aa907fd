"""Random switches of the sandbox: how its API filters, pages and fails."""

from __future__ import annotations

from random import Random
from typing import Any

from sumeru_sandbox.spec.fields import FIELDS
from tap_sumeru.catalog.streams import PAGE_SIZE

Json = dict[str, Any]

_TRANSIENT_FAULTS = ("reset", "truncate", "html", "rubbish")

_FAILURES: tuple[Json, ...] = (
    {"error": {"code": "internal_error"}},
    {"errors": [{"message": "the shard did not answer"}]},
    {"error": "in words", "data": None},
    {"success": False},
    {"ok": "false", "message": "in words"},
    {"status": "error"},
    {"statusCode": 503},
    {"meta": {"errors": [{"code": "internal_error"}]}},
    {"partial": True},
    {"data": [{"error": {"code": "internal_error"}}]},
    {"data": {"error": "in words"}},
)

_OTHER_DATES = ("", "", "", "hidden_dates", "nested_dates")
_KEY_FORMS = ("", "", "", "day_replication_key", "local_replication_key")

SMALL_STREAMS = ("campaigns", "journeys", "products", "usage")
"""Streams of so few rows that a list of all of them is never a full page."""


def draw_semantics(draw: Random, stream: str, *, date_header: bool) -> Json:
    """Draw how the API treats filters, pages and fields of a stream.

    Args:
        draw: The random generator.
        stream: Name of the stream.
        date_header: Whether to draw if responses have a Date header.
    """
    dates = [name for name, one in FIELDS[stream].items() if "date" in one.schema.get("format", "")]
    options: dict[str, tuple[Any, ...]] = {
        "date_filter": ("applied", "applied", "applied", "ignored", "refused"),
        "date_field": ("replication_key", "replication_key", *dates),
        "date_to": ("inclusive", "exclusive"),
        "dates": ("optional", "optional", "both_required"),
        "zone": (0, -720, 840, draw.randint(-720, 840)),
        "shape": ("enveloped", "flat"),
        "page_cap": (1, 2, 3, 5, 9, 100),
        "empty_every": (None, 2, 3),
        "pagination": ("present", "present", "present", "absent"),
        "fields": ("honoured", "ignored", "refused"),
        "max_limit": (100, 100, 100, 50, 5, 1),
        "max_limit_status": (413, 500, 502),
    }
    semantics = {name: draw.choice(choices) for name, choices in options.items()}
    kinds = (draw.choice(_OTHER_DATES), draw.choice(_KEY_FORMS))
    semantics["rows"] = [{"kind": kind} for kind in kinds if kind]
    if stream not in SMALL_STREAMS or semantics["max_limit"] < PAGE_SIZE:
        semantics["pagination"] = "present"  # without it, a full page is an error
    semantics["rate_headers"] = draw.choice(("present", "present", "absent", "garbage", "cached"))
    if date_header:
        semantics["date_header"] = draw.choice(("present", "present", "absent"))
    return semantics


def draw_rows(draw: Random, stream: str) -> Json:
    """Draw what the rows of a stream are like: their ids, and the charset that they come in."""
    ids: tuple[Json | None, ...] = (None, None, {"kind": "missing_id", "every": draw.choice((1, 1, 2, 3))})
    if stream == "enrollments":
        ids = (*ids, {"kind": "local_id"})
    fault = draw.choice(ids)
    charset = draw.choice(("utf-8", "utf-8", "utf-8", "iso-8859-1", "windows-1252", "utf-16"))
    return {"rows": [fault] if fault else [], "charset": charset}


def hides_filtered_date(semantics: Json) -> bool:
    """Return whether the date filter may act on a date that no row shows: only an audit brings those rows."""
    hidden = {"kind": "hidden_dates"} in semantics["rows"]
    return hidden and semantics["date_field"] != "replication_key"


def draw_changed_semantics(draw: Random) -> Json:
    """Draw one switch that the API changes between runs, in a way that its rows reveal."""
    changes: Json = {
        "date_filter": draw.choice(("ignored", "refused")),
        "zone": draw.randint(-720, 840),
        "date_to": draw.choice(("inclusive", "exclusive")),
        "shape": draw.choice(("enveloped", "flat")),
    }
    name = draw.choice(sorted(changes))
    return {name: changes[name]}


def draw_faults(draw: Random) -> Json:
    """Draw transient faults, at times a lasting one, cursors that expire, deep lists and bad parents."""
    faults: list[Json] = []
    for _ in range(draw.choice((0, 0, 1, 2))):
        when = {"every": draw.randint(2, 6), "after": draw.randint(0, 5)}
        if draw.random() < 0.4:
            status = draw.choice((429, 500, 502, 503))
            faults.append({"kind": "status", "status": status, "retry_after": 0, **when})
        else:
            faults.append({"kind": draw.choice(_TRANSIENT_FAULTS), **when})
    # Of its own, so that the lives of known seeds stay as they are.
    own = Random(repr(draw.getstate()))  # noqa: S311 - a seed must always give the same life
    if own.random() < 0.3:
        when = {"every": own.randint(2, 6), "after": own.randint(0, 5)}
        faults.append({"kind": "failure", "body": own.choice(_FAILURES), **when})
    if draw.random() < 0.2:
        burst = {"times": draw.randint(1, 60), "after": draw.randint(0, 9)}
        faults.append({"kind": "status", "status": 429, "retry_after": 0, **burst})
    if draw.random() < 0.1:
        lasting = draw.choice((403, 404, 409, 422, 500))
        faults.append({"kind": "status", "status": lasting, "after": draw.randint(0, 9)})
    return {
        "faults": faults,
        "cursor_expires_every": draw.choice((None, None, 1, 2, 3, 5)),
        "cursor_expires_times": draw.choice((3, 6, 12)),
        "max_depth": draw.choice((None, None, None, draw.randint(1, 30))),
        "bad_parents": draw.choice((None, None, _bad_parents(draw))),
    }


def _bad_parents(draw: Random) -> Json:
    return {"status": draw.choice((404, 404, 410, 400, 403, 422, 500)), "every": draw.randint(1, 4)}
