"""Generates the README's comparison with other ways to read the API, from docs/benchmarks.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_RESULTS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.json"
_CLIENTS = {
    "this tap": "tap-sumeru",
    "singer-sdk tap": "stock singer-sdk tap",
    "airbyte-cdk": "Airbyte's low-code CDK",
    "dlt, extract only": "dlt, extract only",
}
_LIMIT, _LATENCY = 600, 50

Row = dict[str, Any]


def comparison_table() -> str:
    """Return the table; a cell is empty where nothing was measured."""
    results = json.loads(_RESULTS.read_text(encoding="utf-8"))["results"]
    cpu, latency, limits = (_by_client(results[name]) for name in ("cpu", "latency", "limits"))
    measured = {
        "CPU time of a million customers": (cpu, "CPU µs a record", "{:.0f} s"),
        "peak memory": (cpu, "peak MiB", "{:.0f} MiB"),
        f"all streams, {_LATENCY} ms of latency": (latency, "seconds", "{:.0f} s"),
        f"all streams, limit of {_LIMIT} a minute": (limits, "seconds", "{:.0f} s"),
        "… requests refused": (limits, "refused", "{:.0f}"),
        "… requests in all": (limits, "requests", "{:,.0f}"),
    }
    lines = [f"| measured | {' | '.join(_CLIENTS.values())} |", f"| --- |{' ---: |' * len(_CLIENTS)}"]
    for text, (rows, column, form) in measured.items():
        cells = (form.format(rows[client][column]) if client in rows else "" for client in _CLIENTS)
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _by_client(result: dict[str, Any]) -> dict[str, Row]:
    """Return the rows of a result that the table shows, by client."""
    rows = [dict(zip(result["columns"], row, strict=True)) for row in result["table"]]
    return {
        row["client"]: row
        for row in rows
        if row.get("limit a minute", _LIMIT) == _LIMIT
        and row.get("latency ms", _LATENCY) == _LATENCY
        and row.get("read", "all streams") == "all streams"
    }
