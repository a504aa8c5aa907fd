"""The Spark data source `sumeru`: `spark.read.format("sumeru")`.

Spark imports every module whose name starts with `pyspark_`, and finds this source as its `DefaultSource`.
An import that fails or takes long here would affect every Python data source of the cluster, so this module
imports nothing before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark_sumeru.bronze import SyncFailed, latest, latest_state, sync
    from pyspark_sumeru.source import DefaultSource
    from pyspark_sumeru.typed_frames import typed

__all__ = ["DefaultSource", "SyncFailed", "latest", "latest_state", "sync", "typed"]

_PLACES = {"DefaultSource": "source", "typed": "typed_frames"}  # a module of a name's own would hide the name


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    """Import a name on first use."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_PLACES.get(name, 'bronze')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
