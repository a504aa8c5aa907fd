"""The Spark data source `sumeru`: `spark.read.format("sumeru")`.

Spark imports every module whose name starts with `pyspark_`, and finds this source as its `DefaultSource`.
An import that fails or takes long here would affect every Python data source of the cluster, so the tap is
imported only when something is read.
"""

from pyspark_sumeru.bronze import SyncFailed, latest, latest_state, sync
from pyspark_sumeru.source import DefaultSource
from pyspark_sumeru.typed import typed

__all__ = ["DefaultSource", "SyncFailed", "latest", "latest_state", "sync", "typed"]
