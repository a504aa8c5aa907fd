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


_NO_STREAM_FOUND = "Check `api_url`: the API at this address has none of the selected streams."


def advice(error: ApiError, *streams: str) -> str:
    """Return what the user can do about an error.

    Args:
        error: The error.
        streams: The stream that met it, or all streams of a shop.
    """
    if isinstance(error, NotFound) and len(streams) > 1:
        return _NO_STREAM_FOUND
    kind = next(kind for kind in type(error).__mro__ if kind in _ADVICE)
    return _ADVICE[kind].format(stream=streams[0], scope=STREAMS[streams[0]].scope)


def with_advice(error: ApiError, *streams: str) -> str:
    """Return an error, and what the user can do about it; the arguments are those of `advice`."""
    return f"{error.describe()}. {advice(error, *streams)}"


def common_error(errors: Sequence[ApiError | None]) -> ApiError | None:
    """Return the error that stands for those of all streams of a shop, None if there is none.

    If none of several streams is found, the address is wrong.
    """
    found = [error for error in errors if isinstance(error, NotFound)]
    return found[0] if len(errors) == len(found) > 1 else None
