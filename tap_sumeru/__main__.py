"""`python -m tap_sumeru`."""

from tap_sumeru.tap import TapSumeru

TapSumeru.cli()
