"""Errors of the HTTP session, and the map from low-level exceptions to them."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING

import aiohttp
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL


class NoAnswerError(Exception):
    """A request has no complete answer. The text says why and holds nothing private.

    Attributes:
        reason: What has happened.
        host: Host and port that are at fault, empty if unknown; `proxy` and its host if it is the proxy.
        hint: A likely cause; empty if none stands out.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.host = self.hint = ""

    @override
    def __str__(self) -> str:
        """The host, the reason and the hint."""
        return "".join((self.host and f"{self.host}: ", self.reason, self.hint and f"; {self.hint}"))


class TransportError(NoAnswerError):
    """No complete answer was received; a later request may get one.

    Attributes:
        sent: Whether the server may have received the request.
        stale: Whether the server had closed the kept-alive connection, most likely before the request came.
    """

    sent = True
    stale = False


class ProxyError(TransportError):
    """The proxy of the environment did not connect to the host.

    Attributes:
        lasting: Whether the next request would fail too.
    """

    sent = False

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


class UntrustedHostError(NoAnswerError):
    """No connection may be made: the host is not verified, speaks no TLS, or has no valid name."""


class OverallTimeoutError(TimeoutError):
    """A response kept coming for too long."""


NO_LOOKUP = "the host name cannot be looked up; check `api_url`"
NOT_HTTP = "the answer is not HTTP"
CUT_SHORT = "the answer was cut short"
CLOSED = "the connection was closed before an answer came"

_TEXTS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the host name cannot be resolved"),
    (aiohttp.ClientConnectorSSLError, "the TLS handshake failed"),
    (aiohttp.ConnectionTimeoutError, "could not connect in time"),
    (OverallTimeoutError, "the answer took longer than five read timeouts"),
    (TimeoutError, "no answer within the read timeout"),
    (aiohttp.ClientResponseError, NOT_HTTP),
    (aiohttp.ClientPayloadError, CUT_SHORT),
)
"""The first class that an exception belongs to gives the text."""
_NETWORK: Mapping[int | None, str] = {
    errno.ECONNREFUSED: "the connection was refused; nothing listens on this port",
    errno.ECONNRESET: "the connection was reset before an answer came",
    errno.ENETUNREACH: "the host cannot be reached from this network",
    errno.EHOSTUNREACH: "the host cannot be reached from this network",
}
"""By error number of the operating system."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""OpenSSL's names for an answer that is not TLS."""
_CLOCK = "or the clock of this machine is wrong"
_ISSUER = "its issuer is unknown; if it is of your own network, name its certificate in REQUESTS_CA_BUNDLE"
_OTHER_NAME = "it is for another host"
_CERTIFICATE: Mapping[int, str] = {
    9: f"it is not valid yet, {_CLOCK}",
    10: f"it has expired, {_CLOCK}",
    **dict.fromkeys((18, 19, 20, 21), _ISSUER),
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""By OpenSSL's number for the fault of a certificate."""
_PROXY_AUTHENTICATION = 407
_TEMPORARY = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses of a proxy that has not reached the host for now."""


def translated(error: Exception, proxy: URL | None = None) -> NoAnswerError:
    """Map an exception of aiohttp or the operating system to one of this module.

    Args:
        error: The exception.
        proxy: The proxy that was to connect to the host, None if a connection to the host was made.
    """
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _proxy_refuses(error.status)
    fault = _host_fault(error)
    if proxy is None or not _is_of_proxy(error, proxy):
        return fault
    reason = "it does not answer as a proxy does" if fault.reason == NOT_HTTP else fault.reason
    return ProxyError(reason, lasting=isinstance(fault, UntrustedHostError))


def _host_fault(error: Exception) -> NoAnswerError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        code = getattr(error.certificate_error, "verify_code", 0)
        why = _CERTIFICATE.get(code, "it is not valid")
        return UntrustedHostError(f"the host's certificate cannot be trusted: {why}")
    if isinstance(error, (aiohttp.InvalidURL, UnicodeError)):
        return UntrustedHostError(NO_LOOKUP)
    if isinstance(error, aiohttp.ClientConnectorSSLError) and _is_not_tls(error.os_error):
        return UntrustedHostError("the host does not speak TLS on this port, so https:// cannot be used")
    for low_level, text in _TEXTS:
        if isinstance(error, low_level):
            return TransportError(text)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return TransportError(CLOSED if closed_before_answer(error) else CUT_SHORT)
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ConnectionResetError):
        number = errno.ECONNRESET
    return TransportError(_NETWORK.get(number, "the connection failed"))


def _is_not_tls(error: OSError) -> bool:
    return isinstance(error, ssl.SSLError) and error.reason in _NO_TLS


def _is_of_proxy(error: Exception, proxy: URL) -> bool:
    """Return whether an exception before the request was sent is about the proxy, and not the host behind."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return (error.host, error.port) == (proxy.raw_host, proxy.port)
    return True


def _proxy_refuses(status: int) -> ProxyError:
    if status == _PROXY_AUTHENTICATION:
        return ProxyError(
            "it does not accept the user and password, or needs them; put them into HTTPS_PROXY as "
            "http://user:password@host:port",
            lasting=True,
        )
    if status in _TEMPORARY:
        return ProxyError(f"it could not connect to the API's host (status {status})")
    return ProxyError(f"it refuses to connect to the API's host (status {status})", lasting=True)


def closed_before_answer(error: Exception) -> bool:
    """Return whether a connection was closed or reset before any byte of an answer came."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # If some of the head has come, aiohttp attaches it here.
        return isinstance(error.message, str)
    return isinstance(error, (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError))
