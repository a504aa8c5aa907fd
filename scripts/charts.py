"""Draws three small charts of the marts as one SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = dict[str, Any]
    Points = list[tuple[float, float]]

WIDTH, HEIGHT = 1080, 378
_FONTS = "Inter, Segoe UI, Helvetica, Arial, sans-serif"
_LEFT, _PITCH, _PANEL = 24, 360, 318
_TOP, _BOTTOM = 82, 302
_COLORS = ("#2457c5", "#e07a1f", "#12897b", "#9b3fa3", "#5b6775")
_INK, _MUTED, _RULE = "#17212b", "#5b6775", "#e3e7ec"
_LEADER = 'opacity="0.45" stroke-dasharray="1.5 3"'
_MONTH = 48
"""Width of a label such as `Jan 2025`."""
_LABEL = 14
"""Minimum distance between two labels at the ends of lines."""


@dataclass(frozen=True)
class Marts:
    """Rows of one shop, as marts.py reads them."""

    shop: str
    currency: str
    revenue: list[Row]
    cohorts: list[Row]
    funnel: list[Row]


def _text(x: float, y: float, text: str, **style: str) -> str:
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'


def _short(number: float) -> str:
    """Format a number for an axis."""
    return f"{number / 1000:,.0f}k" if number >= 10_000 else f"{number:,.0f}"  # noqa: PLR2004 - five digits


def _ticks(largest: float) -> list[float]:
    """Return round numbers from 0 to at least the largest value, in at most four steps."""
    rough = max(largest, 1) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough)
    return [step * number for number in range(math.ceil(largest / step) + 1)]


def _heading(left: float, title: str, subtitle: str) -> list[str]:
    return [
        _text(left, 34, title, font_size="15", font_weight="600", fill=_INK),
        _text(left, 54, subtitle, font_size="12", fill=_MUTED),
    ]


def _axis(left: float, right: float, ticks: Sequence[float]) -> tuple[list[str], Callable[[float], float]]:
    """Return the horizontal rules with their labels, and a function from a value to its y coordinate."""

    def place(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * value / ticks[-1]

    parts = []
    for tick in ticks:
        y = place(tick)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{_RULE}"/>')
        parts.append(_text(left - 6, y + 4, _short(tick), font_size="11", fill=_MUTED, text_anchor="end"))
    return parts, place


def _tick(x: float, text: str, anchor: str = "middle") -> str:
    """Return a label of the horizontal axis."""
    return _text(x, _BOTTOM + 18, text, font_size="11", fill=_MUTED, text_anchor=anchor)


def _apart(across: float, at: int, shown: list[int]) -> bool:
    """Return whether a label fits between the first and the last one."""
    return min(at - shown[0], shown[-1] - at) * across > 1.6 * _MONTH


def _lines(lines: dict[str, Points], right: float) -> list[str]:
    """Return lines in different colours, with a label at the end of each."""
    parts = []
    ends = sorted((points[-1][1], name) for name, points in lines.items())
    places = [y for y, _ in ends]
    for _ in places:  # move labels apart that overlap
        for upper, lower in pairwise(range(len(places))):
            if (short := _LABEL - (places[lower] - places[upper])) > 0:
                places[upper] -= short / 2
                places[lower] += short / 2
    at = {name: place for (_, name), place in zip(ends, places, strict=True)}
    for (name, points), color in zip(lines.items(), _COLORS, strict=False):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        x, y = points[-1]
        parts += [
            f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2" stroke-linejoin="round"/>',
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>',
            f'<path d="M{x + 6:.1f} {y:.1f}L{right + 4} {at[name]:.1f}" {_LEADER} stroke="{color}"/>',
            _text(right + 8, at[name] + 4, name, font_size="12", fill=color, font_weight="600"),
        ]
    return parts


def _revenue(marts: Marts, left: float) -> list[str]:
    """Return the chart of revenue by month, with a line per channel."""
    parts = _heading(left, "Revenue by channel", f"Net of refunds, {marts.currency} a month")
    months = sorted({row["order_month"] for row in marts.revenue})
    named = {(row["channel"], row["order_month"]): float(row["net_revenue"]) for row in marts.revenue}
    totals: dict[str, float] = {}
    for (channel, _), value in named.items():
        totals[channel] = totals.get(channel, 0) + value
    channels = sorted(totals, key=lambda channel: -totals[channel])[: len(_COLORS)]
    start, right = left + 34, left + _PANEL - 84
    axis, place = _axis(start, right, _ticks(max(named.values())))
    across = (right - start) / max(1, len(months) - 1)
    lines = {
        channel.replace("_", " "): [
            (start + across * index, place(named.get((channel, month), 0)))
            for index, month in enumerate(months)
        ]
        for channel in channels
    }
    parts += axis + _lines(lines, right)
    shown = [0, *(at for at, month in enumerate(months) if month[5:7] == "01"), len(months) - 1]
    kept = [at for at in shown if at in (shown[0], shown[-1]) or _apart(across, at, shown)]
    for at in dict.fromkeys(kept):
        anchor = "start" if at == 0 else "end" if at == shown[-1] else "middle"
        parts.append(_tick(start + across * at, date.fromisoformat(months[at]).strftime("%b %Y"), anchor))
    return parts


def _cohorts(marts: Marts, left: float) -> list[str]:
    """Return the chart of revenue per customer since the first order, with a line per cohort."""
    subtitle = f"{marts.currency} a customer so far, by month of first order"
    parts = _heading(left, "Lifetime value by cohort", subtitle)
    cohorts = sorted({row["cohort_month"] for row in marts.cohorts})
    longest = max(row["months_since_first_order"] for row in marts.cohorts)
    start, right = left + 34, left + _PANEL - 64
    largest = max(float(row["revenue_per_customer"]) for row in marts.cohorts)
    axis, place = _axis(start, right, _ticks(largest))
    across = (right - start) / max(1, longest)
    lines = {}
    for cohort in cohorts:
        rows = [row for row in marts.cohorts if row["cohort_month"] == cohort]
        lines[date.fromisoformat(cohort).strftime("%b %Y")] = [
            (start + across * row["months_since_first_order"], place(float(row["revenue_per_customer"])))
            for row in sorted(rows, key=lambda row: row["months_since_first_order"])
        ]
    parts += axis + _lines(lines, right)
    for month in range(0, longest + 1, 6):
        parts.append(_tick(start + across * month, str(month)))
    middle = (start + right) / 2
    caption = "months since the first order"
    parts.append(_text(middle, _BOTTOM + 36, caption, font_size="11", fill=_MUTED, text_anchor="middle"))
    return parts


def _funnel(marts: Marts, left: float) -> list[str]:
    """Return the chart of the outcome of each step of a journey, with a bar per step."""
    enrolled = max(1, marts.funnel[0]["reached"])
    name = marts.funnel[0]["journey_name"]
    parts = _heading(left, f"Journey funnel: {name}", f"{enrolled:,} enrolled; where they are now, by step")
    fates = (("done", "went on", "#2457c5"), ("converted", "bought", "#12897b"),
             ("waiting", "waiting", "#b9c4d3"), ("dropped_out", "left", "#e9c9a8"))  # fmt: skip
    start, full = left + 92, _PANEL - 92 - 34
    x: float = left
    for _, label, color in fates:
        parts.append(f'<rect x="{x:.1f}" y="{_TOP - 10}" width="10" height="10" rx="2" fill="{color}"/>')
        parts.append(_text(x + 14, _TOP - 1, label, font_size="12", fill=_MUTED))
        x += 26 + 7 * len(label)
    pitch = (_BOTTOM - _TOP - 16) / len(marts.funnel)
    for index, row in enumerate(marts.funnel):
        top = _TOP + 18 + pitch * index
        height = pitch * 0.62
        middle = top + height / 2 + 4
        step = row["step_channel"] or row["step_kind"] or ""
        shown = f"{row['step_number']}  {step}"
        parts.append(_text(left, middle, shown, font_size="12", fill=_INK))
        x = start
        for fate, _, color in fates:
            width = full * row[fate] / enrolled
            shape = f'x="{x:.1f}" y="{top:.1f}" width="{max(0, width - 1):.1f}" height="{height:.1f}"'
            parts.append(f'<rect {shape} fill="{color}"/>')
            x += width
        reached = f"{row['reached']:,}"
        parts.append(_text(x + 6, middle, reached, font_size="12", fill=_INK, font_weight="600"))
    return parts


def draw(marts: Marts, caption: str) -> str:
    """Return the SVG of the three charts."""
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{_FONTS}">',
        f"<title>{escape(caption)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
    ]
    for number, panel in enumerate((_revenue, _cohorts, _funnel)):
        parts += panel(marts, _LEFT + _PITCH * number)
    parts += [_text(_LEFT, HEIGHT - 14, caption, font_size="11", fill=_MUTED), "</svg>"]
    return "\n".join(parts) + "\n"
