"""The Dockerfile: it copies all that the tap needs and no secrets, and runs as an unprivileged user."""

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


def arguments_of(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def in_context(path: str) -> bool:
    """Return whether a top-level path is in the build context: the last matching line decides."""
    matching = [line for line in IGNORED if fnmatch(path, line.removeprefix("!"))]
    return not matching or matching[-1].startswith("!")


def test_both_stages_use_the_same_slim_python_which_ci_tests() -> None:
    assert {base.split()[0] for base in arguments_of("FROM")} == {"$PYTHON"}
    (argument,) = arguments_of("ARG")
    python = re.fullmatch(r"PYTHON=python:(3\.\d+)-slim(@sha256:[0-9a-f]{64})?", argument)
    assert python
    assert f'"{python[1]}"' in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_it_runs_the_tap_as_an_unprivileged_user() -> None:
    assert INSTRUCTIONS[-1] == ["ENTRYPOINT", '["/opt/tap/bin/tap-sumeru"]']
    (user,) = arguments_of("USER")
    assert int(user.partition(":")[0]) > 0


def test_packages_are_installed_with_hashes_and_without_cache() -> None:
    installs = [command for command in arguments_of("RUN") if " install " in command]
    assert len(installs) == 2
    pips = [
        command
        for run in installs
        for command in run.split("&&")
        if re.search(r"pip\b.* (install|wheel) ", command)
    ]
    assert len(pips) == 4
    assert all("--no-cache-dir" in command for command in pips)
    assert "--require-hashes -r build.lock" in installs[0]
    assert "--require-hashes -r runtime.lock" in installs[0]
    assert "--no-build-isolation --no-deps" in installs[1]
    assert "--no-deps /dist/*.whl" in installs[1]


def test_the_build_context_holds_only_the_copied_files() -> None:
    assert COPIED
    assert {path for path in COPIED if in_context(path)} == set(COPIED)
    others = {path.name for path in ROOT.iterdir()} - set(COPIED) | {".env", "config.json", "state.json"}
    assert {path for path in others if in_context(path)} == set()


@pytest.mark.timeout(120)
def test_the_copied_files_are_enough_to_install_the_tap(tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    source.mkdir()
    for path in COPIED:
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, source / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, source / path)
    install = [UV, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*install, "--target", str(site), str(source)], check=True)
    program = "from tap_sumeru.catalog import stream_schemas as s; print(s.__file__, *s.load('orders'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        text=True,
    )
    assert done.stdout.startswith(str(site))
    assert "properties" in done.stdout
