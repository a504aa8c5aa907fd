"""What a user can do about each error of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    ProxyFailed,
    RateLimited,
    Redirected,
    RequestRejected,
    UnexpectedResponse,
    UntrustedHost,
)
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import StreamMapError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ADVICE: Mapping[type[ApiError], str] = {
    AuthenticationError: "Put a valid token in `api_token` (or the shop's entry): Settings → API tokens in "
    "Sumeru. Shops on the EU host need `api_url` https://eu.api.sumeru.systems.",
    PermissionDenied: "Grant `{scope}` to the token in Settings → API tokens, or deselect `{stream}`.",
    NotFound: "Check `api_url`; if it is right, this shop's API does not have the resource: deselect "
    "`{stream}`.",
    RequestRejected: "Check `stream_options.{stream}` (filters, include, date_filter).",
    Redirected: "No redirect is followed, because the token would go along: set `api_url` to the final host.",
    RateLimited: "Run the tap again later, or lower `rate_limit_share` if other integrations use the token.",
    StreamMapError: "Correct the expression in `stream_maps`; it must work for null, and for numbers as "
    "decimals.",
    UntrustedHost: "Check `api_url` and the network of this machine.",
    ProxyFailed: "Check the proxy settings of this machine: HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
    ApiUnavailable: "Check `api_url` and the network, then run the tap again: it continues where it stopped.",
    UnexpectedResponse: "Run the tap again; if the error persists, report it: the API has changed.",
    ApiError: "Run the tap again; if the error persists, contact Sumeru's support with the request id.",
}


_NO_STREAM_FOUND = (
    "Check `api_url`: no selected stream can be read at this address. If it is right, report this: the API "
    "has changed."
)
_NO_ENDPOINT = (405, 410)
"""Statuses other than 404 of an address that has no such endpoint."""


def advice(error: ApiError, *streams: str) -> str:
    """Return what the user can do about an error.

    Args:
        error: The error.
        streams: The stream that met it, or all streams of a shop.
    """
    kind = next(kind for kind in type(error).__mro__ if kind in _ADVICE)
    if len(streams) > 1 and kind in (NotFound, RequestRejected, UnexpectedResponse):
        return _NO_STREAM_FOUND
    return _ADVICE[kind].format(stream=streams[0], scope=STREAMS[streams[0]].scope)


def with_advice(error: ApiError, *streams: str) -> str:
    """Return an error, and what the user can do about it; the arguments are those of `advice`."""
    return f"{error.describe()}. {advice(error, *streams)}"


def common_error(errors: Sequence[ApiError | None]) -> ApiError | None:
    """Return the error that stands for those of all streams of a shop, None if there is none.

    If several streams fail, all in the same way and in one that a wrong address causes, so does the shop.
    """
    found = [error for error in errors if error is not None and _suggests_wrong_address(error)]
    if len(found) < len(errors) or len(found) == 1 or len({(type(one), one.status) for one in found}) != 1:
        return None
    shortest = min(found, key=lambda one: len(one.cause))  # that of a child names its parents first
    same = all(isinstance(one, NotFound) or one.cause.endswith(shortest.cause) for one in found)
    return shortest if same else None


def _suggests_wrong_address(error: ApiError) -> bool:
    kinds = (NotFound, UnexpectedResponse, ApiUnavailable)
    return isinstance(error, kinds) or (isinstance(error, RequestRejected) and error.status in _NO_ENDPOINT)
