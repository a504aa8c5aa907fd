"""The Spark data source `sumeru`: `spark.read.format("sumeru")`.

Spark imports every module whose name starts with `pyspark_`, and finds this source as its `DefaultSource`.
An import that fails or takes long here would affect every Python data source of the cluster, so this module
imports nothing before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark_sumeru.bronze import latest, latest_state
    from pyspark_sumeru.source import DefaultSource
    from pyspark_sumeru.table_sync import SyncFailed, sync
    from pyspark_sumeru.typed_frames import typed

__all__ = ["DefaultSource", "SyncFailed", "latest", "latest_state", "sync", "typed"]

# No module has the name of one of these: it would take its place here once it is imported.
_PLACES = {
    "DefaultSource": "source",
    "SyncFailed": "table_sync",
    "latest": "bronze",
    "latest_state": "bronze",
    "sync": "table_sync",
    "typed": "typed_frames",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    """Import a name on first use."""
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
