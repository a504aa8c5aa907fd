"""Errors of the HTTP session, and the map from low-level exceptions to them."""

from __future__ import annotations

import aiohttp


class TransportError(Exception):
    """No complete answer was received. The text says why and holds nothing private."""


class UntrustedHostError(Exception):
    """No connection may be made. The text says why and holds nothing private."""


class OverallTimeoutError(TimeoutError):
    """A response kept coming for too long."""


NO_LOOKUP = "the host name cannot be looked up; check `api_url`"
NOT_HTTP = "the answer is not HTTP"
CUT_SHORT = "the answer was cut short"


_CAUSES: tuple[tuple[type[Exception], type[TransportError | UntrustedHostError], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, UntrustedHostError, "the host's certificate cannot be trusted"),
    (aiohttp.InvalidURL, UntrustedHostError, NO_LOOKUP),
    (UnicodeError, UntrustedHostError, NO_LOOKUP),
    (aiohttp.ClientConnectorDNSError, TransportError, "the host name cannot be resolved"),
    (aiohttp.ConnectionTimeoutError, TransportError, "could not connect in time"),
    (OverallTimeoutError, TransportError, "the answer took longer than five read timeouts"),
    (TimeoutError, TransportError, "no answer within the read timeout"),
    (aiohttp.ClientHttpProxyError, TransportError, "the proxy refused the connection"),
    (aiohttp.ClientProxyConnectionError, TransportError, "the connection to the proxy failed"),
    (aiohttp.ClientResponseError, TransportError, NOT_HTTP),
    (aiohttp.ClientPayloadError, TransportError, CUT_SHORT),
)
"""The first that fits an exception says what becomes of it."""


def translated(error: Exception) -> TransportError | UntrustedHostError:
    """Map an exception of aiohttp or the operating system to one of this module."""
    for low_level, kind, text in _CAUSES:
        if isinstance(error, low_level):
            return kind(text)
    if isinstance(error, aiohttp.ServerDisconnectedError) and not closed_before_answer(error):
        return TransportError(CUT_SHORT)
    return TransportError("the connection failed")


def closed_before_answer(error: Exception) -> bool:
    """Return whether a connection was closed or reset before any byte of an answer came."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # If some of the head has come, aiohttp attaches it here.
        return isinstance(error.message, str)
    return isinstance(error, (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError))
