"""HTTP: one request of one shop, its answer told apart into a page, a fault to try again, or an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from math import ceil
from typing import TYPE_CHECKING, Any

from sumeru_api import json_values
from sumeru_api.errors import (
    ApiError,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RequestRejected,
    UnexpectedResponse,
    UntrustedHost,
)
from sumeru_api.redaction import mask, name_only
from sumeru_api.timestamps import http_date
from tap_sumeru.transport import BrokenError, Connections, UntrustedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_api.shop import Shop
    from tap_sumeru.config.settings import Settings

_PREFIX = "/api/v1/"
_OK = range(200, 300)
_TRY_AGAIN = frozenset({408, 425, *range(500, 600)})
_TOO_MANY = 429
_PRIVATE_PARAMS = ("filter[", "cursor")
_ERROR_FIELDS = ("code", "message", "request_id")
_ERRORS: Mapping[int, type[ApiError]] = {401: AuthenticationError, 403: PermissionDenied, 404: NotFound}

Params = tuple[tuple[str, str], ...]


class RetriableError(Exception):
    """Something that may well pass: a network fault, a 5xx, an answer cut short or unreadable.

    Args:
        error: The error that it becomes once the tries are used up.
        status: HTTP status, if there was an answer.
        headers: Headers of the answer.
    """

    def __init__(self, error: ApiError, status: int = 0, headers: Mapping[str, str] | None = None) -> None:
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
            ApiError: The API refused the request, and asking again would not help.
            RetriableError: It may answer if asked again.
        """
        if not self.ok:
            raise self._error()
        try:
            return json_values.decode(self.body)
        except json_values.UndecodableError:
            error = ApiError("the answer is not JSON", status=self.status)
            raise RetriableError(error, self.status, self.headers) from None

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return self.status in _OK

    @property
    def limited(self) -> bool:
        """Whether the rate limit refused the request."""
        return self.status == _TOO_MANY

    def _error(self) -> ApiError | RetriableError:
        code, message, request_id = _error_envelope(self.body)
        if self.status in range(300, 400):
            return UnexpectedResponse("the API redirects; check `api_url`", status=self.status)
        kind = _ERRORS.get(self.status, ApiError if self.status in _TRY_AGAIN else RequestRejected)
        cause = mask(message, self.sent) or "no reason given"
        error = kind(cause, status=self.status, code=name_only(code), request_id=name_only(request_id))
        return RetriableError(error, self.status, self.headers) if self.status in _TRY_AGAIN else error


def _error_envelope(body: bytes) -> tuple[str, str, str]:
    try:
        error = json_values.decode(body)["error"]
        code, message, request_id = (str(error.get(name) or "") for name in _ERROR_FIELDS)
    except (json_values.UndecodableError, AttributeError, KeyError, TypeError):
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
            RetriableError: There was no whole answer.
            ApiError: The host's certificate cannot be trusted.
        """
        try:
            reply = self._connections.get(shop.api_url + _PREFIX + path, params, f"Bearer {shop.token}")
        except UntrustedError as error:
            raise UntrustedHost(str(error)) from None
        except BrokenError as fault:
            raise RetriableError(ApiError(str(fault))) from None
        sent = (shop.token, *(value for name, value in params if name.startswith(_PRIVATE_PARAMS)))
        return Answer(reply.status, reply.headers, reply.body, reply.elapsed, sent)

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()
