"""The workflows and lock files: pinned actions, least permissions, and hashes for all packages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = (ROOT / "requirements.lock", ROOT / "runtime.lock")
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
    everything, runtime = (pinned(lock) for lock in LOCKS)
    assert runtime.keys() < everything.keys()
    assert not {"pytest", "uvicorn", "starlette", "ruff"} & runtime.keys()
    versions = [{line.split(" ")[0] for line in lock.values()} for lock in (runtime, everything)]
    assert {one.partition("[")[0] for one in versions[0]} <= {one.partition("[")[0] for one in versions[1]}
