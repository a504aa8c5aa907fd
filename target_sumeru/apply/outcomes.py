"""What a write led to, read from the response. No value of the response is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sumeru_api.embedded_errors import find_failure, folded
from sumeru_api.json_values import UndecodableError
from sumeru_api.redaction import error_code, request_id
from sumeru_api.responses import ENVELOPE, NO_CONTENT, row_id
from target_sumeru.plan.compare import changes
from target_sumeru.plan.items import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sumeru_api.embedded_errors import Failure
    from sumeru_api.errors import ApiError
    from sumeru_api.responses import Response
    from target_sumeru.config.streams import TargetStream
    from target_sumeru.plan.items import Current

CONFLICT = 409
_REASONS = {404: "not_found", 409: "conflict"}
_LINKS = frozenset({"links", "jsonapi"})
_RESOURCE = frozenset({"id", "type", "attributes", "relationships", "links"})
"""Members of a resource."""


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


def unknown_outcome(error: ApiError | None = None, http_status: int = 0) -> Outcome:
    """Return the outcome of a write that may have been applied, although no answer says so.

    Args:
        error: Why there is no answer, None if there is one.
        http_status: HTTP status of the answer.
    """
    status = error.status if error else http_status
    return Outcome(Status.UNKNOWN, "outcome_unknown", http_status=status, error=error)


def failed_outcome(error: ApiError) -> Outcome:
    """Return the outcome of a row that was not written, because a request before the write failed."""
    return Outcome(
        Status.HELD,
        "request_failed",
        http_status=error.status,
        code=error.code,
        request_id=error.request_id,
        error=error,
    )


def outcome_of(response: Response, columns: Collection[str], api_id: str = "") -> Outcome:
    """Return what a response says about the write of one row.

    Only what is known to mean success is one: the row itself, as documented, or HTTP's "no content". After
    any other answer without an error, the outcome is unknown.

    Args:
        response: The response to the last try.
        columns: Columns of the stream, one of which an error may name.
        api_id: Id of the row, which must be that of the answer; empty if any will do.
    """
    content = _content(response)
    failure = find_failure(content) if response.ok else response.failure()
    if failure is not None:
        return _rejected(response, failure, content, columns)
    shown = _shown_id(response)
    if response.status in NO_CONTENT or (shown and api_id in ("", shown)):
        return Outcome(Status.WRITTEN, http_status=response.status)
    return unknown_outcome(http_status=response.status)


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


def created_id(response: Response, stream: TargetStream) -> str:
    """Return the id of the created row that a response shows, empty if it shows none.

    Its type and its attributes, if it has any, must be those of the stream: a job has an id too.
    """
    row = _member(_content(response), "data")
    if not isinstance(row, dict):
        return ""
    kind, given = row.get("type"), row.get("attributes")
    if isinstance(kind, str) and folded(kind).removesuffix("s") != folded(stream.path).removesuffix("s"):
        return ""
    attributes = given if isinstance(given, dict) else row.keys() - _RESOURCE
    return _shown_id(response) if not attributes or stream.unique in attributes else ""


def _shown_id(response: Response) -> str:
    """Return the id of the resource that a response shows, empty if it shows none."""
    data = _member(_content(response), "data")
    return (row_id(data) or "") if isinstance(data, dict) else ""


def bulk_refusal(response: Response, columns: Collection[str]) -> Outcome | None:
    """Return what a response says about a failure of a bulk write, or of a row of it; None if nothing.

    Args:
        response: The response to the last try.
        columns: Columns of the stream, one of which an error may name.
    """
    outcome = outcome_of(response, columns)
    if outcome.status is Status.REJECTED:
        return outcome
    for row in _listed(response):
        if failure := _row_failure(row):
            return _rejected(response, failure, row, columns)
    return None


def written_ids(response: Response, stream: TargetStream) -> set[str]:
    """Return the ids of the rows that a response to a bulk write lists as written.

    Only a list of resources, as documented, says so. An answer with any other member may say in its own words
    that rows were not written, such as `updated: 0`, and so may a listed row.
    """
    content = _content(response)
    if not response.ok or not isinstance(content, dict):
        return set()
    if any(content[name] is not None for name in content.keys() - ENVELOPE - _LINKS):
        return set()
    known = _RESOURCE | stream.listed_columns
    plain: set[str] = set()
    odd: set[str] = set()
    for row in _listed(response):
        (plain if row.keys() <= known else odd).add(row_id(row) or "")
    return plain - odd


def shown(wanted: Mapping[str, Any], current: Current | None, stream: TargetStream) -> Outcome:
    """Return what became of a write that the API has accepted without showing it, from the row as it is now.

    Args:
        wanted: The columns that were sent.
        current: The row, None if it does not exist.
        stream: The stream.
    """
    if current is None or changes(wanted, current.attributes, stream.columns, missing_is_equal=True):
        return Outcome(Status.REJECTED, "not_written")
    if changes(wanted, current.attributes, stream.columns):
        return unknown_outcome()  # the API does not show what was to change
    return Outcome(Status.WRITTEN)


def _listed(response: Response) -> list[dict[str, Any]]:
    """Return the rows that a response lists in `data`."""
    data = _member(_content(response), "data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


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
