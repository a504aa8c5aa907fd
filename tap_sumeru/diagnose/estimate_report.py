"""Reports of `--estimate`: tables for people, and JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_sumeru.diagnose.measured_stream import Certainty
from tap_sumeru.diagnose.table import aligned
from tap_sumeru.sync.wording import count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_sumeru.diagnose.estimate import ShopEstimate
    from tap_sumeru.diagnose.measured_stream import StreamEstimate

_HEADINGS = ("stream", "rows", "requests", "how sure")
_HOW_SURE = {
    Certainty.EXACT: "exact",
    Certainty.GUESSED: "rough",
    Certainty.AT_LEAST: "at least",
}
_MIN_MARGIN = 0.05
_MINUTE = 60


def as_text(estimates: Sequence[ShopEstimate]) -> str:
    """Return the report for people."""
    lines: list[str] = []
    for one in estimates:
        if one.failed and len({stream.error for stream in one.streams}) == 1:
            lines += [f"Shop {one.shop}: no estimate: {one.streams[0].error}", ""]
            continue
        lines += [f"Shop {one.shop}: {_outcome(one)}", "", *_table(one), "", *_notes(one)]
        lines += [f"{stream.stream}: no estimate: {stream.error}" for stream in one.streams if stream.error]
    if len(estimates) > 1:
        longest = max(estimates, key=lambda one: one.seconds)
        total = _number(sum(one.requests for one in estimates))
        lines.append(f"All shops: {total} requests. Shops are read side by side.")
        lines += [f"The longest, {longest.shop}, takes {_how_long(longest)}.", ""]
    if all(one.failed for one in estimates):
        return "\n".join(lines).rstrip("\n")
    return "\n".join(
        [*lines, "These figures are for a first sync, without state. Later syncs read only what has changed."]
    )


def as_json(estimates: Sequence[ShopEstimate]) -> str:
    """Return the report for machines, as one JSON object."""
    content = {
        "seconds": round(max((one.seconds for one in estimates), default=0.0)),
        "requests": round(sum(one.requests for one in estimates)),
        "shops": [
            {
                "shop": one.shop,
                "rows": round(one.rows),
                "requests": round(one.requests),
                "margin": round(_margin(one.margin), 2),
                "at_least": one.at_least,
                "seconds": round(one.seconds),
                "requests_per_minute": one.pace.per_minute,
                "latency_seconds": round(one.pace.latency, 3),
                "requests_made": one.made,
                "streams": [_stream(stream) for stream in one.streams],
            }
            for one in estimates
        ],
    }
    return json.dumps(content, indent=2)


def _stream(found: StreamEstimate) -> dict[str, Any]:
    known = not found.error
    return {
        "stream": found.stream,
        "rows": round(found.rows) if known else None,
        "requests": round(found.requests) if known else None,
        "margin": round(_shown_margin(found), 2) if known else None,
        "certainty": found.certainty.value if known else None,
        "read_twice": found.read_twice,
        "error": found.error or None,
    }


def _outcome(one: ShopEstimate) -> str:
    pace = f" at {one.pace.per_minute:.0f} requests a minute" if one.pace.per_minute else ""
    sure = "" if one.at_least else f" (± {_margin(one.margin):.0%})"
    limit = "" if pace else " The API states no rate limit."
    return (
        f"{_how_long(one)}{pace}{sure}: {_number(one.rows)} rows in {_number(one.requests)} requests. "
        f"This estimate took {count(one.made, 'request')}.{limit}"
    )


def _how_long(one: ShopEstimate) -> str:
    if not one.at_least:
        return duration(one.seconds)
    return f"at least {duration(one.seconds)}" if one.seconds >= _MINUTE else "at least a few seconds"


def _table(one: ShopEstimate) -> list[str]:
    rows = [
        (
            stream.stream,
            "" if stream.error else _number(stream.rows),
            "" if stream.error else _number(stream.requests),
            "unknown" if stream.error else _how_sure(stream),
        )
        for stream in one.streams
    ]
    total = ("total", _number(one.rows), _number(one.requests), "at least" if one.at_least else "")
    return aligned(_HEADINGS, [*rows, total])


def _how_sure(found: StreamEstimate) -> str:
    return _HOW_SURE.get(found.certainty) or f"± {_shown_margin(found):.0%}"


def _shown_margin(found: StreamEstimate) -> float:
    return 0.0 if found.certainty is Certainty.EXACT else _margin(found.margin)


def _margin(margin: float) -> float:
    return max(_MIN_MARGIN, margin)


def _notes(one: ShopEstimate) -> Iterator[str]:
    twice = [stream.stream for stream in one.streams if stream.read_twice]
    if twice:
        yield (
            f"Read twice, since no row seen proves the API's date filter: {', '.join(twice)}. Such streams "
            "are read through the filter, and once more in full."
        )
    rough = [stream.stream for stream in one.streams if stream.certainty is Certainty.GUESSED]
    if rough:
        yield (
            f"Rough: {', '.join(rough)}. The rows of the first page are sorted by a date; all later ones are "
            "assumed to be as dense."
        )
    low = [
        stream.stream for stream in one.streams if stream.certainty is Certainty.AT_LEAST and not stream.error
    ]
    if low:
        yield (
            f"At least: {', '.join(low)}. Only the last page shows how long such a list is, and neither the "
            "date filter nor the order of the rows allows an estimate."
        )
    if twice or rough or low:
        yield ""


def _number(value: float) -> str:
    return f"{round(value):,}"
