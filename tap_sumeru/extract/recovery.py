"""What follows a list request that failed: another way to read the same rows, or the error itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError, NotFound

if TYPE_CHECKING:
    from tap_sumeru.extract.slices import Slice

_MAX_RESTARTS = 3
_PARAMETER_REJECTED = (400, 422)
_CURSOR_EXPIRED = (400, 410, 422)
FIELDS_REJECTED = (400, 414, 422)
"""Statuses with which `fields` may be rejected; with 414 because the URL is too long, perhaps by a cursor."""


class Recovery(Exception):
    """Base of the decisions below: the read goes on in another way."""


class ParentMissing(Recovery):
    """The parent is gone since it was listed: skip its children.

    Args:
        error: The 404.
    """

    def __init__(self, error: NotFound) -> None:
        super().__init__(error.cause)
        self.error = error


class CursorExpired(Recovery):
    """The cursor is no longer valid: read the list again from its first page."""


class FieldsRejected(Recovery):
    """The API does not accept `fields`: read the list again from its first page, with all attributes."""


class FilterRejected(Recovery):
    """The API does not accept the date filter: read without it."""


class StartOver(Recovery):
    """The rows show that the read cannot go on as planned: plan it again."""


def recovery(error: ApiError, slice_: Slice, *, at_cursor: bool, has_fields: bool) -> Recovery | ApiError:
    """Return how the read goes on after a failed request, or the error if it cannot.

    Args:
        error: The error.
        slice_: The list that the request belongs to; its restarts are counted.
        at_cursor: Whether the request had a cursor; if no page was read before, one from the state.
        has_fields: Whether the request had the parameter `fields`.
    """
    if isinstance(error, NotFound) and slice_.parent is not None:
        return ParentMissing(error)
    if at_cursor and slice_.pages == 0 and not error.affects_shop:
        return CursorExpired()  # the cursor comes from the state, and no later run would do any better
    if has_fields and error.status in FIELDS_REJECTED:
        return FieldsRejected()
    if at_cursor:
        if error.status in _CURSOR_EXPIRED and slice_.restarts < _MAX_RESTARTS:
            slice_.restarts += 1
            return CursorExpired()
    elif slice_.window is not None and error.status in _PARAMETER_REJECTED:
        return FilterRejected()
    return error
