"""What to do after a request that was not a success: retry it, wait for the rate limit, or fail.

| outcome | decision |
|---|---|
| 2xx | no decision needed |
| 2xx that is not JSON, 408, 425, 5xx, no complete response | retry with backoff, then `ApiUnavailable` |
| no response to `max_retries` + 1 requests of the shop in a row (3 at least) | `HostNotResponding` |
| 429 | wait, longer each time; `RateLimited` if it asks for over 15 minutes, or after two hours in all |
| 3xx | `Redirected`: no redirect is followed |
| 420, 403 with `Retry-After`, any 4xx whose code says that it is the rate limit | as 429 |
| 401, 403, 404, any other 4xx | fail at once |
| certificate not trusted, no TLS | fail at once with `UntrustedHost` |
| the proxy cannot be reached | at most two retries, then `ProxyFailed`: most often it is misconfigured |
| the proxy refuses to connect | fail at once with `ProxyFailed` |

A write differs in these lines; whatever ends one that may have been applied becomes `OutcomeUnknown`:

| outcome | decision |
|---|---|
| 4xx other than 401, 402, 403, 408, 425, and not as 429 | no decision needed: it is for the caller to read |
| 409 that says that the same write is in progress | retry with backoff |
| any other 409 after a try that may have been applied | retry with backoff; the last one goes to the caller |
| the server had closed the kept-alive connection | retry at once |
| the write may have been applied and has no key | fail at once |
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import backoff
from typing_extensions import override

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    HostNotResponding,
    NotFound,
    PermissionDenied,
    ProxyFailed,
    RateLimited,
    Redirected,
    RequestRejected,
    UntrustedHost,
    duration,
    run_again,
)
from sumeru_api.rate_headers import retry_after
from sumeru_api.rate_limiter import MAX_WAIT, pause_after
from sumeru_api.redaction import error_code, mask, name_only, request_id
from sumeru_api.responses import Response
from sumeru_api.session import TransportError, UntrustedHostError
from sumeru_api.transport_errors import ProxyError

if TYPE_CHECKING:
    from collections.abc import Mapping

Outcome = Response | TransportError | UntrustedHostError

_FORBIDDEN = 403
_RATE_LIMIT_STATUSES = (420, 429)
"""Statuses with which a rate limit refuses a request: 429 as documented, 420 by an older convention."""

CONFLICT = 409
"""The status of a write whose key is in use."""

_MAX_BACKOFF = 60.0
_MAX_WAITED = 7200.0
"""Seconds to wait, all in all, for the rate limit to let the same request pass."""
_MIN_UNANSWERED = 3
"""Requests in a row without a response before the host counts as not responding."""
_MAX_PROXY_TRIES = 3
_RETRIABLE = frozenset({408, 425, *range(500, 600)})
_REDIRECT = range(300, 400)
_FAILS_WRITE = frozenset({401, 402, _FORBIDDEN}) | _RETRIABLE
"""Statuses that say nothing about the content of a write."""
_REFUSED = range(400, 500)
_IN_PROGRESS = re.compile(
    r"in[ _-]?(?:progress|flight)|being processed|still processing|key[ _-]in[ _-]use|concurrent|outstanding",
    re.IGNORECASE,
)
"""How APIs say that the first request with a key has no answer yet; Sumeru documents no words for it."""
_MAX_STALE = 100
"""Connections closed by the server that one write may meet without these counting as tries."""
_ERRORS: Mapping[int, type[ApiError]] = {401: AuthenticationError, 403: PermissionDenied, 404: NotFound}


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the request again.

    Attributes:
        after: Seconds to wait before sending it again.
        error: What went wrong.
        last: Whether no other retry will follow.
    """

    after: float
    error: ApiError
    last: bool = False

    @property
    def cause(self) -> str:
        """What went wrong, for the log."""
        return self.error.describe()


@dataclass(frozen=True, slots=True)
class WaitForRateLimit:
    """Send the request again once the rate limit allows it; this does not count as a retry.

    Attributes:
        after: Seconds to wait at least: it may be this request alone that is refused.
    """

    after: float


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

    Attributes:
        refusals: How often the rate limit refused the request.
    """

    def __init__(self, max_retries: int) -> None:
        self._max_tries = max_retries + 1
        self._tries = 0
        self.refusals = 0
        self._waited = 0.0
        self._retriable = _RETRIABLE

    def decide(self, outcome: Outcome, unanswered: int) -> Retry | WaitForRateLimit | Fail:
        """Return what to do next.

        Args:
            outcome: What the request led to; a 2xx response is passed here only if its body is not JSON.
            unanswered: How many requests of the shop in a row had no response, this one included.
        """
        if isinstance(outcome, UntrustedHostError):
            return Fail(UntrustedHost(str(outcome)))
        if isinstance(outcome, TransportError):
            return self._unanswered(outcome, unanswered)
        if is_rate_limited(outcome):
            return self._refused(outcome)
        error = error_of(outcome)
        if outcome.ok or outcome.status in self._retriable:
            wait = retry_after(outcome.headers, time.time()) or 0.0
            if wait > MAX_WAIT:
                return Fail(RateLimited.too_long(wait, outcome.requested_at, outcome.status))
            return self._retry(error, unanswered, wait)
        return Fail(error)

    def _refused(self, response: Response) -> WaitForRateLimit | Fail:
        self.refusals += 1
        wait = pause_after(response.headers, self.refusals, time.time())
        if wait > MAX_WAIT:
            return Fail(RateLimited.too_long(wait, response.requested_at, response.status))
        if self._waited + wait > _MAX_WAITED:
            cause = (
                f"the rate limit refused the same request {self.refusals} times in {duration(self._waited)}; "
                f"{run_again(wait, response.requested_at)}"
            )
            return Fail(RateLimited(cause, status=response.status))
        self._waited += wait
        return WaitForRateLimit(wait)

    def _unanswered(self, fault: TransportError, unanswered: int) -> Retry | Fail:
        if not isinstance(fault, ProxyError):
            return self._retry(ApiUnavailable(str(fault)), unanswered)
        error = ProxyFailed(str(fault))
        if fault.lasting or self._tries + 1 >= min(_MAX_PROXY_TRIES, self._max_tries):
            return Fail(error)
        # Not counted as unanswered: with many requests at once, the first moment would decide.
        return self._retry(error, unanswered=0)

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
        return Retry(max(wait, asked), error, last=self._tries + 1 == self._max_tries)


class WriteRetries(Retries):
    """Decides for a write, which is sent again only if it cannot be applied twice.

    Args:
        max_retries: Retries after the first try.
        has_key: Whether the write has an idempotency key.

    Attributes:
        in_doubt: Whether a try may have been applied, although no answer said so.
    """

    def __init__(self, max_retries: int, *, has_key: bool) -> None:
        super().__init__(max_retries)
        self._has_key = has_key
        self._retriable |= {CONFLICT}
        self._stale = 0
        self.in_doubt = False

    def settled_by(self, response: Response) -> bool:
        """Return whether a response that is not a success settles what became of the write."""
        if response.status == CONFLICT and self._has_key:
            if is_in_progress(response):
                return False
            return not self.in_doubt or self._tries + 1 >= self._max_tries
        refused = response.status in _REFUSED and response.status not in _FAILS_WRITE
        return refused and not is_rate_limited(response)

    @override
    def decide(self, outcome: Outcome, unanswered: int) -> Retry | WaitForRateLimit | Fail:
        """Return what to do next after an outcome that does not settle the write."""
        if _may_be_applied(outcome):
            self.in_doubt = True
            if not self._has_key:
                return Fail(
                    error_of(outcome) if isinstance(outcome, Response) else ApiUnavailable(str(outcome))
                )
        if isinstance(outcome, TransportError) and outcome.stale and self._stale < _MAX_STALE:
            self._stale += 1
            return Retry(0.0, ApiUnavailable(str(outcome)))
        return super().decide(outcome, unanswered)


def is_rate_limited(response: Response) -> bool:
    """Return whether the rate limit has refused a request, by whatever status."""
    if response.status in _RATE_LIMIT_STATUSES:
        return True
    if response.status == _FORBIDDEN and retry_after(response.headers, time.time()) is not None:
        return True
    return response.status in _REFUSED and response.failure().rate_limited


def is_in_progress(response: Response) -> bool:
    """Return whether a 409 says that the first request with the same key has no answer yet."""
    failure = response.failure()
    text = f"{failure.code} {failure.message}"
    return "Retry-After" in response.headers or _IN_PROGRESS.search(text) is not None


def _may_be_applied(outcome: Outcome) -> bool:
    """Return whether a write may have been applied, although its outcome is no success."""
    if not isinstance(outcome, Response):
        return isinstance(outcome, TransportError) and outcome.sent
    if outcome.status == CONFLICT:
        return is_in_progress(outcome)
    return outcome.status not in _REFUSED or outcome.status in _RETRIABLE


def error_of(response: Response) -> ApiError:
    """Return the error that a response stands for, a 2xx that is not JSON included; its message is masked."""
    if response.ok:
        return ApiUnavailable("the response is not JSON", status=response.status)
    if response.status in _REDIRECT:
        return Redirected("the API redirects; check `api_url`", status=response.status)
    failure = response.failure()
    kind = _ERRORS.get(response.status)
    if kind is None:
        kind = ApiUnavailable if response.status in _RETRIABLE else RequestRejected
    cause = mask(failure.message, response.sent)
    if not cause and failure.member not in ("", "error", "errors"):
        cause = f"the response is marked as failed by `{name_only(failure.member)}`"
    return kind(
        cause or "no reason given",
        status=response.status,
        code=error_code(failure.code),
        request_id=request_id(failure.request_id),
    )
