"""How a read goes on after a failed request: the decisions, one per line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RequestRejected,
    UnexpectedResponse,
)
from tap_sumeru.extract.recovery import (
    CursorExpired,
    FieldsRejected,
    FilterRejected,
    TooDeep,
    recovery,
)
from tap_sumeru.extract.slices import Slice
from tap_sumeru.extract.windows import Window

WINDOW = Window(datetime(2026, 5, 10, tzinfo=UTC), None)
FIRST: dict[str, Any] = {"at_cursor": False, "has_fields": False}
AT_CURSOR: dict[str, Any] = {"at_cursor": True, "has_fields": False}
FIELDS: dict[str, Any] = {"at_cursor": False, "has_fields": True}
AT_CURSOR_WITH_FIELDS: dict[str, Any] = {"at_cursor": True, "has_fields": True}


def error(status: int) -> ApiError:
    kinds: dict[int, type[ApiError]] = {
        401: AuthenticationError,
        403: PermissionDenied,
        404: NotFound,
        302: UnexpectedResponse,
        500: ApiUnavailable,
        503: ApiUnavailable,
    }
    return kinds.get(status, RequestRejected)("it failed", status=status)


@pytest.mark.parametrize(
    ("status", "slice_", "request_", "decision"),
    [
        # A cursor that has expired: the list is read again from its first page.
        *((status, Slice(), AT_CURSOR, CursorExpired) for status in (400, 410, 422)),
        (400, Slice(window=WINDOW), AT_CURSOR_WITH_FIELDS, CursorExpired),
        # The first page will tell whether more than the cursor is refused.
        *((status, Slice(pages=1), AT_CURSOR, CursorExpired) for status in (403, 404, 409, 414, 500, 503)),
        (302, Slice(pages=1), AT_CURSOR, None),
        # A cursor from the state that is refused for whatever reason.
        *((status, Slice(), AT_CURSOR, CursorExpired) for status in (403, 404, 409, 414, 500, 503)),
        (401, Slice(), AT_CURSOR, None),
        # `fields` that are rejected: all attributes are requested.
        *((status, Slice(), FIELDS, FieldsRejected) for status in (400, 403, 405, 414, 422, 431, 500, 501)),
        (422, Slice(window=WINDOW), FIELDS, FieldsRejected),
        # The cursor may have made the URL too long, and who says that it has expired?
        *((status, Slice(pages=1), AT_CURSOR_WITH_FIELDS, FieldsRejected) for status in (400, 414, 422)),
        (410, Slice(pages=1), AT_CURSOR_WITH_FIELDS, CursorExpired),
        *((status, Slice(), FIELDS, None) for status in (302, 404, 410, 503)),
        # A date filter that is rejected: the stream is read without it.
        *((status, Slice(window=WINDOW), FIRST, FilterRejected) for status in (400, 422)),
        *((status, Slice(window=WINDOW), FIRST, None) for status in (403, 404, 410, 414, 503)),
        # A parent that is gone or refused: the reader leaves it out.
        *((status, Slice(parent="jrn_1"), FIRST, None) for status in (403, 404, 410, 500)),
        (404, Slice(parent="jrn_1", window=WINDOW, pages=1), AT_CURSOR, CursorExpired),
        # Nothing that could be left out of the request.
        *((status, Slice(), FIRST, None) for status in (400, 403, 404, 410, 414, 422, 503)),
    ],
)  # fmt: skip
def test_what_follows_a_failed_request(
    status: int, slice_: Slice, request_: dict[str, Any], decision: type[Exception] | None
) -> None:
    failed = error(status)
    found = recovery(failed, slice_, **request_)
    if decision is None:
        assert found is failed
    else:
        assert type(found) is decision


@pytest.mark.parametrize(("status", "tries"), [(400, 3), (410, 3), (500, 1)])
def test_a_list_that_comes_no_further_is_too_deep_after_a_few_tries(status: int, tries: int) -> None:
    slice_, failed = Slice(pages=1), error(status)
    for rows in (100, 200, 250):
        slice_.progress.take(frozenset({rows}), rows=rows)
        assert isinstance(recovery(failed, slice_, **AT_CURSOR), CursorExpired)
    for _ in range(tries - 1):
        assert isinstance(recovery(failed, slice_, **AT_CURSOR), CursorExpired)
    found = recovery(failed, slice_, **AT_CURSOR)
    assert isinstance(found, TooDeep)
    assert (found.error, found.rows) == (failed, 250)


DAY = Window(datetime(2026, 5, 10, tzinfo=UTC), datetime(2026, 5, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("rows", "at_once"), [(100, False), (181, True), (200, True), (220, True), (300, False)]
)
@pytest.mark.parametrize(("window", "splittable"), [(WINDOW, True), (DAY, False), (None, False)])
def test_a_window_is_split_at_once_where_other_lists_came_to_an_end(
    window: Window | None, splittable: bool, rows: int, at_once: bool
) -> None:
    slice_ = Slice(pages=1, window=window)
    slice_.progress.take(frozenset({1}), rows=rows)
    found = recovery(error(400), slice_, **AT_CURSOR, depth=200)
    assert isinstance(found, TooDeep if splittable and at_once else CursorExpired)
