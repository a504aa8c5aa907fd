"""The items of a plan: one for each row that needs a write or a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_api.write_doubt import Doubt

if TYPE_CHECKING:
    from sumeru_api.errors import ApiError


class Operation(StrEnum):
    """What a row asks for."""

    UPDATE = "update"
    CREATE = "create"
    ADOPT = "adopt"
    """Nothing is written: what the row asks for is found in the shop."""
    LAUNCH = "launch"


class Status(StrEnum):
    """What became of a row."""

    PLANNED = "planned"
    WRITTEN = "written"
    ADOPTED = "adopted"
    REJECTED = "rejected"
    HELD = "held"
    UNKNOWN = "unknown"


SETTLED = (Status.WRITTEN, Status.ADOPTED)
"""A row with one of these has reached the shop."""


@dataclass(slots=True)
class Item:
    """One row of the input, and what is to happen to it.

    Attributes:
        stream: Stream of the target.
        shop: Name of the shop, empty if it is unknown.
        key: What identifies the row in its stream and shop.
        first_line: Line of the first row with this key.
        line: Line of the row.
        row: The hash that stands for the row in ledger and report.
        scope: The hash that stands for its stream and shop.
        operation: What it asks for.
        attributes: The columns to write.
        content: Hash of all columns of the row.
        by_id: `row` as the API's id names it, empty if the id is not known yet.
        api_id: Id of the row in the API, empty if it does not exist yet.
        generation: Counts the requests of a creation or a launch that were refused.
        columns: Names of the columns to write, for the report.
        status: What became of it.
        reason: Why, if it is not settled.
        sent_before: Whether an earlier run sent this very body, without learning the outcome.
        name: Name of the campaign to launch, for the printed plan.
        audience: Recipients of the campaign to launch, None if unknown.
        doubt: Whether a request of this run for it may have been applied.
    """

    stream: str
    shop: str
    key: str
    first_line: int
    line: int
    row: bytes
    scope: bytes
    operation: Operation = Operation.UPDATE
    attributes: dict[str, Any] = field(default_factory=dict)
    content: bytes = b""
    by_id: bytes = b""
    api_id: str = ""
    generation: int = 0
    columns: tuple[str, ...] = ()
    status: Status = Status.PLANNED
    reason: str = ""
    sent_before: bool = False
    name: str = ""
    audience: int | None = None
    doubt: Doubt = field(default_factory=Doubt)

    @property
    def writes(self) -> bool:
        """Whether it changes the shop."""
        return self.status is Status.PLANNED and self.operation is not Operation.ADOPT

    def settle(self, status: Status, reason: str = "", column: str = "") -> None:
        """Set what became of the row."""
        self.status, self.reason = status, reason
        if column:
            self.columns = (column,)


class Current(NamedTuple):
    """A row as it is in the API.

    Attributes:
        api_id: Its id.
        attributes: Its attributes.
    """

    api_id: str
    attributes: dict[str, Any]


class Confirmed(NamedTuple):
    """A row that the shop has already, for the ledger.

    Attributes:
        row: Its hash.
        scope: Hash of its stream and shop.
        content: Hash of its columns.
        by_id: Its hash as the API's id names it.
    """

    row: bytes
    scope: bytes
    content: bytes
    by_id: bytes


@dataclass(slots=True)
class Group:
    """The plan of one stream of one shop.

    Attributes:
        stream: The stream.
        shop: The shop.
        rows: Rows of the input, each key once.
        unchanged: Rows that ask for nothing new.
        writes: Rows that would be written; `items` has no more of them than the limit allows.
        items: All other rows.
        confirmed: Rows that the shop was seen to have.
        error: Why the list could not be read, None if it could or was not needed.
    """

    stream: str
    shop: str
    rows: int = 0
    unchanged: int = 0
    writes: int = 0
    items: list[Item] = field(default_factory=list)
    confirmed: list[Confirmed] = field(default_factory=list)
    error: ApiError | None = None
