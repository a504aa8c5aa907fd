"""The workflows and lock files: pinned actions, least permissions, and hashes for all packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = (ROOT / "requirements.lock", ROOT / "runtime.lock", ROOT / "build.lock")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
USES = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def jobs(path: Path) -> Iterator[dict[str, Any]]:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    yield from workflow["jobs"].values()


def test_the_workflows_are_ci_and_release() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "release"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_commit(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not USES.search(line)] == []


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    used = set(re.findall(r"uses: ([^@]+)@(\w+)", text))
    assert len(used) == len({action for action, _ in used})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_job_has_the_least_permissions_and_a_timeout(path: Path) -> None:
    for job in jobs(path):
        uses = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        publishes = "pypa/gh-action-pypi-publish" in uses
        assert job["permissions"] == ({"id-token": "write"} if publishes else {"contents": "read"})
        assert job["timeout-minutes"] <= 60
        if publishes:
            assert not any("run" in step for step in job["steps"])
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_ci_tests_every_supported_python() -> None:
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    promised = re.findall(
        r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text()
    )
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python-version"] == promised
    assert ci["jobs"]["next-sdk"]["continue-on-error"] is True


def pinned(lock: Path) -> dict[str, str]:
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    for line in lines:
        assert re.match(r"[a-z0-9.-]+(\[[\w,-]+\])?==", line), line
        assert "--hash=sha256:" in line, line
    return {line.split("==")[0]: line for line in lines}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_everything_is_locked_with_hashes(lock: Path) -> None:
    assert pinned(lock)


def test_the_runtime_lock_is_a_subset_of_the_tested_packages() -> None:
    everything, runtime, _ = (pinned(lock) for lock in LOCKS)
    assert runtime.keys() < everything.keys()
    assert not {"pytest", "uvicorn", "starlette", "ruff"} & runtime.keys()
    versions = [{line.split(" ")[0] for line in lock.values()} for lock in (runtime, everything)]
    assert {one.partition("[")[0] for one in versions[0]} <= {one.partition("[")[0] for one in versions[1]}


def test_the_build_backend_is_pinned_to_the_version_of_the_lock_file() -> None:
    (backend,) = PYPROJECT["build-system"]["requires"]
    assert pinned(ROOT / "build.lock")["hatchling"].startswith(f"{backend} ")
    assert backend in PYPROJECT["dependency-groups"]["build"]


def test_every_build_of_the_makefile_uses_the_lock_file_of_the_backend() -> None:
    builds = [line for line in MAKEFILE.splitlines() if re.search(r"\$\(UV\) build |--no-deps", line)]
    assert len(builds) == 3
    assert [line for line in builds if "--build-constraints build.lock" not in line] == []


def test_uv_and_the_tools_that_it_runs_are_pinned() -> None:
    assert re.search(r"^UV_VERSION := \d+\.\d+\.\d+$", MAKEFILE, re.MULTILINE)
    assert re.findall(r"pip install .*\buv\b\S*", MAKEFILE)[0].endswith("uv==$(UV_VERSION)")
    tools = re.findall(r"--(?:from|with) (\S+)", MAKEFILE)
    assert len(tools) == 3
    assert [tool for tool in tools if not re.fullmatch(r"[a-z-]+==[\d.]+", tool)] == []


def test_security_md_says_what_is_not_pinned() -> None:
    """No digest of the base image is known here; once the Dockerfile has one, the sentence must go."""
    text = " ".join((ROOT / "SECURITY.md").read_text(encoding="utf-8").split())
    follows_tag = (
        "@sha256" not in re.findall(r"^ARG PYTHON=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]
    )
    assert ("which follows the tag" in text) is follows_tag
    for lock in LOCKS:
        assert lock.name in text
