"""`make demo`: syncs shops into a DuckDB file with Meltano, and counts every row.

Without a token it reads three sample shops from a local sandbox, and ignores all other settings of the user.
With a token in the environment or in `.env` it reads the real API, into another file and state.
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

from pipeline import Failed, Pipeline
from sumeru_sandbox import Sandbox
from sumeru_sandbox.server.accounts import PLANS
from tap_sumeru.catalog.streams import STREAMS
from write_back import write_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline import Counts

ROOT = Path(__file__).resolve().parent.parent
SHOPS = ("acme", "globex", "initech")
CUSTOMERS = 10_000
PLAN = "agency"

_OWN_SHOPS = ("TAP_SUMERU_API_TOKEN", "TAP_SUMERU_SHOPS", "TAP_SUMERU_SHOPS_FILE")
_DOTENV = re.compile(rf"^\s*(?:export\s+)?(?:{'|'.join(_OWN_SHOPS)})\s*=[ \t\"']*[^\s\"'#]", re.MULTILINE)
_NOT_INHERITED = ("MELTANO_", "TARGET_DUCKDB_")


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def has_own_shops(dotenv: Path) -> bool:
    """Return whether the environment or `.env` configures shops."""
    text = dotenv.read_text(encoding="utf-8") if dotenv.exists() else ""
    return any(os.environ.get(name) for name in _OWN_SHOPS) or bool(_DOTENV.search(text))


def _inherited(*left_out: str) -> dict[str, str]:
    """Return the environment without variables that would change the Meltano project."""
    out = (*_NOT_INHERITED, *left_out)
    return {name: value for name, value in os.environ.items() if not name.startswith(out)}


def _load_parameters(pipeline: Pipeline, customers: int | None) -> dict[str, Any]:
    """Return the parameters of the sample shops, and the number of requests of the first run."""
    file = pipeline.file("json")
    if not (file.exists() and pipeline.file("duckdb").exists()):
        for old in pipeline.folder.glob(f"{pipeline.name}.*"):
            old.unlink()
        file.write_text(json.dumps({"now": int(time.time()), "customers": customers or CUSTOMERS}))
    parameters: dict[str, Any] = json.loads(file.read_text())
    if customers not in (None, parameters["customers"]):
        raise Failed(
            f"These shops have {parameters['customers']:,} customers. `make demo-clean` removes them."
        )
    return parameters


def show_rows(landed: Counts, expected: Counts | None = None) -> bool:
    """Print the rows of the file beside those of the API, and return whether they are equal."""
    equal = True
    _say("", f"  {'table':<28}{'rows landed':>12}{'rows in the API' if expected else '':>17}")
    for stream in STREAMS:
        here = landed.get(stream, {})
        line = f"  {stream:<28}{sum(here.values()):>12,}"
        if expected:
            there = {shop: counts[stream] for shop, counts in expected.items()}
            pairs = [(shop, here.get(shop, 0), there.get(shop, 0)) for shop in sorted({*here, *there})]
            wrong = [f"{shop} {found:,} of {total:,}" for shop, found, total in pairs if found != total]
            line += f"{sum(there.values()):>17,}  {'DIFFERS: ' + ', '.join(wrong) if wrong else 'equal'}"
            equal = equal and not wrong
        _say(line)
    _say("")
    return equal


def _say_what_was_read(
    pipeline: Pipeline, parameters: dict[str, Any], stats: Mapping[str, int], seconds: float
) -> None:
    """Print records and requests of a run, beside the requests of the first one."""
    first = parameters.get("requests")
    records, requests = pipeline.logged_counts()[0], stats["requests"]
    if first:
        read = f"{requests:,} of {first:,} requests, {100 * requests / first:.1f} %"
        _say(f"Changes since the last run: {read}; {records:,} records in {seconds:.0f} s.")
    else:
        pipeline.file("json").write_text(json.dumps({**parameters, "requests": requests}))
        refused = f"{stats['rate_limited']:,} refused by the rate limit"
        _say(f"{records:,} records in {seconds:.0f} s, with {requests:,} requests, {refused}.")


def _first_requests(counts: Counts) -> int:
    """Return about how many requests a first sync takes: one for each page of 100 rows."""
    return sum(-(-rows // 100) for shop in counts.values() for rows in shop.values())


def _read_sample(pipeline: Pipeline, customers: int | None, *, marts: bool) -> None:
    """Read the sample shops, compare the rows with those of the API, build marts, and tag customers."""
    parameters = _load_parameters(pipeline, customers)
    now, size = parameters["now"], parameters["customers"]
    start = datetime.fromtimestamp(now, UTC)
    with Sandbox(SHOPS, customers=size, plan=PLAN, rate_limit=PLANS[PLAN], now=start) as sandbox:
        sandbox.advance(max(0, time.time() - now))
        _say(f"Three sample shops ({', '.join(SHOPS)}) of {size:,} customers each, at {sandbox.url}.")
        _say(f"Meltano runs tap-sumeru and target-duckdb. Log: {pipeline.shown('log')}.")
        shops = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
        env = _inherited("TAP_SUMERU_") | {
            "TAP_SUMERU_API_URL": sandbox.url,
            "TAP_SUMERU_SHOPS": json.dumps(shops),
            "no_proxy": f"127.0.0.1,{os.environ.get('no_proxy') or os.environ.get('NO_PROXY', '')}",
        }
        no_env_file = ["--env-file", os.devnull]
        total = None if parameters.get("requests") else _first_requests(sandbox.counts())
        seconds = pipeline.run(env, no_env_file, lambda: sandbox.stats()["requests"], total)
        stats, expected = sandbox.stats(), sandbox.counts()
        if not show_rows(pipeline.rows(), expected):
            raise Failed(f"The rows differ from those of the API. See {pipeline.shown('log')}.")
        _say_what_was_read(pipeline, parameters, stats, seconds)
        _say(f"The rows are in {pipeline.shown('duckdb')}, schema sumeru.")
        if marts:
            pipeline.marts("--sample")
        write_back(pipeline, sandbox, env)
    _say(
        "",
        "Next",
        "  make demo         reads only the changes",
        "  make demo-clean   removes these shops",
        "  your own shop     TAP_SUMERU_API_TOKEN=copt_live_... in .env (see .env.example), then make demo",
    )


def _read_real(pipeline: Pipeline, *, marts: bool) -> None:
    """Read the user's own shops, and build marts."""
    _say("Your own shops from the API, as configured in the environment and .env.")
    _say(f"Meltano runs tap-sumeru and target-duckdb. Log: {pipeline.shown('log')}.")
    seconds = pipeline.run(_inherited(), [])
    show_rows(pipeline.rows())
    records, requests = pipeline.logged_counts()
    _say(
        f"{records:,} records in {seconds:.0f} s, with {requests:,} requests.",
        f"The rows are in {pipeline.shown('duckdb')}, schema sumeru. `make demo` reads only the changes.",
    )
    if marts:
        pipeline.marts()


def main() -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, help=f"customers of each sample shop; default {CUSTOMERS:,}")
    parser.add_argument("--sample", action="store_true", help="use the sample shops even with a token")
    parser.add_argument("--no-marts", dest="marts", action="store_false", help="do not build marts with dbt")
    parser.add_argument("--output", type=Path, default=ROOT / "output", help="folder for all files")
    parser.add_argument("--uv", default=shutil.which("uv") or ".tools/bin/uv", help="path of uv")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have set it to be ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    folder = arguments.output.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if arguments.sample or not has_own_shops(ROOT / ".env"):
            _read_sample(Pipeline(folder, "demo", arguments.uv), arguments.customers, marts=arguments.marts)
        else:
            _read_real(Pipeline(folder, "real", arguments.uv), marts=arguments.marts)
    except Failed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next `make demo` continues from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
