"""The environments of this tap and of its peers (pinned in `peers/*.txt`), installed below .cache/bench/."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "bench"
PEERS = Path(__file__).parent / "peers"


def python(name: str, uv: str) -> Path:
    """Return the interpreter of an environment; install it if it is missing or its pins have changed."""
    pins = PEERS / f"{name}.txt"
    return _installed(name, uv, _pinned(pins)[0], pins.read_bytes(), [["-r", str(pins)]])


def tap(uv: str) -> Path:
    """Return the interpreter of this tap's environment: it holds what a user installs, and no more."""
    lock = ROOT / "runtime.lock"
    packages = ["--require-hashes", "-r", str(lock)]
    itself = ["--no-deps", "--build-constraints", str(ROOT / "build.lock"), "-e", str(ROOT)]
    pins = lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return _installed("tap", uv, "tap-sumeru", pins, [packages, itself])


def _installed(name: str, uv: str, what: str, pins: bytes, steps: Sequence[Sequence[str]]) -> Path:
    folder = CACHE / "envs" / name
    stamp = folder / ".installed"
    digest = hashlib.sha256(pins + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        print(f"installing {what}", flush=True)
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder)]
        for arguments in steps:
            subprocess.run([*install, *arguments], check=True)
        stamp.write_text(digest, encoding="utf-8")
    return folder / "bin" / "python"


def _pinned(pins: Path) -> list[str]:
    """Return the packages that an environment is for, from the first line of its pins."""
    names = pins.read_text(encoding="utf-8").splitlines()[0]
    return re.findall(r"[a-z][\w-]*(?:\[\w+\])?(?:==[\w.]+)?", names.partition(",")[0])


def versions() -> dict[str, str]:
    """Return the version of each package that the peers are built on."""
    found = {}
    for pins in sorted(PEERS.glob("*.txt")):
        text = pins.read_text(encoding="utf-8")
        for package in _pinned(pins):
            name = re.split(r"[\[=]", package)[0]
            version = re.search(rf"^{re.escape(name)}==(\S+)", text, re.MULTILINE)
            found[name] = version[1] if version else "?"
    return found
