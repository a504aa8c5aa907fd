"""Names what a state holds that this run does not use: other shops, and what a newer version has written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.state.bookmarks import Verdict
from tap_sumeru.state.validation import PARTITION_KEYS, READING_KEYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_MAX_NAMES = 20
_DATE_FILTER_KEYS = frozenset({"verdict", "names"})
_VERDICTS = frozenset(Verdict)


def unknown_parts(state: dict[str, Any], shops: Collection[str], default: str) -> Iterator[str]:
    """Yield a line for each kind of thing that this run does not use.

    Args:
        state: The state, validated.
        shops: Names of the shops of the config.
        default: Name of the shop of a config with `api_token` and without `shop`.
    """
    left = [shop for shop in _shops_of(state) if shop not in shops]
    if left:
        yield _about_shops(left, default)
    keys = sorted({*_keys_of(state, shops)})
    if keys:
        yield (
            f"The state has keys that this version of the tap does not know: {_names(keys)}. "
            "They are passed through unchanged; a newer version may have written them."
        )


def _about_shops(left: Sequence[str], default: str) -> str:
    line = (
        f"The state has bookmarks of shops that are not in the settings: {_names(left)}. They are passed "
        "through unchanged. A shop that was renamed is read from its start date, and its old rows stay."
    )
    if default in left:
        line += (
            f" The shop {default} is that of a run without the setting `shop`: to continue it, name the shop "
            f"{default} in the settings; otherwise delete its old rows."
        )
    return line


def _shops_of(state: dict[str, Any]) -> list[str]:
    """Return the names of all shops, each once, in the order of the state."""
    contents = (content for name, content in state.get("bookmarks", {}).items() if name in STREAMS)
    partitions = (partition for content in contents for partition in content.get("partitions", []))
    return list(dict.fromkeys(partition["context"]["shop"] for partition in partitions))


def _keys_of(state: dict[str, Any], shops: Collection[str]) -> Iterator[str]:
    yield from state.keys() - {"bookmarks"}
    for stream, content in state.get("bookmarks", {}).items():
        if stream not in STREAMS:
            yield stream
            continue
        yield from (f"{stream}.{key}" for key in content.keys() - {"partitions"})
        for partition in content.get("partitions", []):
            if partition["context"]["shop"] in shops:
                yield from (f"{stream}.{key}" for key in _keys_of_partition(partition))


def _keys_of_partition(partition: dict[str, Any]) -> Iterator[str]:
    if partition["context"].keys() != {"shop"}:
        yield from (f"context.{key}" for key in partition["context"].keys() - {"shop"})
        return
    yield from partition.keys() - PARTITION_KEYS
    yield from (f"reading.{key}" for key in partition.get("reading", {}).keys() - READING_KEYS)
    date_filter = partition.get("date_filter", {})
    yield from (f"date_filter.{key}" for key in date_filter.keys() - _DATE_FILTER_KEYS)
    if "verdict" in date_filter and date_filter["verdict"] not in _VERDICTS:
        yield "date_filter.verdict"


def _names(names: Sequence[str]) -> str:
    """Return names in one line, of many only the first; a name may be anything."""
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(map(mask_name, names[:_MAX_NAMES])) + more
