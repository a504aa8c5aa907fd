"""Decides what becomes of one row, from the row, the ledger and the API's row; reads and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_sumeru.config.streams import TAG_CHANGES, Updates
from target_sumeru.ledger import DONE, SENT
from target_sumeru.plan.compare import changes, shows_tags
from target_sumeru.plan.items import Current, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_sumeru.config.settings import Settings
    from target_sumeru.config.streams import TargetStream
    from target_sumeru.ledger import Entry

KEY_LIFETIME = 23 * 3600
"""Seconds for which a request is repeated with the same idempotency key; the API keeps keys for 24 hours."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The shop already has what the row asks for.

    Attributes:
        confirmed: Whether the API was seen to have it.
    """

    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """The row cannot be written.

    Attributes:
        reason: Why.
        column: The column that is to blame, empty if none is.
    """

    reason: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class NeedsList:
    """The API's rows must be known first."""


@dataclass(frozen=True, slots=True)
class Write:
    """The row is written, or what it asks for is adopted.

    Attributes:
        operation: How.
        attributes: The columns to write.
        api_id: Id in the API, empty if the row does not exist yet.
        generation: Which request of a creation it is.
        sent_before: Whether an earlier run sent this very body, without learning the outcome.
    """

    operation: Operation
    attributes: dict[str, Any]
    api_id: str = ""
    generation: int = 0
    sent_before: bool = False


Decision = Unchanged | Reject | NeedsList | Write


@dataclass(slots=True)
class Wanted:
    """A row of the input with what the ledger knows about it.

    Attributes:
        attributes: Its columns.
        content: Hash of its columns.
        identity: The columns that identify it.
        given_id: The API's id, if that is what identifies it.
        entry: What the ledger knows, None if nothing.
    """

    attributes: dict[str, Any]
    content: bytes
    identity: tuple[str, ...]
    given_id: str
    entry: Entry | None

    @property
    def created_here(self) -> bool:
        """Whether it is identified by `external_id`, which the API does not know."""
        return self.identity == ("external_id",)

    @property
    def known_id(self) -> str:
        """The API's id, empty if it must be looked up."""
        if self.given_id:
            return self.given_id
        return self.entry.api_id if self.entry and self.entry.status == DONE and self.created_here else ""


def without_list(stream: TargetStream, row: Wanted, settings: Settings) -> Decision:
    """Return what becomes of a row as far as the ledger can tell."""
    entry = row.entry
    same = entry is not None and entry.status == DONE and entry.content == row.content
    if same and (settings.compare == "ledger" or (settings.compare == "none" and _is_fixed(stream))):
        return Unchanged()
    if not row.attributes and not row.created_here:
        return Unchanged()
    if row.created_here and not row.known_id:
        missing = [name for name in stream.required if row.attributes.get(name) is None]
        return Reject("required", missing[0]) if missing else NeedsList()
    guarded = stream.protected & row.attributes.keys() - settings.allow
    relative = any(name in row.attributes for name in TAG_CHANGES)
    if not row.known_id or settings.compare == "api" or guarded or relative or _is_fixed(stream):
        return NeedsList()
    return Write(Operation.UPDATE, row.attributes, row.known_id)


def with_matches(  # noqa: PLR0911 - one return for each case
    stream: TargetStream, row: Wanted, matches: Sequence[Current], settings: Settings, now: float
) -> Decision:
    """Return what becomes of a row, given the API's rows that match it.

    Args:
        stream: The stream.
        row: The row.
        matches: The API's rows with its key, or with its name if it is to be created.
        settings: The settings.
        now: Unix seconds by the API's clock.
    """
    if row.created_here and not row.known_id:
        return _create(stream, row, matches, now)
    if not matches:
        return Reject("not_found")
    if len(matches) > 1:
        return Reject("ambiguous")
    current = matches[0]
    if not current.api_id:
        return Reject("without_id", "id")
    if any(row.attributes.get(name) for name in TAG_CHANGES) and not shows_tags(current.attributes):
        return Reject("tags_unreadable", "tags")
    # What the API does not show counts as equal, unless the ledger knows that the row has changed.
    lenient = _is_fixed(stream) and (not row.entry or row.entry.content in (None, row.content))
    different = changes(row.attributes, current.attributes, stream.columns, missing_is_equal=lenient)
    if _is_fixed(stream):
        return Reject("cannot_update", next(iter(different))) if different else Unchanged(confirmed=True)
    for name in sorted(different.keys() & stream.protected - settings.allow):
        return Reject("not_allowed", name)
    if settings.compare == "none":
        different = {
            name: value
            for name, value in row.attributes.items()
            if name in different or name not in stream.protected - settings.allow
        }
    if not different:
        return Unchanged(confirmed=True)
    return Write(Operation.UPDATE, different, current.api_id)


def _create(stream: TargetStream, row: Wanted, matches: Sequence[Current], now: float) -> Decision:
    entry = row.entry
    generation = entry.generation if entry else 0
    sent_before = entry is not None and entry.status == SENT and entry.content == row.content
    create = Write(Operation.CREATE, row.attributes, generation=generation, sent_before=sent_before)
    if entry is not None and entry.status == SENT and now - entry.sent_at < KEY_LIFETIME:
        return create  # the same key tells whether it was created
    return adopt(stream, row.attributes, matches) or create


def adopt(stream: TargetStream, attributes: dict[str, Any], matches: Sequence[Current]) -> Decision | None:
    """Return what becomes of a row that may have been created before; None if it has not been.

    Args:
        stream: The stream.
        attributes: The columns of the row.
        matches: The API's rows with its name that belong to no other row.
    """
    if not matches:
        return None
    if len(matches) > 1:
        return Reject("ambiguous", stream.unique)
    current = matches[0]
    if not current.api_id:
        return Reject("without_id", "id")
    different = changes(attributes, current.attributes, stream.columns, missing_is_equal=True)
    if different and _is_fixed(stream):
        return Reject("cannot_update", next(iter(different)))
    operation = Operation.UPDATE if different else Operation.ADOPT
    return Write(operation, different, current.api_id)


def _is_fixed(stream: TargetStream) -> bool:
    """Return whether the API cannot change existing rows."""
    return stream.updates is Updates.NEVER
