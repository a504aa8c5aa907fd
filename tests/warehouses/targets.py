"""The targets as `meltano.yml` pins them, each in an environment of its own below `.cache`.

`python tests/warehouses/targets.py UV` makes them.
"""

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
_PINS = {loader["name"]: str(loader["pip_url"]) for loader in _PROJECT["plugins"]["loaders"]}
NAMES = tuple(_PINS)


def program(target: str, name: str = "") -> Path:
    """A program of a target's environment; without a name the target itself."""
    return _environment(target) / "bin" / (name or target)


def missing(target: str) -> str | None:
    """Why a target cannot be run, if it cannot."""
    stamp = _environment(target) / "pip_url"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != _PINS[target]:
        return f"{_PINS[target]} is not installed: `make test-warehouses` does it"
    return None


def install(target: str, uv: str) -> None:
    """Make the environment of a target, unless it is there."""
    if missing(target) is None:
        return
    environment = _environment(target)
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", PYTHON, environment], check=True)
    python = program(target, "python")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *_PINS[target].split()],
        check=True,
    )
    (environment / "pip_url").write_text(_PINS[target], encoding="utf-8")


def _environment(target: str) -> Path:
    return ROOT / ".cache" / "targets" / target


if __name__ == "__main__":
    for one in NAMES:
        install(one, sys.argv[1])
