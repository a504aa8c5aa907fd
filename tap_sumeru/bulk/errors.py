"""Errors of the bulk loader; each message is one line and holds no value of a row."""

from __future__ import annotations

from tap_sumeru.errors import TapError


class InputError(TapError):
    """The input is not the output of a tap, or a BATCH file cannot be read."""


class WarehouseError(TapError):
    """The warehouse cannot be reached, or refuses what it is given."""


class StateFileError(TapError):
    """The state cannot be written; its rows are loaded, and come again in the next run."""
