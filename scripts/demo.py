"""`make demo`: syncs shops into a DuckDB file through Meltano and counts every row.

Without a token it reads three generated shops from a sandbox of its own and ignores the settings of the
user's environment and `.env`. With a token in either of them it reads the real API, into another file and
state.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo_pipeline import ROOT, Failed, Pipeline
from sumeru_sandbox import Sandbox
from sumeru_sandbox.server.accounts import PLANS
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from demo_pipeline import Counts

SHOPS = ("acme", "globex", "initech")
CUSTOMERS = 10_000
PLAN = "agency"

_OWN_SHOPS = ("TAP_SUMERU_API_TOKEN", "TAP_SUMERU_SHOPS", "TAP_SUMERU_SHOPS_FILE")
_DOTENV = re.compile(rf"^\s*(?:export\s+)?(?:{'|'.join(_OWN_SHOPS)})\s*=[ \t\"']*[^\s\"'#]", re.MULTILINE)
_NOT_INHERITED = ("MELTANO_", "TARGET_DUCKDB_")


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def has_own_shops(dotenv: Path) -> bool:
    """Return whether the environment or `.env` names shops to read."""
    text = dotenv.read_text(encoding="utf-8") if dotenv.exists() else ""
    return any(os.environ.get(name) for name in _OWN_SHOPS) or bool(_DOTENV.search(text))


def _inherited(*left_out: str) -> dict[str, str]:
    """Return the environment without variables that would change Meltano's project."""
    out = (*_NOT_INHERITED, *left_out)
    return {name: value for name, value in os.environ.items() if not name.startswith(out)}


def _remembered(pipeline: Pipeline, customers: int | None) -> dict[str, Any]:
    """Return the seed data of the generated shops and the number of requests of the first read."""
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
    """Print the rows of the file, and those of the API if known; return whether they are equal."""
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
    """Read the generated shops, compare the rows with those of the API, and build the marts."""
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
    records, requests = pipeline.totals()[0], stats["requests"]
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
    """Read the shops that the user's settings name, and build the marts."""
    _say("Your own shops, as the environment and .env name them, from the real API.")
    _say(f"Meltano runs tap-sumeru and target-duckdb; their log is {pipeline.shown('log')}.")
    seconds = pipeline.run(_inherited(), [], str)
    show_rows(pipeline.rows())
    records, requests = pipeline.totals()
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
