"""Requests, answers and refusals, as the API's core sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.spec.endpoints import ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = {int(status): error.code for status, error in ERRORS.items()}


class Request(NamedTuple):
    """What a client sent; header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answer(NamedTuple):
    """What goes back: after `delay` seconds, and if `fault` says so, not as it should."""

    status: int
    headers: dict[str, str]
    body: bytes
    delay: float = 0
    fault: str | None = None
    seconds: float = 0


class Problem(Exception):
    """A request that is refused."""

    def __init__(self, status: int, message: str, code: str | None = None, **details: Any) -> None:  # noqa: ANN401
        super().__init__(message)
        self.status = status
        self.code = code or CODES.get(status) or ("bad_request" if status < 500 else "internal_error")  # noqa: PLR2004
        self.details = details

    def body(self, request_id: str) -> dict[str, Any]:
        """The documented envelope."""
        return {
            "error": {
                "code": self.code,
                "message": str(self),
                "details": self.details,
                "request_id": request_id,
            }
        }


def invalid(field: str, message: str) -> Problem:
    """A parameter or an attribute that the API does not take."""
    return Problem(422, message, field=field)
