"""The command `--check`: runs the check, shows its progress, prints its report, and logs what failed."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from tap_sumeru.diagnose.check import check
from tap_sumeru.diagnose.check_report import as_json, as_text, reasons
from tap_sumeru.errors import TargetClosed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings

logger = logging.getLogger("tap-sumeru")


def run_check(settings: Settings, selections: Sequence[StreamSelection], *, json: bool) -> int:
    """Print what a check of the selected streams finds; return 1 if one of them cannot be read.

    A progress bar is shown where a person watches. The log ends with the failures, one line each.

    Raises:
        TargetClosed: Standard output cannot be written.
    """
    if sys.stdout is None:
        raise TargetClosed("stdout is closed")
    steps = len(settings.shops) * len(selections)
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=steps, label="Checking", file=sys.stderr, hidden=hidden) as bar:
        found = check(settings, selections, lambda: bar.update(1))
    try:
        click.echo(as_json(found) if json else as_text(found))
    except OSError as error:
        raise TargetClosed(f"stdout cannot be written ({error.strerror})") from None
    for shop in found:
        for reason in reasons(shop):
            logger.error("Shop %s: %s", shop.shop, reason)
    return 0 if all(shop.passed for shop in found) else 1
