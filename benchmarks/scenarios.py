"""The result of a scenario: a table, and the bars that this tap must pass."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Ratio(NamedTuple):
    """The ratio of two clients that ran in turns: the median of the pairs, the smallest and the largest."""

    median: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The median, with the smallest and the largest."""
        return f"{number(self.median)} ({number(self.low)} to {number(self.high)})"


def ratio(of: Sequence[Mapping[str, Any]], to: Sequence[Mapping[str, Any]], figure: str) -> Ratio:
    """Return the ratio of a figure of two clients, pair by pair in the order of the runs."""
    pairs = [one[figure] / other[figure] for one, other in zip(of, to, strict=False)]
    return Ratio(statistics.median(pairs), min(pairs), max(pairs))


class Bar(msgspec.Struct):
    """A bound for a figure: at least, or at most; `low` and `high` are the extremes if it is a median."""

    text: str
    measured: float
    bound: float
    least: bool
    void: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the figure is valid and on the right side."""
        right = self.measured >= self.bound if self.least else self.measured <= self.bound
        return right and not self.void

    @property
    def figure(self) -> str:
        """The figure, with its extremes."""
        if self.low is None or self.high is None:
            return number(self.measured)
        return Ratio(self.measured, self.low, self.high).text


class Result(msgspec.Struct):
    """What a scenario measured: a table by columns, the bars, and notes on how it was done."""

    title: str
    columns: list[str]
    table: list[list[str | float]]
    bars: list[Bar]
    notes: list[str]
    taken: str = ""
    commit: str = ""
    of: str = ""


def at_most(text: str, measured: float | Ratio, bound: float, *of: Mapping[str, Any]) -> Bar:
    """Return a bar for a figure that must be small; a wrong run among those that it is made of voids it."""
    return _bar(text, measured, bound, of, least=False)


def at_least(text: str, measured: float | Ratio, bound: float, *of: Mapping[str, Any]) -> Bar:
    """Return a bar for a figure that must be large; a wrong run among those that it is made of voids it."""
    return _bar(text, measured, bound, of, least=True)


def _bar(
    text: str, measured: float | Ratio, bound: float, of: tuple[Mapping[str, Any], ...], *, least: bool
) -> Bar:
    void = next((run["wrong"] for run in of if run["wrong"]), "")
    if isinstance(measured, Ratio):
        return Bar(text, measured.median, bound, least, void, measured.low, measured.high)
    return Bar(text, measured, bound, least, void)


def number(value: str | float) -> str:
    """Return a figure with three significant digits, and whole numbers in full."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or value == int(value) or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"
