"""A file that fails, at any time, ends the run with one line that names it; nothing is lost or destroyed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.target_cli import Target, as_lines, state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json

FULL = Path("/dev/full")


def customers(sandbox: Sandbox) -> list[Json]:
    return [{"id": row["id"], "tags": ["a"]} for row in sandbox.truth("acme", "customers")]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_under_the_report_is_one_error(sandbox: Sandbox, target: Target) -> None:
    output = target.write("customers", customers(sandbox), report_path=str(FULL))
    assert (output.code, output.states) == (1, [])
    assert output.errors == ["report_path: cannot be written (No space left on device)."]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes")
def test_a_full_disk_under_the_rows_is_one_error(sandbox: Sandbox, target: Target) -> None:
    rows = [{"id": f"cus_{i}", "first_name": "x" * 300} for i in range(5000)]
    command = target.command(report_path=None)
    limited = ["bash", "-c", 'ulimit -f 64; trap "" XFSZ; exec "$@"', "limited", *command]
    lines = as_lines([*stream_of("customers", rows), state(1)])
    done = subprocess.run(
        limited, input=lines, capture_output=True, text=True, check=False, cwd=target.folder, timeout=120
    )
    assert (done.returncode, done.stdout, sandbox.stats()["requests"]) == (1, "", 0), done.stderr
    assert done.stderr.count("ERROR") == 1
    assert "The temporary folder cannot hold the rows." in done.stderr


def test_the_report_cannot_destroy_the_ledger(sandbox: Sandbox, target: Target) -> None:
    rows = customers(sandbox)
    assert target.write("customers", rows).code == 0
    output = target.write("customers", rows, report_path=str(target.folder / "." / "ledger.db"))
    assert (output.code, output.errors) == (
        1,
        ["report_path: is the file of `ledger_path`. Choose another path."],
    )
    assert f"{len(rows)} unchanged." in target.write("customers", rows).log


def test_a_second_run_at_the_same_time_keeps_the_report_of_the_first(
    sandbox: Sandbox, target: Target
) -> None:
    rows = customers(sandbox)
    assert target.write("customers", rows).code == 0
    report = target.report()
    code = "import sys; from target_sumeru.ledger import Ledger; l = Ledger(sys.argv[1]); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target.ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        output = target.write("customers", rows)
        other.communicate(b"\n")
    assert output.code == 1
    assert output.errors[0].startswith("ledger_path: is in use by another run.")
    assert target.report() == report != []


def test_a_damaged_ledger_is_one_error(sandbox: Sandbox, target: Target) -> None:
    rows = [{"id": f"cus_{i}", "tags": ["a"]} for i in range(800)]
    target.write("customers", [*customers(sandbox), *rows], max_rejected_share=1)
    content = bytearray(target.ledger.read_bytes())
    page = 4096
    content[page:] = bytes(len(content) - page)
    target.ledger.write_bytes(content)
    output = target.write("customers", rows)
    assert (output.code, output.states) == (1, [])
    assert len(output.errors) == 1
    assert output.errors[0].startswith("ledger_path: is damaged."), output.log


@pytest.mark.skipif(os.name == "nt", reason="Windows has no shell that closes an output")
@pytest.mark.parametrize(("closed", "message"), [("<&-", "stdin is closed."), (">&-", "stdout is closed")])
def test_a_closed_input_or_output_is_one_error(
    sandbox: Sandbox, target: Target, closed: str, message: str
) -> None:
    lines = as_lines([*stream_of("customers", customers(sandbox)[:1]), state(1)])
    command = ["bash", "-c", f'exec "$@" {closed}', "closed", *target.command()]
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=False, cwd=target.folder, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.count("ERROR") == 1
    assert message in done.stderr, done.stderr


def test_a_ledger_that_two_shops_share_under_one_name_is_a_warning(
    shops: Sandbox, targets: Target, tmp_path: Path
) -> None:
    """The API does not say which shop a token belongs to, so the same is said after a rotation."""
    warning = "Shop default: the last run with this ledger used another token."
    one = [{"external_id": "chair", "title": "Chair 7001"}]

    def run(shop: str, *options: str) -> str:
        config = {"api_url": shops.url, "api_token": shops.token(shop)}
        return Target(tmp_path, config).write("products", one, *options).log

    first = shops.token("acme")
    targets.config = {"api_url": shops.url, "api_token": first}
    assert warning not in targets.write("products", one).log
    assert warning not in targets.write("products", one).log
    assert warning in run("globex", "--plan")
    assert warning in run("globex")
    assert warning in targets.write("products", one).log
    assert first.encode() not in targets.ledger.read_bytes()
