"""Errors of the tap itself; those of the API are in `sumeru_api.errors`."""

from __future__ import annotations


class TapError(Exception):
    """Base of all errors that this tap raises on purpose."""


class SettingsError(TapError):
    """The settings contradict each other or cannot be used; the message names the setting."""


class StateError(TapError):
    """The state is damaged or not of this tap; the message names the stream."""


class TargetClosed(TapError):
    """Our stdout takes no more: its reader has gone, or its disk is full."""


class BatchFileError(TapError):
    """A file for BATCH cannot be written."""
