"""Errors of the API client: one class for each thing that can go wrong with a request.

::

    ApiError
    ├── AuthenticationError    401: the token is not valid
    ├── PermissionDenied       403: the token lacks a scope, or the plan a feature
    ├── NotFound               404
    ├── RequestRejected        any other 4xx
    ├── UnexpectedResponse     a response that breaks the API's own rules
    │   └── Redirected         3xx: no redirect is followed
    ├── OutcomeUnknown         a write that may have been applied, although no answer says so
    └── ApiUnavailable         network errors, 5xx and unreadable responses, once the retries are used up
        ├── RateLimited        429, with a wait that is too long or too often repeated
        ├── UntrustedHost      the host's certificate cannot be verified, or it speaks no TLS
        ├── ProxyFailed        the proxy of the environment does not connect to the host
        └── HostNotResponding  no response to any request of the shop

No error carries a token, a response body or a value of a row.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sumeru_api.timestamps import shift

_MINUTE = 60
_DAY = 86_400


class ApiError(Exception):
    """A request, or the list that it belongs to, failed for good.

    Args:
        cause: What happened, in a few words that hold no customer data.
        status: HTTP status, 0 if there was no response.
        code: The API's own error code.
        request_id: The API's id of the request, for Sumeru's support.
    """

    affects_shop: bool = False
    """Whether every other request of the shop fails too."""

    def __init__(self, cause: str, *, status: int = 0, code: str = "", request_id: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.status = status
        self.code = code
        self.request_id = request_id

    def with_cause(self, cause: str, kind: type[ApiError] | None = None) -> ApiError:
        """Return an error about the same response with another cause, and possibly of another kind."""
        return (kind or type(self))(cause, status=self.status, code=self.code, request_id=self.request_id)

    def describe(self) -> str:
        """Return the cause on one line, with the status, the API's code and its request id."""
        response = " ".join(filter(None, (str(self.status or ""), self.code)))
        text = f"{response}: {self.cause}" if response else self.cause
        return f"{text} (request {self.request_id})" if self.request_id else text


class AuthenticationError(ApiError):
    """401: the API does not accept the shop's token."""

    affects_shop = True


class PermissionDenied(ApiError):
    """403: the token lacks the scope, or the plan does not include the resource."""


class NotFound(ApiError):
    """404: the resource does not exist."""


class RequestRejected(ApiError):
    """Any other 4xx: the API does not accept the request as it is."""


class UnexpectedResponse(ApiError):
    """A response that breaks the API's own rules, so that going on could lose rows."""


class Redirected(UnexpectedResponse):
    """3xx: no redirect is followed, because the token would go along."""


class OutcomeUnknown(ApiError):
    """A write may have been applied, although no answer says so: repeat it with the same key and body."""

    @classmethod
    def after(cls, error: ApiError) -> OutcomeUnknown:
        """Return the error for a write that ended with another error, but may have been applied before."""
        unknown = cls(
            f"{error.cause}; the write may have been applied",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        )
        unknown.affects_shop = error.affects_shop
        return unknown


class ApiUnavailable(ApiError):
    """The API could not be reached or sent nothing readable, and the retries are used up."""


class RateLimited(ApiUnavailable):
    """The rate limit asks for a wait that is too long, or refuses the same request for too long."""

    affects_shop = True

    @classmethod
    def too_long(cls, wait: float, at: datetime | None = None, status: int = 0) -> RateLimited:
        """Return the error for a wait that is too long to sit out.

        Args:
            wait: Seconds.
            at: When the wait begins; None for now.
            status: HTTP status of the response that asks for it, 0 if none does.
        """
        return cls(f"the API asks for a wait of {duration(wait)}; {run_again(wait, at)}", status=status)


def duration(seconds: float) -> str:
    """Return a duration in words: in seconds, minutes or days."""
    if seconds < 2 * _MINUTE:
        return f"{max(1.0, seconds):.0f} seconds"
    return f"{seconds / _MINUTE:.0f} minutes" if seconds <= 2 * _DAY else f"{seconds / _DAY:.0f} days"


def run_again(wait: float, at: datetime | None = None) -> str:
    """Return when to run the tap again: the end of a wait, rounded up to a minute."""
    until = shift(at or datetime.now(UTC), timedelta(seconds=wait + _MINUTE - 1))
    return f"run the tap again after {until:%Y-%m-%d %H:%M} UTC"


class UntrustedHost(ApiUnavailable):
    """The shop's host cannot be verified, so no request is sent."""

    affects_shop = True


class ProxyFailed(ApiUnavailable):
    """The proxy of the environment does not connect to the shop's host."""

    affects_shop = True


class HostNotResponding(ApiUnavailable):
    """The shop's host has not answered any of the last requests."""

    affects_shop = True
