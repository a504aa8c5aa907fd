"""Options as a program gives them to `sync`: any values, turned into the texts that Spark takes."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SET_BY_SYNC = ("state", "onlyShops", "readId", "numPartitions", "maxSeconds")


def sync_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of the user, whose names are in lower case as for Spark.

    Raises:
        ValueError: One is set that only `sync` may set, or two contradict each other.
    """
    texts = {name.lower(): text for name, text in as_text(options).items()}
    taken = texts.keys() & {name.lower() for name in _SET_BY_SYNC}
    if taken:
        raise ValueError(f"options: {', '.join(sorted(taken))} are set by `sync`; remove them.")
    stream = texts.pop("stream", "").strip()
    if stream in ("", "*"):
        return texts
    if "streams" in texts:
        raise ValueError("options: `stream` and `streams` are both set; remove one of the two.")
    return {**texts, "streams": stream}


def as_text(options: Mapping[str, Any]) -> dict[str, str]:
    """Return options as Spark takes them; those that are null set nothing."""
    return {name: _text(value) for name, value in options.items() if value is not None}


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a program passes
    plain = value if isinstance(value, (str, int, float, list, tuple, dict)) else _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, default=_plain)


def _plain(value: object) -> str | list[Any]:
    """Return a date, a path or the like as text, and a set as a list."""
    if isinstance(value, (set, frozenset)):
        return list(value)
    return value.isoformat() if isinstance(value, date) else str(value)
