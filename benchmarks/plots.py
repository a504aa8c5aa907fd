"""The pictures of the document, as SVG that is readable on a light and on a dark page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.clients import TAP
from benchmarks.environments import ROOT
from benchmarks.scenarios import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.scenarios import Result

_STYLE = ROOT / "scripts" / "charts.mplstyle"
_OURS, _OTHERS = "#2457c5", "#a9b4c2"
_WIDTH, _BAR, _HEAD = 10.5, 0.36, 0.75  # inches


class _Group(NamedTuple):
    title: str
    bars: Sequence[tuple[str, float]]


def write(folder: Path, results: Mapping[str, Result]) -> dict[str, str]:
    """Draw the pictures that there are figures for; return the files and their titles."""
    drawn = {}
    for name, title, subtitle, groups, unit in _plots(results):
        with mpl.rc_context(fname=_STYLE):
            _draw(folder / name, title, subtitle, groups, unit)
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


def _draw(path: Path, title: str, subtitle: str, groups: Sequence[_Group], unit: str) -> None:
    heights = [_HEAD + _BAR * len(group.bars) for group in groups]
    figure = Figure(figsize=(_WIDTH, sum(heights) + _HEAD))
    plots = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, group in zip(plots, groups, strict=True):
        _draw_group(axes, group, unit)
    figure.suptitle(title, x=0.02, ha="left", fontsize=15, fontweight="bold")
    figure.supxlabel(subtitle, x=0.02, ha="left", color="#59636e")
    figure.savefig(path, format="svg", metadata={"Title": title, "Creator": None, "Date": None})


def _draw_group(axes: Axes, group: _Group, unit: str) -> None:
    axes.set_title(group.title, fontsize=11, pad=6)
    labels, values = zip(*group.bars, strict=True)
    ours = [label.startswith(TAP) for label in labels]
    bars = axes.barh(labels, values, color=[_OURS if one else _OTHERS for one in ours], height=0.7)
    texts = axes.bar_label(bars, [f"{number(value)} {unit}" for value in values], padding=5)
    for one, text, label in zip(ours, texts, axes.get_yticklabels(), strict=True):
        if one:
            text.set_fontweight("bold")
            label.set(fontweight="bold", color="#1f2328")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines.bottom.set_visible(False)
    axes.xaxis.set_visible(False)
    axes.margins(x=0.12, y=0.02)
