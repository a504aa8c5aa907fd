"""The commands `--check` and `--estimate`: run, show their progress, print a report, log what failed."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from tap_sumeru.diagnose.check import check
from tap_sumeru.diagnose.check_report import as_json, as_text, reasons
from tap_sumeru.diagnose.command_progress import CommandProgress
from tap_sumeru.diagnose.estimate import estimate
from tap_sumeru.diagnose.estimate_report import as_json as estimate_as_json
from tap_sumeru.diagnose.estimate_report import as_text as estimate_as_text
from tap_sumeru.errors import TargetClosed
from tap_sumeru.output import stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings

logger = logging.getLogger("tap-sumeru")


def run_check(settings: Settings, selections: Sequence[StreamSelection], *, json: bool) -> int:
    """Print what a check of the selected streams finds; return 1 if one of them cannot be read.

    The log ends with the failures, one line each.

    Raises:
        TargetClosed: Standard output cannot be written.
    """
    with _steps("Checking", len(settings.shops) * len(selections)) as steps:
        found = check(settings, selections, steps.done)
    _print(as_json(found) if json else as_text(found))
    for shop in found:
        for reason in reasons(shop):
            logger.error("Shop %s: %s", shop.shop, reason)
    return 0 if all(shop.passed for shop in found) else 1


def run_estimate(settings: Settings, selections: Sequence[StreamSelection], *, json: bool) -> int:
    """Print what a first sync of the selected streams takes; return 1 if a shop cannot be estimated at all.

    Raises:
        TargetClosed: Standard output cannot be written.
    """
    with _steps("Estimating", len(settings.shops) * (len(selections) + 1)) as steps:
        found = estimate(settings, selections, steps.done)
    _print(estimate_as_json(found) if json else estimate_as_text(found))
    failed = [shop for shop in found if shop.failed]
    for shop in failed:
        logger.error("Shop %s cannot be estimated: %s", shop.shop, shop.streams[0].error)
    return 1 if failed else 0


def _steps(label: str, total: int) -> CommandProgress:
    """Return the progress display of the command.

    Raises:
        TargetClosed: Standard output is closed.
    """
    if sys.stdout is None:
        raise TargetClosed("stdout is closed")
    return CommandProgress(label, total)


def _print(report: str) -> None:
    stdout.write(report.encode() + b"\n")
