"""The targets as `meltano.yml` pins them, each in an environment of its own below `.cache`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable if sys.version_info < (3, 14) else "3.13"
"""The pinned duckdb has no build for 3.14."""

_NONE = "no Python"
_PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
_LOADERS = {loader["name"]: loader for loader in _PROJECT["plugins"]["loaders"]}
_EXTRACTORS = {one["name"]: one["pip_url"] for one in _PROJECT["plugins"]["extractors"]}
SERVERS = {
    # Newer connectors of Snowflake lack modules that this fakesnow imports.
    "fakesnow": "fakesnow[server]==0.12.1 snowflake-connector-python==4.8.1",
    # It needs numpy without saying so, and does not work with the newest DuckDB, which it would take.
    "bqemulator": "bqemulator==1.4.0 duckdb==1.5.5 numpy",
    "moto": "moto[s3]==5.2.5 flask==3.1.3 flask-cors==6.0.5",
}
"""What stands in for a warehouse in the cloud."""
STANDS_IN = {"target-snowflake": "fakesnow", "target-bigquery": "bqemulator", "plinxore-target-s3": "moto"}
"""Which of them a target loads into."""
OTHERS = {
    "pipelinewise-target-postgres": "pipelinewise-target-postgres==2.1.2",
    "target-sqlite": "target-sqlite==0.2.0",
    "meltanolabs-target-csv": "meltanolabs-target-csv==0.5.0",
    "plinxore-target-s3": "plinxore-target-s3==0.1.7",
}
"""Loaders that `meltano.yml` does not have, each with a program that is named from `target` on."""
MELTANO = "meltano==4.4.1"
SCHEDULERS = {
    "airflow": "apache-airflow==3.3.2",
    "dagster": "dagster==1.13.29",
    "kubernetes-validate": "kubernetes-validate==1.37.0",
}
"""What the tests of `deploy/` run."""
PINS: dict[str, str] = (
    {name: loader["pip_url"] for name, loader in _LOADERS.items()}
    | OTHERS
    | SERVERS
    | SCHEDULERS
    | {"meltano": MELTANO, "tap-postgres": _EXTRACTORS["tap-postgres"]}
)


def program(target: str, name: str = "") -> Path:
    """A program of a target's environment; without a name the target itself."""
    return _environment(target) / "bin" / (name or target[max(target.find("target-"), 0) :])


def defaults(target: str) -> dict[str, Any]:
    """The settings that a target has from `meltano.yml`, but for those that name a folder of Meltano's."""
    values = {setting["name"]: setting.get("value") for setting in _LOADERS[target]["settings"]}
    return {name: value for name, value in values.items() if value is not None and "$" not in str(value)}


def settings(target: str) -> set[str]:
    """The names of a target's settings."""
    return {setting["name"] for setting in _LOADERS.get(target, {"settings": ()})["settings"]}


def missing(target: str) -> str | None:
    """Why a target cannot be run, if it cannot."""
    if _stamped(target) == PINS[target]:
        return None
    if without_python(target):
        return f"{PINS[target]} needs Python {_python(target)}, which is not here and cannot be downloaded"
    return f"{PINS[target]} is not installed: `make warehouses` does it"


def without_python(target: str) -> bool:
    """Whether `install` has found no Python for a target, or for what it needs: nobody here can mend that."""
    return _NONE in {_stamped(one) for one in (target, STANDS_IN.get(target, target))}


def install(target: str, uv: str) -> None:
    """Make the environment of a target, unless it is there."""
    if _stamped(target) == PINS[target]:
        return
    environment, version = _environment(target), _python(target)
    environment.parent.mkdir(parents=True, exist_ok=True)
    made = subprocess.run([uv, "venv", "--quiet", "--clear", "--python", version, environment], check=False)
    if made.returncode and subprocess.run([uv, "python", "find", "--quiet", version], check=False).returncode:
        environment.mkdir(exist_ok=True)
        (environment / "pip_url").write_text(_NONE, encoding="utf-8")
        return
    made.check_returncode()
    python = program(target, "python")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *PINS[target].split()],
        check=True,
    )
    (environment / "pip_url").write_text(PINS[target], encoding="utf-8")


def _python(target: str) -> str:
    if target in OTHERS:
        return "3.11"  # the newest for which all that they pin has been built
    wanted: str = _LOADERS.get(target, {}).get("python", PYTHON)
    return "3.11" if target in SERVERS and sys.version_info < (3, 11) else wanted


def _stamped(target: str) -> str:
    """What is installed."""
    stamp = _environment(target) / "pip_url"
    return stamp.read_text(encoding="utf-8") if stamp.exists() else ""


def _environment(target: str) -> Path:
    return ROOT / ".cache" / "targets" / target
