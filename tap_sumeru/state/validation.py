"""Validates a state: what this run reads of it must be as `state.bookmarks` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps
from sumeru_api.redaction import mask_name
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Collection

_STRING, _TIMESTAMP = "a string", "a timestamp"
_READING = {
    "began": _TIMESTAMP,
    "since": _TIMESTAMP,
    "query": _STRING,
    "cursor": _STRING,
    "limit": _STRING,
    "after": _STRING,
}
_PARTITION = {
    "context": {"shop": _STRING},
    "replication_key": _STRING,
    "replication_key_value": _TIMESTAMP,
    "start_date": _TIMESTAMP,
    "filters": _STRING,
    "precision": _STRING,
    "unproven_from": _TIMESTAMP,
    "not_unique": [_STRING],
    "last_audit": _TIMESTAMP,
    "filtered_from": _TIMESTAMP,
    "skipped": [_STRING],
    "reading": _READING,
    "date_filter": {"verdict": _STRING, "names": [_STRING]},
}
PARTITION_KEYS = frozenset(_PARTITION)
"""Keys of a partition. A read keeps all others as they are."""
READING_KEYS = frozenset(_READING)
"""Keys of `reading`. A position with any other key is not used: it may mean something else."""
_REQUIRED = frozenset({"context", "shop", "began", "query", "verdict", "names"})


def validate(state: object, shops: Collection[str]) -> None:
    """Reject a state with which a sync could skip rows.

    Whatever concerns other shops and streams, and keys that this version does not know, are not checked: they
    pass through unchanged.

    Args:
        state: The state.
        shops: Names of the shops of the config.

    Raises:
        StateError: The state is not valid; the message names the stream, the shop and the key.
    """
    if not isinstance(state, dict):
        raise StateError("state: must be a JSON object. Pass the value of the last STATE message.")
    if not state:
        return
    wrapper = _find_wrapper(state)
    if wrapper:
        raise StateError(f"state: the bookmarks are inside `{mask_name(wrapper)}`. Pass only its content.")
    if not isinstance(state.get("bookmarks"), dict):
        raise StateError("state: has no `bookmarks`. Pass the value of the last STATE message.")
    for stream in state["bookmarks"].keys() & STREAMS.keys():
        _check_stream(f"state of {stream}", state["bookmarks"][stream], shops)


def _find_wrapper(state: dict[str, Any]) -> str | None:
    """Return the path of the bookmarks if they are nested: in a whole STATE message, or in Meltano's form."""
    nested = {name: content for name, content in state.items() if name != "bookmarks"}
    for _ in range(2):
        for name, content in nested.items():
            if isinstance(content, dict) and "bookmarks" in content:
                return name
        nested = {
            f"{name}.{inner}": content
            for name, outer in nested.items()
            if isinstance(outer, dict)
            for inner, content in outer.items()
        }
    return None


def _check_stream(where: str, content: Any, shops: Collection[str]) -> None:  # noqa: ANN401 - any JSON
    if isinstance(content, dict) and "replication_key_value" in content:
        raise StateError(f"{where}: the bookmark has no shop. Move it into an entry of `partitions`.")
    _check(where, "", content, {"partitions": []})
    seen: set[str] = set()
    for i, partition in enumerate(content.get("partitions", [])):
        try:
            context = partition["context"]
            shop = context["shop"]
        except (KeyError, TypeError):
            shop = None
        if not isinstance(shop, str):
            raise StateError(f"{where}: `partitions[{i}].context.shop` must be a string.")
        if shop not in shops or context.keys() != {"shop"}:
            continue
        if shop in seen:
            raise StateError(f"{where}: shop {mask_name(shop)} has two partitions. Keep one.")
        seen.add(shop)
        _check(f"{where}, shop {mask_name(shop)}", "", partition, _PARTITION)


def _check(where: str, path: str, value: object, shape: object) -> None:
    """Raise `StateError` if a value does not have a shape.

    Args:
        where: The stream and the shop, for the message.
        path: Keys that lead to the value, for the message.
        value: The value.
        shape: A dict has the shape of each key, a list that of all items, and a string names a scalar.
    """
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise StateError(f"{_subject(where, path)} must be an object.")
        _check_members(where, f"{path}." if path else "", value, shape)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise StateError(f"{_subject(where, path)} must be a list.")
        for item in value if shape else ():
            _check(where, path, item, shape[0])
    elif not (isinstance(value, str) and (shape is _STRING or timestamps.parse(value) is not None)):
        raise StateError(f"{_subject(where, path)} must be {shape}.")


def _check_members(where: str, prefix: str, members: dict[str, Any], shape: dict[str, Any]) -> None:
    for name, inner in shape.items():
        if name in members or name in _REQUIRED:
            _check(where, prefix + name, members.get(name), inner)


def _subject(where: str, path: str) -> str:
    return f"{where}: `{path}`" if path else f"{where}:"
