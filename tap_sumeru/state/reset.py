"""Reset of bookmarks: a state with which the next run reads a stream again as if for the first time.

A reset removes from a partition all keys that say how far it was read, and the verdict on the date filter:
whoever resets a stream may do so because the filter has left out rows, so it must prove itself again. What
stays:

- `precision` and `not_unique`, which describe the rows. Without `not_unique`, rows that are already in the
  warehouse would get other ids.
- `replication_key`, without which `precision` says nothing.
- Keys that this version does not know, as anywhere else in a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_sumeru.state.validation import PARTITION_KEYS

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_sumeru.state.bookmarks import Entry, State

WRAPPER = "singer_state"
"""Key of the state in what `meltano state get` prints and `meltano state set` takes."""
_KEPT = frozenset({"context", "replication_key", "precision", "not_unique"})
_FORGOTTEN = PARTITION_KEYS - _KEPT


def is_wrapped(content: dict[str, Any]) -> bool:
    """Return whether the content of a state file is a state in Meltano's form."""
    return isinstance(content.get(WRAPPER), dict) and "bookmarks" not in content


class Reset(NamedTuple):
    """What a reset has done.

    Attributes:
        state: The state to use next; it shares all that has not changed with the state before.
        shops: Names of the shops whose bookmark is gone, in the order of the state.
    """

    state: State
    shops: list[str]


def reset(state: State, stream: str, shops: Collection[str]) -> Reset:
    """Forget how far a stream of some shops was read.

    Args:
        state: The state, validated; it stays as it is.
        stream: Name of the stream.
        shops: Names of the shops.
    """
    content = state.get("bookmarks", {}).get(stream, {})
    found: list[str] = []
    partitions = []
    for entry in content.get("partitions", []):
        after = _without_bookmark(entry) if _is_of(entry, shops) else entry
        if after != entry:
            found.append(entry["context"]["shop"])
        partitions.append(after)
    if not found:
        return Reset(state, [])
    bookmarks = {**state["bookmarks"], stream: {**content, "partitions": partitions}}
    return Reset({**state, "bookmarks": bookmarks}, found)


def _is_of(entry: Entry, shops: Collection[str]) -> bool:
    """Return whether a partition is one that this version reads, and of one of some shops."""
    return entry["context"].keys() == {"shop"} and entry["context"]["shop"] in shops


def _without_bookmark(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name not in _FORGOTTEN}
