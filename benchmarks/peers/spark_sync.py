"""Syncs twice with Spark, as a notebook does: `spark_sync.py SLOTS URL SHOPS_FILE TABLE`.

It prints one line of JSON for each sync: the seconds that it took, and the records that the table then holds.
"""

from __future__ import annotations

import json
import sys
import time

from pyspark.sql import SparkSession

import pyspark_sumeru


def main() -> None:
    """Sync, and sync again with nothing new."""
    slots, url, shops_file, table = sys.argv[1:]
    builder = SparkSession.builder.master(f"local[{slots}]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.memory", "1g").config("spark.driver.host", "127.0.0.1").getOrCreate()
    spark.range(1).count()  # the session is warm, as that of a notebook
    for _ in range(2):
        started_at = time.monotonic()
        pyspark_sumeru.sync(spark, {"api_url": url, "shops_file": shops_file}, table, int(slots))
        seconds = time.monotonic() - started_at
        rows = spark.read.parquet(table).where("kind = 'RECORD'")
        distinct = rows.select("stream", "shop", "id").distinct().count()
        print(json.dumps({"seconds": seconds, "records": rows.count(), "distinct": distinct}), flush=True)


if __name__ == "__main__":
    main()
