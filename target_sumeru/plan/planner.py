"""Plans one stream of one shop: which rows are unchanged, which are written and how, which are rejected."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sumeru_api.errors import ApiError
from target_sumeru.input.rows import key_columns, key_of, key_values
from target_sumeru.input.values import as_name
from target_sumeru.ledger import DONE
from target_sumeru.plan.decisions import (
    Decision,
    NeedsList,
    Reject,
    Unchanged,
    Wanted,
    with_matches,
    without_list,
)
from target_sumeru.plan.items import Confirmed, Current, Group, Item, Operation, Status
from target_sumeru.plan.merge import merged
from target_sumeru.plan.row_hash import hash_by_id
from target_sumeru.plan.turns import with_turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from target_sumeru.config.settings import Settings
    from target_sumeru.config.streams import TargetStream
    from target_sumeru.input.spool import SpooledRow
    from target_sumeru.ledger import Entry, Ledger

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_ID = ("id",)


class Lists(Protocol):
    """The lists of a shop."""

    def pages(self, stream: TargetStream) -> AsyncIterator[list[Current]]:
        """Yield the pages of the list to which a stream belongs; raises `ApiError`."""

    def now(self) -> float:
        """Return Unix seconds by the API's clock."""


class _Pending:
    """A row that waits for the API's rows."""

    __slots__ = ("item", "matches", "row")

    def __init__(self, item: Item, row: Wanted) -> None:
        self.item, self.row = item, row
        self.matches: list[Current] = []


class Planner:
    """Plans the rows of one stream of one shop.

    Args:
        stream: The stream.
        shop: Name of the shop.
        ledger: The ledger; it is only read.
        settings: The settings.
        lists: The lists of the shop.
    """

    def __init__(
        self, stream: TargetStream, shop: str, ledger: Ledger, settings: Settings, lists: Lists
    ) -> None:
        self._stream = stream
        self._shop = shop
        self._ledger = ledger
        self._settings = settings
        self._lists = lists
        self._scope = ledger.row_hash(stream.name, shop, "")
        self._group = Group(stream.name, shop)
        self._adopted: set[str] = set()
        self._named: Counter[bytes] = Counter()  # rows of the input that name the same row of the API

    async def plan(self, rows: Iterable[SpooledRow]) -> Group:
        """Return the plan of the rows."""
        pending: list[_Pending] = []
        compares = self._settings.compare == "ledger"
        async for row in with_turns(merged(rows)):
            self._group.rows += 1
            hashed = self._ledger.row_hash(self._stream.name, self._shop, row.key)
            entry = self._ledger.entry(hashed)
            content = self._ledger.content_hash(row.body)
            if compares and entry and entry.content == content and entry.status == DONE and not row.reason:
                self._group.unchanged += 1
                self._named[entry.by_id or hashed] += 1
                continue
            item = Item(
                *(self._stream.name, self._shop, row.key, row.first_line, row.line, hashed, self._scope),
                content=content,
                by_id=(entry and entry.by_id) or hashed,
            )
            if row.reason:
                self._reject(item, Reject(row.reason, row.column))
                continue
            wanted = self._wanted(row, content, entry)
            decision = without_list(self._stream, wanted, self._settings)
            if isinstance(decision, NeedsList):
                pending.append(_Pending(item, wanted))
            else:
                self._take(item, decision)
        if pending:
            await self._with_list(pending)
        self._refuse_several_names()
        return self._group

    def _wanted(self, row: SpooledRow, content: bytes, entry: Entry | None) -> Wanted:
        identity = key_columns(row.key)
        given = key_values(row.key)[0] if identity == _ID else ""
        return Wanted(_decode(row.body), content, identity, given, entry)

    async def _with_list(self, pending: list[_Pending]) -> None:
        try:
            await self._match(pending)
        except ApiError as error:
            self._group.error = error
            async for one in with_turns(pending):
                one.item.settle(Status.HELD, "list_unreadable")
                self._group.items.append(one.item)
            return
        async for one in with_turns(pending):
            matches = one.matches
            if one.row.created_here and not one.row.known_id:
                matches = [current for current in matches if self._is_free(current, one.item)]
            elif len(matches) == 1:
                one.item.by_id = hash_by_id(self._ledger, one.item, matches[0].api_id)
            decision = with_matches(self._stream, one.row, matches, self._settings, self._lists.now())
            self._take(one.item, decision)

    async def _match(self, pending: list[_Pending]) -> None:
        """Read the list and give each row the API's rows that match it."""
        wanted: dict[tuple[str, ...], dict[str, list[_Pending]]] = defaultdict(lambda: defaultdict(list))
        async for one in with_turns(pending):
            columns, key = self._looks_for(one.item, one.row)
            if key:
                wanted[columns][key].append(one)
        missing = {(columns, key) for columns, by_key in wanted.items() for key in by_key}
        by_id_only = set(wanted) <= {_ID}  # the only column that the API keeps unique for certain
        async for page in self._lists.pages(self._stream):
            for current in page:
                for columns, by_key in wanted.items():
                    key = self._key(columns, map(_value_of(current), columns))
                    for one in by_key.get(key, ()):
                        missing.discard((columns, key))
                        if not current.api_id or all(current.api_id != each.api_id for each in one.matches):
                            one.matches.append(current)
            if by_id_only and not missing:
                return

    def _looks_for(self, item: Item, row: Wanted) -> tuple[tuple[str, ...], str]:
        if row.known_id:
            return _ID, key_of(_ID, (row.known_id,))
        if row.created_here:
            columns = (self._stream.unique,)
            return columns, self._key(columns, (row.attributes.get(self._stream.unique),))
        return row.identity, item.key

    def _key(self, columns: tuple[str, ...], values: Iterable[object]) -> str:
        """Return the key by which a row is looked up; a name may hold any character, other keys may not."""
        return as_name(*values) if columns == (self._stream.unique,) else key_of(columns, values)

    def _is_free(self, current: Current, item: Item) -> bool:
        """Return whether a row of the API belongs to no other row of the input."""
        owner = self._ledger.owner(self._scope, current.api_id)
        return current.api_id not in self._adopted and owner in (None, item.row)

    def _take(self, item: Item, decision: Decision) -> None:
        group = self._group
        if isinstance(decision, Unchanged):
            group.unchanged += 1
            self._named[item.by_id] += 1
            if decision.confirmed:
                group.confirmed.append(Confirmed(item.row, item.scope, item.content, item.by_id))
        elif isinstance(decision, Reject):
            self._reject(item, decision)
        elif not isinstance(decision, NeedsList):
            item.operation, item.attributes = decision.operation, decision.attributes
            item.api_id, item.generation = decision.api_id, decision.generation
            item.sent_before = decision.sent_before
            item.columns = tuple(decision.attributes)
            if decision.operation is Operation.ADOPT or decision.api_id:
                self._adopted.add(decision.api_id)
            if item.api_id:
                item.by_id = hash_by_id(self._ledger, item, item.api_id)
            self._named[item.by_id] += 1
            self._append(item)

    def _append(self, item: Item) -> None:
        if item.writes:
            self._group.writes += 1
            if self._group.writes > self._settings.max_writes:
                return  # nothing will be written, so the item is not needed
        self._group.items.append(item)

    def _reject(self, item: Item, decision: Reject) -> None:
        item.settle(Status.REJECTED, decision.reason, decision.column)
        self._group.items.append(item)

    def _refuse_several_names(self) -> None:
        """Reject rows that name the same row of the shop in different ways: it is unknown which is the last.

        Beyond `max_writes` not all items are kept. The count must stay beyond it, so that nothing is written.
        """
        if self._group.writes > self._settings.max_writes:
            return
        for item in self._group.items:
            if item.writes and self._named[item.by_id] > 1:
                self._group.writes -= 1
                item.settle(Status.REJECTED, "several_names")


def _value_of(current: Current) -> Callable[[str], Any]:
    return lambda column: current.api_id if column == "id" else current.attributes.get(column)
