"""Requests, responses and errors of the API, independent of any HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.spec.endpoints import ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = {int(status): error.code for status, error in ERRORS.items()}


class Request(NamedTuple):
    """A client's request; header names are lower-case. `begun` is set on a write that was in progress."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    begun: bool = False


class Response(NamedTuple):
    """A response, and how to send it.

    It is sent after `delay` seconds. `fault` names a fault to inject while it is sent; `seconds` is how long
    that fault lasts.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    delay: float = 0
    fault: str | None = None
    seconds: float = 0


class ApiError(Exception):
    """A request was refused or failed, with this status, code and details.

    Attributes:
        value: The value that was refused, in a list; an empty list if there is none.
    """

    def __init__(self, status: int, message: str, code: str | None = None, **details: Any) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(message)
        self.status = status
        self.code = code or CODES.get(status) or ("bad_request" if status < 500 else "internal_error")  # noqa: PLR2004 - an HTTP status
        self.details = details
        self.value: list[Any] = []

    def echoing(self) -> ApiError:
        """Return the error with the refused value in its message and its details."""
        if not self.value:
            return self
        echoed = ApiError(self.status, f"{self}: {self.value[0]}", self.code, **self.details)
        echoed.details["value"] = self.value[0]
        return echoed

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the documented error envelope."""
        return {
            "error": {
                "code": self.code,
                "message": str(self),
                "details": self.details,
                "request_id": request_id,
            }
        }


def invalid_field(field: str, message: str, *value: object) -> ApiError:
    """Return the error for a parameter or attribute that the API does not accept, and for its value."""
    error = ApiError(422, message, field=field)
    error.value = list(value)
    return error
