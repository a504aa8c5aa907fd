"""How a read goes on after a failed request: the decisions, one per line."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RequestRejected,
)
from tap_sumeru.extract.recovery import (
    CursorExpired,
    FieldsRejected,
    FilterRejected,
    ParentMissing,
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
        503: ApiUnavailable,
    }
    return kinds.get(status, RequestRejected)("it failed", status=status)


@pytest.mark.parametrize(
    ("status", "slice_", "request_", "decision"),
    [
        # A cursor that has expired: the list is read again from its first page.
        *((status, Slice(), AT_CURSOR, CursorExpired) for status in (400, 410, 422)),
        (400, Slice(window=WINDOW), AT_CURSOR_WITH_FIELDS, CursorExpired),
        *((status, Slice(pages=1), AT_CURSOR, None) for status in (403, 404, 414, 503)),
        # A cursor from the state that is refused for whatever reason.
        *((status, Slice(), AT_CURSOR, CursorExpired) for status in (403, 404, 409, 414, 500, 503)),
        (401, Slice(), AT_CURSOR, None),
        # `fields` that are rejected: all attributes are requested.
        *((status, Slice(), FIELDS, FieldsRejected) for status in (400, 414, 422)),
        (422, Slice(window=WINDOW), FIELDS, FieldsRejected),
        # The cursor may have made the URL too long, and who says that it has expired?
        *((status, Slice(pages=1), AT_CURSOR_WITH_FIELDS, FieldsRejected) for status in (400, 414, 422)),
        (410, Slice(pages=1), AT_CURSOR_WITH_FIELDS, CursorExpired),
        *((status, Slice(), FIELDS, None) for status in (403, 404, 410, 503)),
        # A date filter that is rejected: the stream is read without it.
        *((status, Slice(window=WINDOW), FIRST, FilterRejected) for status in (400, 422)),
        *((status, Slice(window=WINDOW), FIRST, None) for status in (403, 404, 410, 414, 503)),
        # A parent that is gone: its children are skipped.
        *((404, Slice(parent="jrn_1", window=window), request_, ParentMissing)
          for window, request_ in product((None, WINDOW), (FIRST, AT_CURSOR, FIELDS, AT_CURSOR_WITH_FIELDS))),
        (403, Slice(parent="jrn_1"), FIRST, None),
        (410, Slice(parent="jrn_1"), FIRST, None),
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


def test_a_list_starts_over_three_times_at_most() -> None:
    slice_, failed = Slice(pages=1), error(410)
    found = [recovery(failed, slice_, at_cursor=True, has_fields=False) for _ in range(5)]
    assert [type(one) for one in found[:3]] == [CursorExpired] * 3
    assert found[3:] == [failed, failed]


def test_only_an_expired_cursor_counts_as_a_restart() -> None:
    slice_ = Slice(window=WINDOW, pages=1)
    recovery(error(422), slice_, **FIRST)
    recovery(error(503), slice_, **AT_CURSOR)
    assert slice_.restarts == 0


def test_a_missing_parent_keeps_its_404() -> None:
    failed = error(404)
    found = recovery(failed, Slice(parent="jrn_1"), **FIRST)
    assert isinstance(found, ParentMissing)
    assert found.error is failed
