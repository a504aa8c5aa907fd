"""Requests, responses and errors of the API, independent of any HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.spec.endpoints import ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = {int(status): error.code for status, error in ERRORS.items()}


class Request(NamedTuple):
    """A client's request; header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


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
    """A request was refused or failed, with this status, code and details."""

    def __init__(self, status: int, message: str, code: str | None = None, **details: Any) -> None:  # noqa: ANN401
        super().__init__(message)
        self.status = status
        self.code = code or CODES.get(status) or ("bad_request" if status < 500 else "internal_error")  # noqa: PLR2004
        self.details = details

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


def invalid_field(field: str, message: str) -> ApiError:
    """Return the error for a parameter or attribute that the API does not accept."""
    return ApiError(422, message, field=field)
