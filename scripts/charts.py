"""Draws three charts of the marts as one SVG, always the same for the same rows."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Row = dict[str, Any]

STYLE = Path(__file__).with_name("charts.mplstyle")
_SIZE = (15.0, 5.2)
_MOST_CHANNELS = 5
_MOST_TICKS = 9
_COHORTS = ("#0b2a6b", "#2457c5", "#5b8def", "#12897b", "#e07a1f")
_FATES = {
    "done": ("went on", "#2457c5"),
    "converted": ("bought", "#12897b"),
    "waiting": ("waiting", "#b9c4d3"),
    "dropped_out": ("left", "#e9c9a8"),
}


@dataclass(frozen=True)
class Marts:
    """Rows of one shop, as marts.py reads them."""

    shop: str
    currency: str
    revenue: list[Row]
    cohorts: list[Row]
    funnel: list[Row]


def draw(marts: Marts, caption: str) -> str:
    """Return the SVG of the three charts."""
    with mpl.rc_context(fname=STYLE), warnings.catch_warnings():
        # The viewer has fonts for names in any script; only their widths are guessed here.
        warnings.filterwarnings("ignore", "Glyph")
        figure = Figure(figsize=_SIZE)
        revenue, cohorts, funnel = figure.subplots(1, 3)
        _revenue(revenue, marts)
        _cohorts(cohorts, marts)
        _funnel(funnel, marts)
        figure.supxlabel(caption, x=0.01, ha="left", color="#59636e")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Title": caption, "Creator": None, "Date": None})
    return text.getvalue()


def _head(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(title)
    axes.annotate(
        subtitle,
        (0, 1),
        xytext=(0, 12),
        xycoords="axes fraction",
        textcoords="offset points",
        color="#59636e",
    )


def _money(axes: Axes) -> None:
    axes.grid(visible=False, axis="x")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _revenue(axes: Axes, marts: Marts) -> None:
    """Draw the revenue by month, with a line per channel."""
    _head(axes, "Revenue by channel", f"Net of refunds, {marts.currency} a month")
    months = sorted({row["order_month"] for row in marts.revenue})
    amounts: dict[str, dict[str, float]] = {}
    for row in marts.revenue:
        amounts.setdefault(row["channel"], {})[row["order_month"]] = float(row["net_revenue"])
    channels = sorted(amounts, key=lambda channel: -sum(amounts[channel].values()))[:_MOST_CHANNELS]
    for channel in channels:
        amounts_by_month = [amounts[channel].get(month, 0.0) for month in months]
        axes.plot(range(len(months)), amounts_by_month, markevery=[-1], label=channel.replace("_", " "))
    days = [date.fromisoformat(month) for month in months]
    step = next((step for step in (1, 3, 6) if len(months) <= _MOST_TICKS * step), 12)
    ticks = [place for place, day in enumerate(days) if (day.month - 1) % step == 0]
    first = {place for place in ticks if place == ticks[0] or days[place].month == 1}  # of a year
    axes.set_xticks(ticks, [days[place].strftime("%b\n%Y" if place in first else "%b") for place in ticks])
    _money(axes)
    axes.legend(loc="upper left")


def _cohorts(axes: Axes, marts: Marts) -> None:
    """Draw the revenue per customer since the first order, with a line per cohort."""
    _head(axes, "Lifetime value by cohort", f"{marts.currency} a customer so far, by month of first order")
    for color, cohort in zip(_COHORTS, sorted({row["cohort_month"] for row in marts.cohorts}), strict=False):
        values = {
            row["months_since_first_order"]: float(row["revenue_per_customer"])
            for row in marts.cohorts
            if row["cohort_month"] == cohort
        }
        months = sorted(values)
        name = date.fromisoformat(cohort).strftime("%b %Y")
        axes.plot(months, [values[month] for month in months], color=color, markevery=[-1], label=name)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("months since the first order")
    _money(axes)
    axes.legend(loc="lower right")


def _funnel(axes: Axes, marts: Marts) -> None:
    """Draw the outcome of each step of a journey, with a bar per step."""
    _head(
        axes,
        f"Journey funnel: {marts.funnel[0]['journey_name']}",
        "Where the enrolled customers are, by step",
    )
    steps = [f"{row['step_number']}. {row['step_channel'] or row['step_kind'] or ''}" for row in marts.funnel]
    left = [0.0] * len(steps)
    for fate, (name, color) in _FATES.items():
        widths = [row[fate] for row in marts.funnel]
        bars = axes.barh(steps, widths, left=left, color=color, label=name, height=0.62)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.bar_label(bars, [f"{row['reached']:,}" for row in marts.funnel], padding=5, fontweight="bold")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines.bottom.set_visible(False)
    axes.xaxis.set_visible(False)
    axes.margins(x=0.12)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, -0.14), ncols=len(_FATES), handlelength=1, columnspacing=1
    )
