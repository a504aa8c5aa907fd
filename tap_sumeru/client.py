"""HTTP: one request of one shop, its answer told apart into a page, a fault to try again, or an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from math import ceil
from typing import TYPE_CHECKING, Any

from tap_sumeru import pages
from tap_sumeru.errors import (
    BadAnswer,
    NotFound,
    ReadError,
    Refused,
    ScopeMissing,
    TokenRefused,
    Untrusted,
    mask,
    name_only,
)
from tap_sumeru.instants import UTC, http_date
from tap_sumeru.transport import BrokenError, Connections, UntrustedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_sumeru.settings import Settings
    from tap_sumeru.shops import Shop

_PREFIX = "/api/v1/"
_OK = range(200, 300)
_TRY_AGAIN = frozenset({408, 425, *range(500, 600)})
_TOO_MANY = 429
_PRIVATE_PARAMS = ("filter[", "cursor")
_ERROR_FIELDS = ("code", "message", "request_id")
_ERRORS: Mapping[int, type[ReadError]] = {401: TokenRefused, 403: ScopeMissing, 404: NotFound}

Params = tuple[tuple[str, str], ...]


class FaultError(Exception):
    """Something that may well pass: a network fault, a 5xx, an answer cut short or unreadable.

    Args:
        error: The error that it becomes once the tries are used up.
        status: HTTP status, if there was an answer.
        headers: Headers of the answer.
    """

    def __init__(self, error: ReadError, status: int = 0, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.cause)
        self.error = error
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as the pace and the reading need it.

    Attributes:
        status: HTTP status.
        headers: Headers, found whatever their case.
        body: The body, decompressed.
        elapsed: Seconds from the request to the answer.
        sent: What was sent and must not be shown, should the answer quote it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    sent: tuple[str, ...] = field(default=(), repr=False)

    @property
    def asked_at(self) -> datetime:
        """When the request was made: by the server's clock, or by ours if the answer bears no date."""
        now = http_date(self.headers.get("Date")) or datetime.now(UTC).replace(microsecond=0)
        return now - timedelta(seconds=ceil(self.elapsed))

    def content(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the decoded body.

        Raises:
            ReadError: The API refused the request, and asking again would not help.
            FaultError: It may answer if asked again.
        """
        if not self.ok:
            raise self._error()
        try:
            return pages.decode(self.body)
        except pages.UndecodableError:
            error = ReadError("the answer is not JSON", status=self.status)
            raise FaultError(error, self.status, self.headers) from None

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return self.status in _OK

    @property
    def limited(self) -> bool:
        """Whether the rate limit refused the request."""
        return self.status == _TOO_MANY

    def _error(self) -> ReadError | FaultError:
        code, message, request_id = _error_envelope(self.body)
        if self.status in range(300, 400):
            return BadAnswer("the API redirects; check `api_url`", status=self.status)
        kind = _ERRORS.get(self.status, ReadError if self.status in _TRY_AGAIN else Refused)
        cause = mask(message, self.sent) or "no reason given"
        error = kind(cause, status=self.status, code=name_only(code), request_id=name_only(request_id))
        return FaultError(error, self.status, self.headers) if self.status in _TRY_AGAIN else error


def _error_envelope(body: bytes) -> tuple[str, str, str]:
    try:
        error = pages.decode(body)["error"]
        code, message, request_id = (str(error.get(name) or "") for name in _ERROR_FIELDS)
    except (pages.UndecodableError, AttributeError, KeyError, TypeError):
        return "", "", ""
    return code, message, request_id


class Http:
    """The requests of a run, over connections that all shops share."""

    def __init__(self, settings: Settings) -> None:
        own = f"tap-sumeru/{version('tap-sumeru')}"
        headers = {"User-Agent": f"{own} {settings.user_agent}".strip(), "Accept": "application/json"}
        self._connections = Connections(headers, settings.request_timeout_seconds)

    def get(self, shop: Shop, path: str, params: Params) -> Answer:
        """Ask once.

        Args:
            shop: The shop to ask for.
            path: Path under `/api/v1`.
            params: Query parameters.

        Raises:
            FaultError: There was no whole answer.
            ReadError: The host's certificate cannot be trusted.
        """
        try:
            reply = self._connections.get(shop.api_url + _PREFIX + path, params, f"Bearer {shop.token}")
        except UntrustedError as error:
            raise Untrusted(str(error)) from None
        except BrokenError as fault:
            raise FaultError(ReadError(str(fault))) from None
        sent = (shop.token, *(value for name, value in params if name.startswith(_PRIVATE_PARAMS)))
        return Answer(reply.status, reply.headers, reply.body, reply.elapsed, sent)

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()
