"""The environments of the peers, pinned in `peers/*.txt` and installed below .cache/bench/."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "bench"
PEERS = Path(__file__).parent / "peers"


def python(name: str, uv: str) -> Path:
    """Return the interpreter of an environment; install it if it is missing or its pins have changed."""
    pins = PEERS / f"{name}.txt"
    folder = CACHE / "envs" / name
    stamp = folder / ".installed"
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        print(f"installing {name} ({_pinned(pins)[0]})", flush=True)
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", folder, "-r", pins],
            check=True,
        )
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
