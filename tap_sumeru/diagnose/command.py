"""The command `--check`: runs the check, shows its progress, and prints its report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tap_sumeru.diagnose.check import check
from tap_sumeru.diagnose.check_report import as_json, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings


def run_check(settings: Settings, selections: Sequence[StreamSelection], *, json: bool) -> int:
    """Print what a check of the selected streams finds; return 1 if one of them cannot be read.

    A progress bar is shown where a person watches.
    """
    steps = len(settings.shops) * len(selections)
    with click.progressbar(length=steps, label="Checking", file=sys.stderr) as bar:
        found = check(settings, selections, lambda: bar.update(1))
    click.echo(as_json(found) if json else as_text(found))
    return 0 if all(shop.passed for shop in found) else 1
