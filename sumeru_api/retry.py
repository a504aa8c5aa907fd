"""What to do after a request that was not a success: retry it, wait for the rate limit, or fail.

| outcome | decision |
|---|---|
| 2xx | no decision needed |
| 2xx that is not JSON, 408, 425, 5xx, no complete response | retry with backoff, then `ApiUnavailable` |
| the same, after at least three requests of the shop in a row without a response | `HostNotResponding` |
| 429 | wait for the rate limit; `RateLimited` if it asks for over 15 minutes or refuses 50 times |
| 3xx | `UnexpectedResponse`: no redirect is followed |
| 401, 403, 404, any other 4xx | fail at once |
| certificate not trusted | fail at once with `UntrustedHost` |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import backoff

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    HostNotResponding,
    NotFound,
    PermissionDenied,
    RateLimited,
    RequestRejected,
    UnexpectedResponse,
    UntrustedHost,
)
from sumeru_api.rate_limiter import MAX_WAIT, retry_after
from sumeru_api.redaction import mask, name_only
from sumeru_api.responses import Response
from sumeru_api.session import TransportError, UntrustedHostError
from sumeru_api.timestamps import shift

if TYPE_CHECKING:
    from collections.abc import Mapping

Outcome = Response | TransportError | UntrustedHostError

TOO_MANY_REQUESTS = 429
"""The status with which the rate limit refuses a request."""

_MAX_BACKOFF = 60.0
_MAX_REFUSALS = 50
"""How often the rate limit may refuse the same request in a row."""
_MIN_UNANSWERED = 3
"""Requests in a row without a response before the host counts as not responding."""
_RETRIABLE = frozenset({408, 425, *range(500, 600)})
_REDIRECT = range(300, 400)
_ERRORS: Mapping[int, type[ApiError]] = {401: AuthenticationError, 403: PermissionDenied, 404: NotFound}


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the request again.

    Attributes:
        after: Seconds to wait before sending it again.
        cause: What went wrong, for the log.
        last: Whether no other retry will follow.
    """

    after: float
    cause: str
    last: bool = False


@dataclass(frozen=True, slots=True)
class WaitForRateLimit:
    """Send the request again as soon as the rate limit allows it; this does not count as a retry."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Give up.

    Attributes:
        error: Why.
    """

    error: ApiError


class Retries:
    """Counts the tries of one request, and decides what follows each outcome that is not a success.

    Args:
        max_retries: Retries after the first try.
    """

    def __init__(self, max_retries: int) -> None:
        self._max_tries = max_retries + 1
        self._tries = 0
        self._refusals = 0

    def decide(self, outcome: Outcome, unanswered: int) -> Retry | WaitForRateLimit | Fail:
        """Return what to do next.

        Args:
            outcome: What the request led to; a 2xx response is passed here only if its body is not JSON.
            unanswered: How many requests of the shop in a row had no response, this one included.
        """
        if isinstance(outcome, UntrustedHostError):
            return Fail(UntrustedHost(str(outcome)))
        if isinstance(outcome, TransportError):
            return self._retry(ApiUnavailable(str(outcome)), unanswered)
        if outcome.status == TOO_MANY_REQUESTS:
            return self._refused(outcome)
        if outcome.ok:
            error: ApiError = ApiUnavailable("the response is not JSON", status=outcome.status)
        else:
            error = error_of(outcome)
        if outcome.ok or outcome.status in _RETRIABLE:
            wait = retry_after(outcome.headers) or 0.0
            return (
                self._retry(error, unanswered, wait) if wait <= MAX_WAIT else Fail(_too_long(wait, outcome))
            )
        return Fail(error)

    def _refused(self, response: Response) -> WaitForRateLimit | Fail:
        self._refusals += 1
        wait = retry_after(response.headers) or 0.0
        if wait > MAX_WAIT:
            return Fail(_too_long(wait, response))
        if self._refusals > _MAX_REFUSALS:
            cause = f"the rate limit refused the same request {self._refusals} times in a row"
            return Fail(RateLimited(cause, status=response.status))
        return WaitForRateLimit()

    def _retry(self, error: ApiError, unanswered: int, asked: float = 0.0) -> Retry | Fail:
        self._tries += 1
        if unanswered >= max(self._max_tries, _MIN_UNANSWERED):
            return Fail(HostNotResponding(f"{error.cause} ({unanswered} requests in a row)"))
        if self._tries == self._max_tries:
            return Fail(
                error.with_cause(
                    f"{error.cause} ({self._tries} {'try' if self._tries == 1 else 'tries'})", ApiUnavailable
                )
            )
        wait = backoff.full_jitter(min(_MAX_BACKOFF, 2.0 ** (self._tries - 1)))
        return Retry(max(wait, asked), error.describe(), last=self._tries + 1 == self._max_tries)


def _too_long(wait: float, response: Response) -> RateLimited:
    until = shift(response.requested_at, timedelta(seconds=wait)).strftime("%Y-%m-%d %H:%M UTC")
    cause = f"the API asks for a wait of {wait / 60:.0f} minutes; run the tap again after {until}"
    return RateLimited(cause, status=response.status)


def error_of(response: Response) -> ApiError:
    """Return the error that a response with a status other than 2xx stands for; its message is masked."""
    if response.status in _REDIRECT:
        return UnexpectedResponse("the API redirects; check `api_url`", status=response.status)
    code, message, request_id = response.error_envelope()
    kind = _ERRORS.get(response.status)
    if kind is None:
        kind = ApiUnavailable if response.status in _RETRIABLE else RequestRejected
    cause = mask(message, response.sent) or "no reason given"
    return kind(cause, status=response.status, code=name_only(code), request_id=name_only(request_id))
