"""Entry point of `python -m tap_sumeru.bulk` and of the command `tap-sumeru-bulk`."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line. Ctrl-C during the imports ends the process at once and without a traceback."""
    signal.signal(signal.SIGINT, lambda number, _: os._exit(128 + number))
    from tap_sumeru.bulk import command  # noqa: PLC0415 - after the signal handler is set

    command.main()


if __name__ == "__main__":
    main()
