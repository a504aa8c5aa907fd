"""Limits of lists: which failures allow a smaller page, and how far."""

from __future__ import annotations

import pytest

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    HostNotResponding,
    NotFound,
    PermissionDenied,
    RateLimited,
    RequestRejected,
    UnexpectedResponse,
    UntrustedHost,
)
from tap_sumeru.extract.list_limits import smaller_page


def sizes(error: ApiError) -> list[int]:
    """Return the sizes that are tried while the same error comes."""
    size, tried = 100, list[int]()
    while (smaller := smaller_page(size, error, again=bool(tried))) is not None:
        assert smaller < size
        tried.append(size := smaller)
    return tried


@pytest.mark.parametrize(
    ("error", "tried"),
    [
        (RequestRejected("", status=413), [50, 25, 12, 6, 3, 1]),
        (ApiUnavailable("", status=500), [50, 25, 12, 6, 3, 1]),
        (ApiUnavailable("", status=502), [50, 25, 12, 6, 3, 1]),
        (ApiUnavailable("not JSON", status=200), [50, 25, 12, 6, 3, 1]),
        (ApiUnavailable("", status=504), [25]),
        (ApiUnavailable("no answer within the read timeout"), []),
        (HostNotResponding("no answer within the read timeout"), []),
        *((kind("", status=status), []) for kind, status in (
            (RequestRejected, 400), (PermissionDenied, 403), (NotFound, 404), (RateLimited, 429),
            (RateLimited, 503), (UntrustedHost, 0), (UnexpectedResponse, 0),
        )),
    ],
)  # fmt: skip
def test_only_what_a_large_page_can_cause_allows_smaller_ones(error: ApiError, tried: list[int]) -> None:
    assert sizes(error) == tried
