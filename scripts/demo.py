"""`make demo`: shops into a DuckDB file, through Meltano, and every row counted.

Without a token it reads three made-up shops from a sandbox of its own, and takes no setting from the user's
environment or `.env`. With a token in either of them it reads the real API, into another file and state.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sumeru_sandbox import Sandbox
from sumeru_sandbox.server.accounts import PLANS
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    Counts = dict[str, dict[str, int]]

ROOT = Path(__file__).resolve().parent.parent
MARTS = ROOT / "scripts" / "marts.py"
MELTANO = "meltano==4.4.1"
PYTHON = sys.executable if sys.version_info < (3, 14) else "3.13"
"""Python of Meltano and its plugins; the loader's duckdb has no build for 3.14."""
SHOPS = ("acme", "globex", "initech")
CUSTOMERS = 10_000
PLAN = "agency"

_OWN_SHOPS = ("TAP_SUMERU_API_TOKEN", "TAP_SUMERU_SHOPS", "TAP_SUMERU_SHOPS_FILE")
_DOTENV = re.compile(rf"^\s*(?:export\s+)?(?:{'|'.join(_OWN_SHOPS)})\s*=[ \t\"']*[^\s\"'#]", re.MULTILINE)
_NOT_INHERITED = ("MELTANO_", "TARGET_DUCKDB_")
_SYNC_DONE = re.compile(r"Sync done: (\d+) records, (\d+) requests")
_LAST_LINES = 15
_LOG_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\S+ ")
_PATIENCE = 20
"""Seconds that a stopped run may take to end in order."""
_COUNT = """
import duckdb, json, sys
db = duckdb.connect(sys.argv[1], read_only=True)
tables = db.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sumeru'").fetchall()
query = 'SELECT shop, count(*) FROM sumeru."{}" GROUP BY shop'
print(json.dumps({table: dict(db.execute(query.format(table)).fetchall()) for table, in tables}))
"""


class Failed(Exception):
    """The demo cannot go on; the text says why."""


@dataclass(frozen=True)
class Pipeline:
    """Tap and loader, run by Meltano; all that is kept of them is in a folder, in files of one name."""

    folder: Path
    name: str
    uv: str

    def file(self, suffix: str) -> Path:
        """A file of this pipeline."""
        return self.folder / f"{self.name}.{suffix}"

    def shown(self, suffix: str) -> str:
        """The same, as the user would type it."""
        return os.path.relpath(self.file(suffix))

    def run(self, env: Mapping[str, str], options: Sequence[str], progress: Callable[[], str]) -> float:
        """Run it, and return the seconds that it took.

        Raises:
            Failed: It did not succeed.
        """
        meltano = [self.uv, "tool", "run", "--python", PYTHON, "--from", MELTANO, "meltano"]
        # One run at a time is DuckDB's to ensure; a killed one shall not keep the next one waiting.
        run = ["--environment", "demo", "run", "--force", "tap-sumeru", "target-duckdb"]
        began = time.monotonic()
        with (
            self.file("log").open("wb") as log,
            _process([*meltano, *options, *run], log, {**env, **self._env()}) as process,
        ):
            while process.poll() is None:
                _show(f"  {progress()}{time.monotonic() - began:.0f} s")
                time.sleep(0.2)
        _show("")
        if process.returncode:
            raise Failed(
                f"The run failed. {self.shown('log')} has it all; its last lines:\n\n{self._last_lines()}"
            )
        return time.monotonic() - began

    def _env(self) -> dict[str, str]:
        """Settings that keep this run apart from any other Meltano project, and from the user's own runs."""
        meltano = self.folder / ".meltano"
        return {
            "MELTANO_DATABASE_URI": f"sqlite:///{self.file('state')}",
            "MELTANO_STATE_BACKEND_URI": "systemdb",
            "MELTANO_SYS_DIR_ROOT": str(meltano),
            "NO_COLOR": "1",
            "TARGET_DUCKDB_PATH": str(self.file("duckdb")),
            "XDG_STATE_HOME": str(meltano / "logs"),
        }

    def _log(self) -> str:
        return self.file("log").read_text(encoding="utf-8", errors="replace")

    def _last_lines(self) -> str:
        """The last errors of the log, each once and without its time; without errors its last lines."""
        lines = [_LOG_TIME.sub("", line) for line in self._log().splitlines()]
        errors = dict.fromkeys(line for line in lines if line.startswith(("[error", "[critical")))
        return "\n".join(list(errors or lines)[-_LAST_LINES:])

    def told(self) -> tuple[int, int]:
        """Records and requests of the run, as the tap tells them."""
        records, requests = _SYNC_DONE.findall(self._log())[-1]
        return int(records), int(requests)

    def rows(self) -> Counts:
        """Rows in the file, by table and shop, counted with the loader's own DuckDB."""
        python = self.folder / ".meltano/loaders/target-duckdb/venv/bin/python"
        command = [str(python), "-c", _COUNT, str(self.file("duckdb"))]
        counted = subprocess.run(command, capture_output=True, check=False, text=True)
        if counted.returncode:
            raise Failed(f"The rows of {self.shown('duckdb')} could not be counted.\n\n{counted.stderr}")
        rows: Counts = json.loads(counted.stdout)
        return rows

    def marts(self, *options: str) -> None:
        """Let dbt make marts of the rows, and draw three charts of them.

        Raises:
            Failed: A model or one of its tests failed.
        """
        command = [sys.executable, str(MARTS), str(self.file("duckdb")), "--uv", self.uv, *options]
        with _process(command, None, os.environ) as process:
            if process.wait():
                raise Failed(f"The rows of {self.shown('duckdb')} are all there, but not the marts.")


@contextmanager
def _process(
    command: Sequence[str], log: IO[bytes] | None, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose whole family has ended when the `with` does."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def _show(text: str) -> None:
    """Let a line change in place, where somebody looks on."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


def has_own_shops(dotenv: Path) -> bool:
    """Whether the environment or `.env` names shops to read."""
    text = dotenv.read_text(encoding="utf-8") if dotenv.exists() else ""
    return any(os.environ.get(name) for name in _OWN_SHOPS) or bool(_DOTENV.search(text))


def _inherited(*left_out: str) -> dict[str, str]:
    """The environment, but for what would lead Meltano elsewhere."""
    out = (*_NOT_INHERITED, *left_out)
    return {name: value for name, value in os.environ.items() if not name.startswith(out)}


def _remembered(pipeline: Pipeline, customers: int | None) -> dict[str, Any]:
    """What makes the made-up shops the same ones again, and the requests of the first read."""
    file = pipeline.file("json")
    if not (file.exists() and pipeline.file("duckdb").exists()):
        for old in pipeline.folder.glob(f"{pipeline.name}.*"):
            old.unlink()
        file.write_text(json.dumps({"now": int(time.time()), "customers": customers or CUSTOMERS}))
    memory: dict[str, Any] = json.loads(file.read_text())
    if customers not in (None, memory["customers"]):
        raise Failed(f"These shops have {memory['customers']:,} customers; `make demo-clean` forgets them.")
    return memory


def show_rows(landed: Counts, held: Counts | None = None) -> bool:
    """Show the rows of the file, beside those of the API if they are known; tell whether they agree."""
    agree = True
    _say("", f"  {'table':<28}{'rows landed':>12}{'rows in the API' if held else '':>17}")
    for stream in STREAMS:
        here = landed.get(stream, {})
        line = f"  {stream:<28}{sum(here.values()):>12,}"
        if held:
            there = {shop: counts[stream] for shop, counts in held.items()}
            pairs = [(shop, here.get(shop, 0), there.get(shop, 0)) for shop in sorted({*here, *there})]
            wrong = [f"{shop} {mine:,} of {theirs:,}" for shop, mine, theirs in pairs if mine != theirs]
            line += f"{sum(there.values()):>17,}  {'DIFFERS: ' + ', '.join(wrong) if wrong else 'equal'}"
            agree = agree and not wrong
        _say(line)
    _say("")
    return agree


def _read_made_up(pipeline: Pipeline, customers: int | None, *, marts: bool) -> None:
    """Read the made-up shops, hold what has landed against what they have, and make marts of it."""
    memory = _remembered(pipeline, customers)
    now, size, first = memory["now"], memory["customers"], memory.get("requests")
    start = datetime.fromtimestamp(now, UTC)
    with Sandbox(SHOPS, customers=size, plan=PLAN, rate_limit=PLANS[PLAN], now=start) as sandbox:
        sandbox.advance(max(0, time.time() - now))
        _say(f"Three made-up shops ({', '.join(SHOPS)}) of {size:,} customers each, at {sandbox.url}.")
        _say(f"Meltano runs tap-sumeru and target-duckdb; their log is {pipeline.shown('log')}.")
        shops = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
        env = _inherited("TAP_SUMERU_") | {
            "TAP_SUMERU_API_URL": sandbox.url,
            "TAP_SUMERU_SHOPS": json.dumps(shops),
            "no_proxy": f"127.0.0.1,{os.environ.get('no_proxy') or os.environ.get('NO_PROXY', '')}",
        }
        nothing_of_users = ["--env-file", os.devnull]
        seconds = pipeline.run(env, nothing_of_users, lambda: f"{sandbox.stats()['requests']:,} requests, ")
        stats, held = sandbox.stats(), sandbox.counts()
    if not show_rows(pipeline.rows(), held):
        raise Failed(f"What has landed is not what the API holds. The log is {pipeline.shown('log')}.")
    records, requests = pipeline.told()[0], stats["requests"]
    if first:
        read = f"{requests:,} of {first:,} requests, {100 * requests / first:.1f} %"
        _say(f"Read since shortly before the last run: {read}; {records:,} records in {seconds:.0f} s.")
    else:
        pipeline.file("json").write_text(json.dumps({**memory, "requests": requests}))
        refused = f"{stats['rate_limited']:,} refused by the rate limit"
        _say(f"{records:,} records in {seconds:.0f} s, with {requests:,} requests, {refused}.")
    _say(f"The rows are in {pipeline.shown('duckdb')}, schema sumeru.")
    if marts:
        pipeline.marts("--made-up")
    _say(
        "",
        "Next",
        "  make demo         reads only what is new",
        "  make demo-clean   forgets these shops",
        "  your own shop     TAP_SUMERU_API_TOKEN=copt_live_... in .env (see .env.example), then make demo",
    )


def _read_real(pipeline: Pipeline, *, marts: bool) -> None:
    """Read the shops that the user's settings name, and make marts of their rows."""
    _say("Your own shops, as the environment and .env name them, from the real API.")
    _say(f"Meltano runs tap-sumeru and target-duckdb; their log is {pipeline.shown('log')}.")
    seconds = pipeline.run(_inherited(), [], str)
    show_rows(pipeline.rows())
    records, requests = pipeline.told()
    _say(
        f"{records:,} records in {seconds:.0f} s, with {requests:,} requests.",
        f"The rows are in {pipeline.shown('duckdb')}, schema sumeru; `make demo` reads only what is new.",
    )
    if marts:
        pipeline.marts()


def main() -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, help=f"of each made-up shop; {CUSTOMERS:,} unless given")
    parser.add_argument("--made-up", action="store_true", help="made-up shops, even if there is a token")
    parser.add_argument("--no-marts", dest="marts", action="store_false", help="leave out what dbt makes")
    parser.add_argument("--output", type=Path, default=ROOT / "output", help="folder for all that is made")
    parser.add_argument("--uv", default=shutil.which("uv") or ".tools/bin/uv", help="the uv to use")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even where a shell has it ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    folder = arguments.output.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if arguments.made_up or not has_own_shops(ROOT / ".env"):
            made_up = Pipeline(folder, "demo", arguments.uv)
            _read_made_up(made_up, arguments.customers, marts=arguments.marts)
        else:
            _read_real(Pipeline(folder, "real", arguments.uv), marts=arguments.marts)
    except Failed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next `make demo` goes on from what has landed.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
