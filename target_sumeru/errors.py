"""Errors of the target itself; those of the API are in `sumeru_api.errors`."""

from __future__ import annotations

from tap_sumeru.errors import TapError


class TargetError(TapError):
    """Base class of the errors of the target; the shared error reporting logs each as one line."""


class InputError(TargetError):
    """A line of the input cannot be used; the message names the line and never quotes it."""


class LedgerError(TargetError):
    """The ledger cannot be used."""


class SpoolError(TargetError):
    """The temporary file that holds the rows cannot be written."""


class LimitExceeded(TargetError):
    """The plan exceeds a limit of the settings, so nothing is written."""


class Stopped(Exception):
    """The run is to stop, so a request that was about to be sent is not."""
