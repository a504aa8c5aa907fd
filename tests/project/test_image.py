"""The Dockerfile: what it copies is enough for the tap, it runs as nobody, and no secret gets in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INSTRUCTIONS = [line.split(maxsplit=1) for line in TEXT.splitlines() if re.match(r"[A-Z]+ ", line)]
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
COPIED = [
    path
    for name, rest in INSTRUCTIONS
    if name == "COPY" and not rest.startswith("--from")
    for path in rest.split()[:-1]
]
UV = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")


def given(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def sent(path: str) -> bool:
    """Whether a path at the top is sent to the engine: the last line that fits it tells."""
    fitting = [line for line in IGNORED if fnmatch(path, line.removeprefix("!"))]
    return not fitting or fitting[-1].startswith("!")


def test_both_stages_are_of_the_same_small_python_that_ci_tries() -> None:
    bases = {base.split()[0] for base in given("FROM")}
    (python,) = (re.fullmatch(r"python:(3\.\d+)-slim", base) for base in bases)
    assert python
    assert f'"{python[1]}"' in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_it_runs_the_tap_as_a_user_without_rights() -> None:
    assert INSTRUCTIONS[-1] == ["ENTRYPOINT", '["/opt/tap/bin/tap-sumeru"]']
    (user,) = given("USER")
    assert int(user.partition(":")[0]) > 0


def test_all_that_is_installed_is_checked_and_nothing_is_cached() -> None:
    installs = [command for command in given("RUN") if " install " in command]
    assert len(installs) == 2
    assert all("--no-cache-dir" in command for command in installs)
    assert "--require-hashes -r runtime.lock" in installs[0]
    assert "--no-deps ." in installs[1]


def test_what_is_copied_is_sent_to_the_engine_and_nothing_else_is() -> None:
    assert COPIED
    assert {path for path in COPIED if sent(path)} == set(COPIED)
    others = {path.name for path in ROOT.iterdir()} - set(COPIED) | {".env", "config.json", "state.json"}
    assert {path for path in others if sent(path)} == set()


@pytest.mark.timeout(120)
def test_what_is_copied_is_enough_for_the_tap(tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    source.mkdir()
    for path in COPIED:
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, source / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, source / path)
    install = [UV, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*install, "--target", str(site), str(source)], check=True)
    shown = "from tap_sumeru.catalog import stream_schemas as s; print(s.__file__, *s.load('orders'))"
    done = subprocess.run(
        [sys.executable, "-c", shown],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        text=True,
    )
    assert done.stdout.startswith(str(site))
    assert "properties" in done.stdout
