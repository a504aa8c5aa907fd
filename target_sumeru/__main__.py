"""Entry point of `python -m target_sumeru` and of the command `target-sumeru`."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line. A signal during the imports ends the process at once and without a traceback."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda number, _: os._exit(128 + number))
    from tap_sumeru import error_reporting  # noqa: PLC0415 - after the signal handlers are set
    from target_sumeru.target import TargetSumeru  # noqa: PLC0415 - as above

    with error_reporting.settled_end():
        error_reporting.check_log_level("TARGET_SUMERU_LOGLEVEL")
        TargetSumeru.cli()


if __name__ == "__main__":
    main()
