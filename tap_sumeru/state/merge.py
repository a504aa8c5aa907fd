"""Merges the states of several shards, for when the number of shards changes.

Each partition says by itself that all changes before its bookmark are written. If several states hold the
same stream and shop, the earliest bookmark wins. This happens if a shop has moved without its bookmark, or
if its stream was reset. What changed since then is read once more, and nothing can be missing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_sumeru.state.read_position import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_sumeru.state.bookmarks import Entry, State

_NEVER = datetime.min.replace(tzinfo=UTC)


class Merge(NamedTuple):
    """What a merge has done.

    Attributes:
        state: The state to use next; it shares its values with the states before.
        shops: Names of the shops that it has bookmarks of.
        contested: Names of the shops of which several states had different bookmarks.
        differing: Names of what else differs between the states, and is as the first of them has it.
    """

    state: State
    shops: list[str]
    contested: list[str]
    differing: list[str]


def merge(states: Sequence[State], keep: Callable[[str], bool]) -> Merge:
    """Return one state with the bookmarks of several.

    Args:
        states: The states, validated; they stay as they are.
        keep: Returns whether the bookmarks of a shop are wanted.
    """
    merger = _Merger(keep)
    state = merger.merge_states(states)
    contested = [shop for shop, several in merger.shops.items() if several]
    return Merge(state, list(merger.shops), contested, list(merger.differing))


class _Merger:
    """Merges states, and records how they differ.

    Attributes:
        shops: Whether several states have different partitions, by the name of the shop.
        differing: Names of what else differs, as keys.
    """

    def __init__(self, keep: Callable[[str], bool]) -> None:
        self._keep = keep
        self.shops: dict[str, bool] = {}
        self.differing: dict[str, None] = {}

    def merge_states(self, states: Sequence[State]) -> State:
        """Return one state."""
        streams: dict[str, list[Any]] = {}
        for state in states:
            for name, content in state.get("bookmarks", {}).items():
                streams.setdefault(name, []).append(content)
        bookmarks = {name: self._merge_stream(name, contents) for name, contents in streams.items()}
        return self._first(states, "bookmarks") | {"bookmarks": bookmarks}

    def _merge_stream(self, stream: str, contents: Sequence[Any]) -> Any:  # noqa: ANN401 - any JSON
        if all(map(_has_partitions, contents)):
            entries = self._merge_partitions(contents)
            return self._first(contents, "partitions", f"{stream}.") | {"partitions": entries}
        if any(content != contents[0] for content in contents):
            self.differing[stream] = None
        return contents[0]

    def _first(self, contents: Iterable[dict[str, Any]], but: str, prefix: str = "") -> dict[str, Any]:
        """Return all members but one; if contents differ, the first that has a member decides."""
        found: dict[str, Any] = {}
        for content in contents:
            for name, value in content.items():
                if name != but and found.setdefault(name, value) != value:
                    self.differing[prefix + name] = None
        return found

    def _merge_partitions(self, contents: Iterable[dict[str, Any]]) -> list[Entry]:
        """Return each partition once."""
        chosen: dict[str, Entry] = {}
        for content in contents:
            for entry in content.get("partitions", []):
                shop = entry["context"]["shop"]
                if self._keep(shop):
                    context = repr(sorted(entry["context"].items()))
                    known = chosen.get(context, entry)
                    self.shops[shop] = self.shops.get(shop, False) or known != entry
                    chosen[context] = _earlier(known, entry)
        return list(chosen.values())


def _has_partitions(content: object) -> bool:
    """Return whether the content of a stream, perhaps of a newer version, is made of partitions of shops."""
    entries = content.get("partitions", []) if isinstance(content, dict) else None
    return isinstance(entries, list) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("context"), dict)
        and isinstance(entry["context"].get("shop"), str)
        for entry in entries
    )


def _earlier(one: Entry, other: Entry) -> Entry:
    """Return the partition of the earlier bookmark.

    It keeps what either knows of natural keys that are not unique: without that, rows that are already in the
    warehouse would get other ids.
    """
    earlier, later = sorted((one, other), key=_progress)
    if "not_unique" in later and "not_unique" not in earlier:
        return {**earlier, "not_unique": later["not_unique"]}
    return earlier


def _progress(entry: Entry) -> tuple[datetime, bool]:
    """Return how far a partition says that its stream was read."""
    return timestamp(entry.get("replication_key_value")) or _NEVER, "reading" in entry
