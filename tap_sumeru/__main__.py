"""`python -m tap_sumeru`, and the command `tap-sumeru`."""

from __future__ import annotations

import gc
import os
import signal

_LARGEST_PAGE = 1 << 22
"""Once glibc has given back a block of this size, it keeps smaller ones at hand: pages come and go."""


_GC_THRESHOLDS = (20_000, 20, 50)
"""Full collections are rare: with a thousand shops the heap is large, and each one takes long."""


def main() -> None:
    """Run the command line; a signal while it is still being loaded ends it at once, and quietly."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda number, _: os._exit(128 + number))
    bytes(_LARGEST_PAGE)
    gc.disable()  # what is imported stays: to look for garbage in it is a fifth of the start
    from tap_sumeru.tap import TapSumeru  # noqa: PLC0415 - it takes a second, in which a signal may come

    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()
    TapSumeru.cli()


if __name__ == "__main__":
    main()
