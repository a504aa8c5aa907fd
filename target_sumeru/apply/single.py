"""Writes single rows: changes, creations that happen once, and launches that happen at most once."""

from __future__ import annotations

import secrets
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from sumeru_api.errors import OutcomeUnknown
from target_sumeru.apply.outcomes import CONFLICT, Outcome, created_id, outcome_of, shown, unknown_outcome
from target_sumeru.config.streams import EXTERNAL_ID, TAG_CHANGES
from target_sumeru.input.rows import key_columns
from target_sumeru.input.values import as_name
from target_sumeru.ledger import REFUSED, SENT
from target_sumeru.plan.compare import shows_tags, with_tag_changes
from target_sumeru.plan.decisions import KEY_LIFETIME, Reject, adopt
from target_sumeru.plan.items import Item, Operation, Status
from target_sumeru.plan.row_hash import hash_by_id

if TYPE_CHECKING:
    from sumeru_api.responses import Response
    from target_sumeru.apply.shop_api import ShopApi
    from target_sumeru.config.streams import TargetStream
    from target_sumeru.ledger import Entry, Ledger
    from target_sumeru.plan.items import Current

_INVALID = (400, 422)
"""Statuses of a body that the API does not accept."""
NO_LONGER_THERE = Outcome(Status.REJECTED, "not_found")


def new_key() -> str:
    """Return the idempotency key of one logical write: random, since the same write may be meant twice."""
    return f"target-sumeru-{secrets.token_hex(16)}"


def creation_key(item: Item) -> str:
    """Return the idempotency key of a creation or a launch.

    It is made of what identifies the row, and not of what the row holds: the API must refuse a changed body
    instead of creating a second row.
    """
    identity = "\x1e".join((item.shop, item.stream, item.operation, item.key, str(item.generation)))
    return f"target-sumeru-{sha256(identity.encode()).hexdigest()[:40]}"


class SingleWrites:
    """Writes the rows of one shop, one at a time.

    Args:
        api: The API of the shop.
        ledger: The ledger.
    """

    def __init__(self, api: ShopApi, ledger: Ledger) -> None:
        self._api = api
        self._ledger = ledger
        self._wrapped: dict[str, bool] = {}  # by stream, once it is known

    async def write(self, stream: TargetStream, item: Item) -> Outcome:
        """Write a row, and remember it in the ledger.

        Raises:
            ApiError: The shop cannot be written.
        """
        try:
            outcome = await self._operate(stream, item)
        except OutcomeUnknown as error:
            return unknown_outcome(error)
        self.remember(item, outcome)
        return outcome

    async def _operate(self, stream: TargetStream, item: Item) -> Outcome:
        match item.operation:
            case Operation.UPDATE:
                return await self._update(stream, item)
            case Operation.CREATE:
                return await self._create(stream, item)
            case Operation.LAUNCH:
                return await self._launch(stream, item)
            case Operation.ADOPT:
                return Outcome(Status.ADOPTED, api_id=item.api_id)

    def remember(self, item: Item, outcome: Outcome) -> None:
        """Remember in the ledger what became of a row."""
        if outcome.status in (Status.WRITTEN, Status.ADOPTED):
            api_id = outcome.api_id or item.api_id
            created = key_columns(item.key) == (EXTERNAL_ID,) or item.operation is Operation.CREATE
            by_id = hash_by_id(self._ledger, item, api_id) if api_id else item.by_id
            self._ledger.done(item.row, item.scope, item.content, api_id if created else "", by_id)

    async def _update(self, stream: TargetStream, item: Item) -> Outcome:
        attributes = item.attributes
        if any(name in attributes for name in TAG_CHANGES):
            current = await self._api.current(stream, item.api_id)
            if current is None:
                return NO_LONGER_THERE
            if not shows_tags(current.attributes):
                return Outcome(Status.REJECTED, "tags_unreadable", "tags")
            tags = with_tag_changes(attributes, current.attributes.get("tags"))
            rest = {name: value for name, value in attributes.items() if name not in TAG_CHANGES}
            attributes = {**rest, "tags": tags}
        response = await self._api.update(stream, item.api_id, attributes, new_key(), item.doubt)
        outcome = outcome_of(response, stream.columns, item.api_id)
        if outcome.status is not Status.UNKNOWN:
            return outcome
        return shown(attributes, await self._api.current(stream, item.api_id), stream)

    async def _create(self, stream: TargetStream, item: Item) -> Outcome:
        wrapped = self._wrapped.get(stream.name, False)
        entry = self._unresolved(item)
        if entry is not None and self._key_is_old(entry):
            found = await self._look_up(stream, item)
            if found is not None:
                return found
        changed = entry is not None and entry.content != item.content
        response = await self._send(stream, item, wrapped=wrapped)
        if response.status == CONFLICT and not changed and (item.sent_before or response.in_doubt):
            found = await self._look_up(stream, item)
            if found is not None:
                return found
            # The API holds the key of this very request with another body: what arrived of it was cut.
            item.generation += 1
            response = await self._send(stream, item, wrapped=wrapped)
        return await self._concluded(stream, item, response, wrapped=wrapped)

    async def _concluded(
        self, stream: TargetStream, item: Item, response: Response, *, wrapped: bool
    ) -> Outcome:
        """Return what became of a creation, whose key changes only if it was certainly refused."""
        outcome = outcome_of(response, stream.columns)
        api_id = created_id(response, stream)
        if outcome.status is Status.WRITTEN and api_id:
            self._wrapped[stream.name] = wrapped
            return replace(outcome, api_id=api_id)
        if response.ok or response.in_doubt or response.status == CONFLICT:
            found = await self._look_up(stream, item)
            if found is not None:
                return found  # a try was applied, although no answer said so
        if response.ok:
            return unknown_outcome(http_status=response.status)  # it may have been applied
        if response.status == CONFLICT:
            self._ledger.conflicted(item.row)
            return outcome
        self._ledger.refused(item.row)
        # Meanwhile another row may have shown which form the API accepts.
        flat = stream.flat_body or self._wrapped.get(stream.name) is False
        if wrapped or flat or response.status not in _INVALID:
            return outcome
        item.generation += 1
        second = await self._send(stream, item, wrapped=True)
        concluded = await self._concluded(stream, item, second, wrapped=True)
        known = self._ledger.entry(item.row)
        return outcome if known and known.status == REFUSED else concluded

    async def _launch(self, stream: TargetStream, item: Item) -> Outcome:
        entry = self._unresolved(item)
        if entry is not None and self._key_is_old(entry):
            return unknown_outcome()
        response = await self._send(stream, item)
        outcome = outcome_of(response, stream.columns, item.api_id)
        if outcome.status is Status.WRITTEN:
            return outcome
        if response.ok or response.status == CONFLICT or response.in_doubt:
            # It may be launched already, so the key must not change.
            return unknown_outcome(http_status=response.status)
        self._ledger.refused(item.row)
        return outcome

    def _unresolved(self, item: Item) -> Entry | None:
        """Return what the ledger knows of an earlier try with the same key, None if there was none."""
        entry = self._ledger.entry(item.row)
        unresolved = entry and entry.status == SENT and entry.generation == item.generation
        return entry if unresolved else None

    def _key_is_old(self, entry: Entry) -> bool:
        """Return whether the API may have forgotten a key: time has passed since the run was planned."""
        return self._api.now() - entry.sent_at >= KEY_LIFETIME

    async def _send(self, stream: TargetStream, item: Item, *, wrapped: bool = False) -> Response:
        """Send a creation or a launch, after the ledger has stored on the disk that it is sent."""
        self._ledger.sent(item.row, item.scope, item.generation, item.content, self._api.now())
        key = creation_key(item)
        if item.operation is Operation.LAUNCH:
            return await self._api.launch(stream, item.api_id, key, item.doubt)
        response = await self._api.create(stream, item.attributes, key, item.doubt, wrapped=wrapped)
        if response.status == CONFLICT:
            item.doubt.exists = True  # another request with this key may have created the row
        return response

    async def _look_up(self, stream: TargetStream, item: Item) -> Outcome | None:
        """Return what becomes of a row that may exist already; None if it does not."""
        wanted = as_name(item.attributes.get(stream.unique))
        matches: list[Current] = []
        async for page in self._api.pages(stream):
            for current in page:
                owner = self._ledger.owner(item.scope, current.api_id)
                named = as_name(current.attributes.get(stream.unique))
                if wanted and named == wanted and owner in (None, item.row):
                    matches.append(current)
        decision = adopt(stream, item.attributes, matches)
        if decision is None:
            return None
        if isinstance(decision, Reject):
            return Outcome(Status.REJECTED, decision.reason, decision.column)
        api_id = matches[0].api_id
        if getattr(decision, "operation", None) is Operation.UPDATE:
            by_id = hash_by_id(self._ledger, item, api_id)
            self._ledger.done(item.row, item.scope, None, api_id, by_id)
            self._ledger.invalidate([(item.row, by_id)])
            item.operation, item.api_id = Operation.UPDATE, api_id
            return await self._update(stream, item)
        return Outcome(Status.ADOPTED, api_id=api_id)
