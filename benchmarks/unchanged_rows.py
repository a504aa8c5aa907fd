"""What 100,000 rows cost that the target has written before: `python -m benchmarks.unchanged_rows [ROWS]`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from target_sumeru.config.settings import Settings
from target_sumeru.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = 100_000
_STATE_EVERY = 1000
_encode = msgspec.json.Encoder(order="sorted").encode


def main() -> None:
    """Print seconds and memory of a run that finds nothing to write, and makes no request."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else _ROWS
    with TemporaryDirectory() as folder:
        command = _prepare(Path(folder), number)
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        wall = time.monotonic() - began
    expected = f"customers: {number} rows: {number} unchanged."
    if expected not in done.stderr:
        sys.exit(done.stderr)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{number} unchanged rows: {wall:.1f} s, {cpu:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MB")


def _prepare(folder: Path, number: int) -> list[str]:
    """Write input, ledger and config of the run; return its command."""
    ledger, rows, config = folder / "ledger.db", folder / "rows.jsonl", folder / "config.json"
    # Nothing listens there: a single request would fail the run.
    settings = {"api_url": "http://127.0.0.1:9", "api_token": "copt_test_x", "ledger_path": str(ledger)}
    config.write_text(json.dumps(settings), encoding="utf-8")
    places = Settings.from_config(settings).places
    with Ledger(str(ledger), places) as known, rows.open("wb") as file:
        scope = known.row_hash("customers", "default", "")
        properties: dict[str, Any] = {
            name: {} for name in ("id", "tags", "first_name", "last_name", "locale")
        }
        schema = {"type": "SCHEMA", "stream": "customers", "schema": {"properties": properties}}
        file.write(msgspec.json.encode(schema) + b"\n")
        for i, row in enumerate(_made(number)):
            body = {name: value for name, value in row.items() if name != "id"}
            key = known.row_hash("customers", "default", f"id\x1f{row['id']}")
            known.done(key, scope, known.content_hash(_encode(body)))
            file.write(msgspec.json.encode({"type": "RECORD", "stream": "customers", "record": row}) + b"\n")
            if i % _STATE_EVERY == 0:
                file.write(msgspec.json.encode({"type": "STATE", "value": {"row": i}}) + b"\n")
    return [sys.executable, "-m", "target_sumeru", "--config", str(config), "--input", str(rows)]


def _made(number: int) -> Iterator[dict[str, Any]]:
    for i in range(number):
        tags = ["vip", f"segment-{i % 50}"]
        name = {"first_name": "Ana", "last_name": f"Name {i}", "locale": "en-GB"}
        yield {"id": f"cus_{i:08}", "tags": tags, **name}


if __name__ == "__main__":
    main()
