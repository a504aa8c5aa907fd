"""Entry point of `python -m tap_sumeru.bulk`."""

from __future__ import annotations

from tap_sumeru.bulk.command import main

if __name__ == "__main__":
    main()
