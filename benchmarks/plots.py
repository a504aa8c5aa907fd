"""The pictures of the document, as SVG that is readable on a light and on a dark page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.clients import TAP
from benchmarks.scenarios import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.scenarios import Result

_WIDTH, _LABEL, _BAR, _GAP, _TOP, _ROOM = 760, 210, 20, 8, 64, 110
_OURS, _OTHERS = "#1f6feb", "#8b949e"
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
    'viewBox="0 0 {width} {height}" '
    'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{title}">'
    '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>'
    '<text x="16" y="26" font-size="16" font-weight="600" fill="#1f2328">{title}</text>'
    '<text x="16" y="46" fill="#59636e">{subtitle}</text>'
)


class _Group(NamedTuple):
    title: str
    bars: Sequence[tuple[str, float]]


def write(folder: Path, results: Mapping[str, Result]) -> dict[str, str]:
    """Draw the pictures that there are figures for; return the files and their titles."""
    drawn = {}
    for name, title, subtitle, groups, unit in _plots(results):
        (folder / name).write_text(_svg(title, subtitle, groups, unit), encoding="utf-8")
        drawn[name] = title
    return drawn


def _plots(results: Mapping[str, Result]) -> Iterable[tuple[str, str, str, list[_Group], str]]:
    if "cpu" in results:
        bars = _column(results["cpu"], "client", "CPU µs a record")
        subtitle = "Microseconds of CPU a record, customers with all columns; shorter is better"
        yield "benchmarks-cpu.svg", "CPU", subtitle, [_Group("", bars)], "µs"
    if "latency" in results:
        result = results["latency"]
        groups = []
        for read in dict.fromkeys(str(row[0]) for row in result.table):
            rows = [row for row in result.table if row[0] == read and row[1] == 50]  # noqa: PLR2004 - milliseconds
            groups.append(_Group(read, _column(result, "client", "seconds", rows)))
        subtitle = "Seconds at 50 ms of latency, without a rate limit; shorter is better"
        yield "benchmarks-latency.svg", "Waiting for the API", subtitle, groups, "s"


def _column(
    result: Result, label: str, value: str, table: Sequence[Sequence[str | float]] | None = None
) -> list[tuple[str, float]]:
    """Return the labels and values of a table, smallest first, without those that are void."""
    names, values = result.columns.index(label), result.columns.index(value)
    rows = result.table if table is None else table
    return sorted(
        ((str(row[names]), float(row[values])) for row in rows if not row[-1]), key=lambda bar: bar[1]
    )


def _svg(title: str, subtitle: str, groups: Sequence[_Group], unit: str) -> str:
    parts, y = [], _TOP
    for group in groups:
        longest = max((value for _, value in group.bars), default=1)
        if group.title:
            parts.append(
                f'<text x="16" y="{y + 14}" font-weight="600" fill="#1f2328">{escape(group.title)}</text>'
            )
            y += _BAR + _GAP
        for label, value in group.bars:
            ours = label.startswith(TAP)
            width = max(1, value / longest * (_WIDTH - _LABEL - _ROOM))
            text = f'y="{y + 15}" fill="#1f2328"' + (' font-weight="600"' if ours else "")
            fill = _OURS if ours else _OTHERS
            parts += [
                f'<text x="{_LABEL - 8}" {text} text-anchor="end">{escape(label)}</text>',
                f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{fill}"/>',
                f'<text x="{_LABEL + width + 6:.1f}" {text}>{number(value)} {unit}</text>',
            ]
            y += _BAR + _GAP
        y += _GAP
    head = _HEAD.format(width=_WIDTH, height=y + _GAP, title=escape(title), subtitle=escape(subtitle))
    return head + "\n".join(parts) + "</svg>\n"
