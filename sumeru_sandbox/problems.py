"""Errors as the API answers them."""

from __future__ import annotations

from typing import Any

from sumeru_sandbox.openapi_catalog import ERRORS

CODES = {int(status): error.code for status, error in ERRORS.items()}


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
