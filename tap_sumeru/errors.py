"""Errors of the tap itself; those of the API are in `sumeru_api.errors`."""

from __future__ import annotations

from sumeru_api.errors import ApiError


class TapError(Exception):
    """Base class of the errors of this tap."""


class SettingsError(TapError):
    """A setting is missing or not valid; the message names it."""


class StateError(TapError):
    """The state or the catalog is not valid; the message names the stream or the file."""


class CatalogError(TapError):
    """The catalog asks for what the tap cannot do; the message names the stream and the column."""


class TargetClosed(TapError):
    """Standard output cannot be written: the target has ended, or the disk is full."""


class BatchFileError(TapError):
    """A BATCH file cannot be written."""


class StreamMapError(ApiError):
    """A stream map fails for a record; it ends the stream of the shop as an error of the API does."""
