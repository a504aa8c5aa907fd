"""The manifest of `deploy/`: valid, one pod for each shard, no overlap; and what its image is made of."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from schedulers.fake_meltano import FakeMeltano
from schedulers.project import DEPLOY, ROOT, validated
from warehouses import targets

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = DEPLOY / "kubernetes"
MANIFEST = FOLDER / "cronjob.yaml"
TEXT = MANIFEST.read_text(encoding="utf-8")
CRON_JOB: dict[str, Any] = yaml.safe_load(TEXT)
JOB: dict[str, Any] = CRON_JOB["spec"]["jobTemplate"]["spec"]
POD: dict[str, Any] = JOB["template"]["spec"]
(CONTAINER,) = POD["containers"]
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")


def validate(manifest: Path) -> subprocess.CompletedProcess[str]:
    """Validate a manifest with the schemas of the oldest version that it names; no key may be unknown."""
    (version,) = re.findall(r"^# Needs Kubernetes (\d\.\d+) or newer", TEXT, re.MULTILINE)
    program = targets.program("kubernetes-validate", "kubernetes-validate")
    command = [program, "--strict", "-k", version, manifest]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@validated
def test_the_manifest_is_valid() -> None:
    done = validate(MANIFEST)
    assert done.returncode == 0, done.stdout + done.stderr


@validated
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("backoffLimitPerIndex", "backoffLimitPerShard"),
        ("completions: 4", "completions: four"),
        ("restartPolicy", "restart"),
        ("- type: DisruptionTarget", "- kind: DisruptionTarget"),
    ],
)
def test_a_mistake_in_it_would_be_found(tmp_path: Path, old: str, new: str) -> None:
    assert old in TEXT
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TEXT.replace(old, new), encoding="utf-8")
    assert validate(wrong).returncode != 0


def test_each_pod_syncs_the_shard_of_its_index(tmp_path: Path) -> None:
    meltano = FakeMeltano(tmp_path)
    env = {one["name"]: one["value"] for one in CONTAINER["env"]}
    for index in range(JOB["completions"]):
        command = [*CONTAINER["command"], *CONTAINER["args"]]
        assert meltano.run(*command, **env, JOB_COMPLETION_INDEX=str(index)) == (0, "")
    numbers = range(1, JOB["completions"] + 1)
    assert [call["TAP_SUMERU_SHARD"] for call in meltano.calls] == [f"{i}/{len(numbers)}" for i in numbers]
    suffixes = [call["arguments"][call["arguments"].index("--state-id-suffix") + 1] for call in meltano.calls]
    assert suffixes == [f"shard-{i}" for i in numbers]


def test_no_run_overlaps_another_and_a_shard_is_retried_alone() -> None:
    assert CRON_JOB["spec"]["concurrencyPolicy"] == "Forbid"
    assert (JOB["completionMode"], POD["restartPolicy"]) == ("Indexed", "Never")
    assert JOB["backoffLimitPerIndex"] > 0
    assert "backoffLimit" not in JOB
    # Otherwise a new pod of a shard could start while the old one is still writing.
    assert JOB["podReplacementPolicy"] == "Failed"


def test_tokens_come_from_secrets_which_the_first_lines_create() -> None:
    created = re.findall(r"kubectl create secret generic (\S+) --from-(?:file|literal)=(\S+)", TEXT)
    (source,) = CONTAINER["envFrom"]
    (volume,) = POD["volumes"]
    assert [name for name, _ in created] == [volume["secret"]["secretName"], source["secretRef"]["name"]]
    (mount,) = CONTAINER["volumeMounts"]
    env = {one["name"]: one["value"] for one in CONTAINER["env"]}
    assert mount["name"] == volume["name"]
    assert env["TAP_SUMERU_SHOPS_FILE"] == f"{mount['mountPath']}/{created[0][1]}"
    assert created[1][1].startswith("MELTANO_STATE_BACKEND_URI=")
    assert env.keys() == {"SHARDS", "TAP_SUMERU_SHOPS_FILE"}


def test_the_image_has_the_tap_the_script_and_the_loader_for_the_user_of_the_pod() -> None:
    copied = {
        path for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for path in line.split()[:-1]
    }
    base = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    of_tap = {
        path for line in re.findall(r"^COPY ([^-].+)$", base, re.MULTILINE) for path in line.split()[:-1]
    }
    assert copied == {path for path in of_tap if not path.endswith(".lock")} | {
        "meltano.yml",
        "deploy/sync-shard",
    }
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]

    def in_context(path: str) -> bool:
        matching = [line for line in rules if fnmatch(path, line.removeprefix("!"))]
        return matching[-1].startswith("!")

    assert all(in_context(path.partition("/")[0]) for path in copied)
    others = {path.name for path in ROOT.iterdir()} - {path.partition("/")[0] for path in copied}
    assert not any(in_context(path) for path in others | {".env", "shops.json"})
    user = POD["securityContext"]
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == [
        f"{user['runAsUser']}:{user['runAsGroup']}"
    ]
    assert f"chown -R {user['runAsUser']}:{user['runAsGroup']} .meltano" in DOCKERFILE
    (script,) = CONTAINER["args"]
    (installs,) = re.findall(r"meltano install (.+) &&", DOCKERFILE)
    assert installs.split() == ["tap-sumeru", script.split()[-1]]
    assert targets.MELTANO.replace("==", "[s3]==") in DOCKERFILE
    assert f"-t {CONTAINER['image']} " in DOCKERFILE
