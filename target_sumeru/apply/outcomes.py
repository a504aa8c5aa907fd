"""What a write led to, read from the response. No value of the response is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sumeru_api.embedded_errors import find_failure, folded
from sumeru_api.json_values import UndecodableError
from sumeru_api.redaction import error_code, request_id
from sumeru_api.responses import row_id
from target_sumeru.plan.items import Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from sumeru_api.embedded_errors import Failure
    from sumeru_api.errors import ApiError
    from sumeru_api.responses import Response

CONFLICT = 409
_REASONS = {404: "not_found", 409: "conflict"}
_PARTS_FAILED = re.compile(
    r"(?:num|count|total)?(?:failed|failures?|rejected|skipped|invalid|notfound)(?:count|ids|items|rows|total)?"
)
"""How the response to a bulk write may call the rows that it has not written, or their number."""


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
    return _rejected(response, failure, content, columns)


def _rejected(response: Response, failure: Failure, holder: object, columns: Collection[str]) -> Outcome:
    column = _member(_member(_member(holder, "error"), "details"), "field")
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


def bulk_outcome(response: Response, columns: Collection[str]) -> Outcome:
    """Return what a response says about a bulk write as a whole; `written_ids` tells its rows apart.

    Args:
        response: The response to the last try.
        columns: Columns of the stream, one of which an error may name.
    """
    outcome = outcome_of(response, columns)
    if outcome.status is Status.REJECTED:
        return outcome
    content = _content(response)
    for row in _listed(content) or ():
        if failure := _row_failure(row):
            return _rejected(response, failure, row, columns)
    for holder in (content, _member(content, "data"), _member(content, "meta")):
        if isinstance(holder, dict) and any(
            _PARTS_FAILED.fullmatch(folded(name)) for name in holder if holder[name]
        ):
            return Outcome(Status.REJECTED, "refused", http_status=response.status)
    return outcome


def written_ids(response: Response) -> set[str] | None:
    """Return the ids of the rows that a 2xx response lists without a failure, None if it lists no rows."""
    rows = _listed(_content(response))
    if rows is None:
        return None
    return {found for row in rows if (found := row_id(row)) and not _row_failure(row)}


def _listed(content: object) -> list[dict[str, Any]] | None:
    """Return the rows that a response lists, in `data` or in a list within it; None without a list."""
    data = _member(content, "data")
    if isinstance(data, dict):
        data = next((member for member in data.values() if isinstance(member, list)), None)
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else None


def _row_failure(row: dict[str, Any]) -> Failure | None:
    """Return what a listed row says about a failure of its own; its attributes say nothing of one."""
    return find_failure({name: value for name, value in row.items() if name != "attributes"})


def _content(response: Response) -> Any:  # noqa: ANN401 - any JSON
    try:
        return response.content()[0]
    except UndecodableError:
        return None


def _member(content: object, name: str) -> Any:  # noqa: ANN401 - any JSON
    return content.get(name) if isinstance(content, dict) else None
