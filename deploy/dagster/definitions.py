"""Dagster: syncs all shards every hour, one partition and one run for each: `dagster dev -f definitions.py`.

`dagster.yaml` beside this file forbids that two runs of one shard overlap. A run that fails is retried alone,
and goes on from its state.
"""

import os
import subprocess
from collections.abc import Iterator

import dagster as dg

PROJECT = os.environ.get("SUMERU_PROJECT", "/opt/tap-sumeru")
SHARDS = int(os.environ.get("SUMERU_SHARDS", "4"))
RETRY_SECONDS = int(os.environ.get("SUMERU_RETRY_SECONDS", "300"))

shards = dg.StaticPartitionsDefinition([str(i) for i in range(1, SHARDS + 1)])


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2, delay=RETRY_SECONDS))
def sync(context: dg.OpExecutionContext) -> None:
    """Sync the shard of this partition."""
    subprocess.run([f"{PROJECT}/deploy/sync-shard", f"{context.partition_key}/{SHARDS}"], check=True)


@dg.job(partitions_def=shards, executor_def=dg.in_process_executor)
def sumeru_shards() -> None:
    """Sync one shard."""
    sync()


@dg.schedule(job=sumeru_shards, cron_schedule="0 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def every_hour(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """Request one run for each shard."""
    for shard in shards.get_partition_keys():
        yield dg.RunRequest(
            run_key=f"{context.scheduled_execution_time.isoformat()} {shard}", partition_key=shard
        )


defs = dg.Definitions(jobs=[sumeru_shards], schedules=[every_hour])
