"""Entry point of `python -m tap_sumeru` and of the command `tap-sumeru`."""

from __future__ import annotations

import gc
import os
import signal

_MAX_PAGE_SIZE = 1 << 22
"""After glibc has freed a block of this size, it keeps smaller ones for reuse."""

_GC_THRESHOLDS = (100_000, 20, 50)
"""These make collections rare: with a thousand shops the heap is large, and there is little garbage in it."""


def main() -> None:
    """Run the command line. A signal during the imports ends the process at once and without a traceback."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda number, _: os._exit(128 + number))
    bytes(_MAX_PAGE_SIZE)
    gc.disable()  # collections during the imports find nothing, and take a fifth of the start-up time
    from tap_sumeru import error_reporting  # noqa: PLC0415 - after the signal handlers are set
    from tap_sumeru.tap import TapSumeru  # noqa: PLC0415 - as above

    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()
    with error_reporting.settled_end():
        error_reporting.check_log_level()
        TapSumeru.cli()


if __name__ == "__main__":
    main()
