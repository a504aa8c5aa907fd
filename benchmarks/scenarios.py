"""What a scenario's measurement says: a table, and the bars that this tap must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bar(msgspec.Struct):
    """A promise about a figure: at least, or at most, so much."""

    text: str
    measured: float
    bound: float
    least: bool
    void: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure is sound and on the right side."""
        right = self.measured >= self.bound if self.least else self.measured <= self.bound
        return right and not self.void


class Result(msgspec.Struct):
    """One scenario, measured: a table by columns, its bars, and how it was done."""

    title: str
    columns: list[str]
    table: list[list[str | float]]
    bars: list[Bar]
    notes: list[str]
    taken: str = ""
    commit: str = ""
    of: str = ""


def at_most(text: str, measured: float, bound: float, *of: Mapping[str, Any]) -> Bar:
    """Return a bar for a figure that must be small; the runs that it is made of may void it."""
    return Bar(text, measured, bound, least=False, void=_void(of))


def at_least(text: str, measured: float, bound: float, *of: Mapping[str, Any]) -> Bar:
    """Return a bar for a figure that must be large; the runs that it is made of may void it."""
    return Bar(text, measured, bound, least=True, void=_void(of))


def number(value: str | float) -> str:
    """Return a figure with three digits that count, whole ones in full."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or value == int(value) or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _void(of: tuple[Mapping[str, Any], ...]) -> str:
    return next((run["wrong"] for run in of if run["wrong"]), "")
