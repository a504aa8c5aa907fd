"""Progress bars on standard error, where a person watches; without a terminal there is no output at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class Update(Protocol):
    """Sets how far the work is, and of how much; without a `total` the bar only shows that work goes on."""

    def __call__(self, done: float, total: float | None = None) -> None:
        """Move the bar."""


@contextmanager
def progress_bar(text: str, unit: str = "") -> Iterator[Update]:
    """Show a progress bar until the end of the `with` block, and remove it then.

    Args:
        text: What is being done.
        unit: What is counted, such as `requests`; without it no number is shown.

    Yields:
        A function that moves the bar.
    """
    console = Console(stderr=True)
    count = [TextColumn(unit + ": {task.completed:,.0f}")] if unit else []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *count, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(text, total=None)

        def update(done: float, total: float | None = None) -> None:
            progress.update(task, completed=done, total=total)

        yield update
