"""What a write led to, read from the response. No value of the response is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sumeru_api.embedded_errors import find_failure
from sumeru_api.json_values import UndecodableError
from sumeru_api.redaction import error_code, request_id
from sumeru_api.responses import row_id
from target_sumeru.plan.items import Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from sumeru_api.errors import ApiError
    from sumeru_api.responses import Response

CONFLICT = 409
_REASONS = {404: "not_found", 409: "conflict"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the write of a row.

    Attributes:
        status: What became of the row.
        reason: Why, if it is not settled.
        column: The column that is to blame, empty if none is.
        http_status: HTTP status, 0 if there was no response.
        code: The API's error code.
        request_id: The API's id of the request.
        api_id: Id of what was created or adopted.
        error: Why there is no answer, None if there is one.
    """

    status: Status
    reason: str = ""
    column: str = ""
    http_status: int = 0
    code: str = ""
    request_id: str = ""
    api_id: str = ""
    error: ApiError | None = None


def unknown_outcome(error: ApiError | None = None) -> Outcome:
    """Return the outcome of a write that may have been applied, although no answer says so."""
    return Outcome(Status.UNKNOWN, "outcome_unknown", http_status=error.status if error else 0, error=error)


def outcome_of(response: Response, columns: Collection[str]) -> Outcome:
    """Return what a response says about the write of a row.

    Args:
        response: The response to the last try.
        columns: Columns of the stream, one of which an error may name.
    """
    content = _content(response)
    failure = find_failure(content) if response.ok else response.failure()
    if failure is None:
        return Outcome(Status.WRITTEN, http_status=response.status)
    details = _member(_member(content, "error"), "details")
    column = _member(details, "field")
    return Outcome(
        Status.REJECTED,
        _REASONS.get(response.status, "refused"),
        column if isinstance(column, str) and column in columns else "",
        response.status,
        error_code(failure.code),
        request_id(failure.request_id),
    )


def created_id(response: Response) -> str:
    """Return the id of what a response says was created, empty if it names none."""
    data = _member(_content(response), "data")
    return (row_id(data) or "") if isinstance(data, dict) else ""


def returned_ids(response: Response) -> set[str]:
    """Return the ids of the rows that a response lists as written."""
    data = _member(_content(response), "data")
    rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    return {found for row in rows if (found := row_id(row))}


def _content(response: Response) -> Any:  # noqa: ANN401 - any JSON
    try:
        return response.content()[0]
    except UndecodableError:
        return None


def _member(content: object, name: str) -> Any:  # noqa: ANN401 - any JSON
    return content.get(name) if isinstance(content, dict) else None
