"""Airflow 3: syncs all shards every hour, one mapped task for each.

Copy this file into the folder of your DAGs. `max_active_runs` forbids that two runs overlap. A task that
fails is retried alone, and goes on from its state.
"""

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

PROJECT = os.environ.get("SUMERU_PROJECT", "/opt/tap-sumeru")
SHARDS = int(os.environ.get("SUMERU_SHARDS", "4"))
RETRY_SECONDS = int(os.environ.get("SUMERU_RETRY_SECONDS", "300"))


@dag(schedule="@hourly", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, max_active_runs=1)
def sumeru_shards() -> None:
    """Sync all shards."""

    @task.bash(retries=2, retry_delay=timedelta(seconds=RETRY_SECONDS))
    def sync(shard: str) -> str:
        return f"{PROJECT}/deploy/sync-shard {shard}"

    sync.expand(shard=[f"{i}/{SHARDS}" for i in range(1, SHARDS + 1)])


sumeru_shards()
