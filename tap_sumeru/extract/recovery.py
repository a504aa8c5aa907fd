"""Decides after a failed list request: continue in another way, which an exception names, or fail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError, ApiUnavailable, HostNotResponding

if TYPE_CHECKING:
    from tap_sumeru.extract.slices import Slice

_MAX_FRUITLESS = 3
_MAX_FRUITLESS_UNAVAILABLE = 1
"""Each such try has used up its retries."""
_MAX_RESTARTS_OF_WINDOW = 50
"""Each reads the window again from its first page, so that their cost grows with its square."""
_PARAMETER_REJECTED = (400, 422)
_REFUSED = range(400, 500)
FIELDS_REJECTED = (400, 413, 414, 422, 431)
"""Statuses with which `fields` may be rejected, perhaps because a cursor makes the URL too long."""
_MAY_BE_ABOUT_FIELDS = frozenset({*range(400, 500), 500, 501} - {404, 410})
"""Statuses of a first page with which an API may reject `fields`: most of the names are assumed."""


class Recovery(Exception):
    """Base of the decisions below: the read goes on in another way."""


class CursorExpired(Recovery):
    """The cursor is no longer valid: read the list again from its first page."""


class TooDeep(Recovery):
    """The API refuses again and again to list more rows: read fewer rows at a time.

    Args:
        error: The refusal.
        rows: How many rows it has listed at most.
    """

    def __init__(self, error: ApiError, rows: int) -> None:
        super().__init__(error.cause)
        self.error = error
        self.rows = rows

    def notice(self, *, all_rows: bool) -> tuple[str, int]:
        """Return what to log if the list is read in smaller windows, and the level.

        Args:
            all_rows: Whether the list was one of all rows, so that windows may lack some.
        """
        text = f"the API lists no more than {self.rows} rows; reading in smaller windows"
        if not all_rows:
            return text, logging.INFO
        return f"{text}, which leave out rows without a replication key", logging.WARNING

    def because(self, reason: str) -> ApiError:
        """Return the error if the list cannot be read in parts, for a reason."""
        text = f"no page after the first {self.rows} rows of the list can be read, and {reason}"
        return self.error.with_cause(f"{text}: {self.error.cause}")


class FieldsRejected(Recovery):
    """The API does not accept `fields`: read the list again from its first page, with all attributes."""


class FilterRejected(Recovery):
    """The API does not accept the date filter: read without it."""


class StartOver(Recovery):
    """The rows show that the read cannot go on as planned: plan it again."""


def recovery(
    error: ApiError, slice_: Slice, *, at_cursor: bool, has_fields: bool, depth: int | None = None
) -> Recovery | ApiError:
    """Return how the read goes on after a failed request, or the error if it cannot.

    Args:
        error: The error.
        slice_: The list that the request belongs to; its tries are counted.
        at_cursor: Whether the request had a cursor; if no page was read before, one from the state.
        has_fields: Whether the request had the parameter `fields`.
        depth: Number of rows after which other lists of the stream were refused again and again.
    """
    saved = at_cursor and slice_.pages == 0
    if error.affects_shop and not (saved and isinstance(error, HostNotResponding)):
        return error
    if saved:
        return CursorExpired()  # the cursor comes from the state, and no later run would do any better
    if has_fields and error.status in (FIELDS_REJECTED if at_cursor else _MAY_BE_ABOUT_FIELDS):
        return FieldsRejected()
    if at_cursor:
        next_step = _at_cursor(error, slice_, depth)
        return FieldsRejected() if has_fields and isinstance(next_step, TooDeep) else next_step
    if slice_.window is not None and error.status in _PARAMETER_REJECTED:
        return FilterRejected()
    return error


def _at_cursor(error: ApiError, slice_: Slice, depth: int | None) -> Recovery | ApiError:
    """Tell an expired cursor from a list that refuses depth: only the latter fails at the same row for ever.

    Whether the list itself can be read (a missing parent, a lost scope) shows at its first page.
    """
    unavailable = isinstance(error, ApiUnavailable)
    if not unavailable and error.status not in _REFUSED:
        return error
    progress = slice_.progress
    # A window is split at once where other lists came to an end, and before it costs too many tries.
    as_others = depth is not None and abs(progress.rows - depth) * 10 <= depth
    costly = as_others or progress.restarts >= _MAX_RESTARTS_OF_WINDOW
    split = costly and slice_.window is not None and slice_.window.splittable
    worth_it = progress.start_over(_MAX_FRUITLESS_UNAVAILABLE if unavailable else _MAX_FRUITLESS)
    return CursorExpired() if worth_it and not split else TooDeep(error, progress.furthest)
