"""Waits for the runs of the Dagster instance at DAGSTER_HOME; needs the environment of Dagster."""

from __future__ import annotations

import json
import sys
import time

import dagster as dg


def main() -> None:
    """Wait until all runs have ended, and print partition, status, start, end and retries of each as JSON."""
    with dg.DagsterInstance.get() as instance:
        while not all(record.dagster_run.is_finished for record in instance.get_run_records()):
            time.sleep(0.5)
        runs = []
        for record in instance.get_run_records():
            run = record.dagster_run
            retried = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_RESTARTED)
            runs.append(
                {
                    "shard": run.tags["dagster/partition"],
                    "status": run.status.value,
                    "start": record.start_time,
                    "end": record.end_time,
                    "retries": len(retried),
                }
            )
    sys.stdout.write(json.dumps(runs))


if __name__ == "__main__":
    main()
