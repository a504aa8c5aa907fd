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

_PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
_LOADERS = {loader["name"]: loader for loader in _PROJECT["plugins"]["loaders"]}
SERVERS = {
    # Newer connectors of Snowflake lack modules that this fakesnow imports.
    "fakesnow": "fakesnow[server]==0.12.1 snowflake-connector-python==4.8.1",
    # It needs numpy without saying so, and does not work with the newest DuckDB, which it would take.
    "bqemulator": "bqemulator==1.4.0 duckdb==1.5.5 numpy",
}
"""What stands in for a warehouse in the cloud."""
PINS: dict[str, str] = {name: loader["pip_url"] for name, loader in _LOADERS.items()} | SERVERS


def program(target: str, name: str = "") -> Path:
    """A program of a target's environment; without a name the target itself."""
    return _environment(target) / "bin" / (name or target)


def defaults(target: str) -> dict[str, Any]:
    """The settings that a target has from `meltano.yml`, but for those that name a folder of Meltano's."""
    values = {setting["name"]: setting.get("value") for setting in _LOADERS[target]["settings"]}
    return {name: value for name, value in values.items() if value is not None and "$" not in str(value)}


def missing(target: str) -> str | None:
    """Why a target cannot be run, if it cannot."""
    stamp = _environment(target) / "pip_url"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != PINS[target]:
        return f"{PINS[target]} is not installed: `make warehouses` does it"
    return None


def install(target: str, uv: str) -> None:
    """Make the environment of a target, unless it is there."""
    if missing(target) is None:
        return
    environment = _environment(target)
    version = "3.11" if target in SERVERS else _LOADERS[target].get("python", PYTHON)
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", version, environment], check=True)
    python = program(target, "python")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *PINS[target].split()],
        check=True,
    )
    (environment / "pip_url").write_text(PINS[target], encoding="utf-8")


def _environment(target: str) -> Path:
    return ROOT / ".cache" / "targets" / target
