"""Environments with a version of Spark each, below `.cache`; the tap is installed in them as on a cluster."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEWEST, OLDEST = "4.3.0", "4.0.1"
PINS = {
    NEWEST: "pyspark[connect]==4.3.0 pyarrow==26.0.1 pandas==3.1.1 deltalake==1.6.6",
    OLDEST: "pyspark[connect]==4.0.1 pyarrow==21.0.0 pandas==2.2.3",
}
_MIN_JAVA, _MAX_JAVA = 17, 21
_PACKAGE = "openjdk-17-jre-headless"
_LOCK = ROOT / "runtime.lock"


def folder(version: str) -> Path:
    """Return the environment of a version of Spark."""
    return ROOT / ".cache" / "spark" / version


def python(version: str) -> Path:
    """Return the interpreter of an environment."""
    return folder(version) / "bin" / "python"


def spark_home(version: str) -> Path:
    """Return the folder of Spark itself."""
    (found,) = folder(version).glob("lib/python3.*/site-packages/pyspark")
    return found


def missing(version: str) -> str | None:
    """Return why the tests of a version of Spark cannot run, None if they can."""
    if not _has_java():
        return f"Java {_MIN_JAVA} is not installed: `make spark` does it for root, by apt-get"
    return None if _is_installed(version) else f"Spark {version} is not installed: `make spark` does it"


def install(version: str, uv: str) -> None:
    """Create the environment of a version of Spark, and install Java, unless they are there."""
    if not _has_java() and os.getuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in ("update", f"install --yes --no-install-recommends {_PACKAGE}"):
            subprocess.run(["apt-get", "--quiet", *step.split()], check=True, env=environment)  # noqa: S607 - the one on the PATH
    if _is_installed(version):
        return
    subprocess.run(
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder(version)], check=True
    )
    pip = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python(version))]
    subprocess.run([*pip, "--require-hashes", "--requirements", str(_LOCK)], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)
    subprocess.run([*pip, *PINS[version].split()], check=True)
    _stamp(version).write_text(_wanted(version), encoding="utf-8")


def _has_java() -> bool:
    if not shutil.which("java"):
        return False
    shown = subprocess.run(["java", "-version"], capture_output=True, check=False, text=True).stderr  # noqa: S607 - the one on the PATH
    major = re.search(r'version "(\d+)', shown)
    return major is not None and _MIN_JAVA <= int(major[1]) <= _MAX_JAVA


def _is_installed(version: str) -> bool:
    stamp = _stamp(version)
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _wanted(version)


def _stamp(version: str) -> Path:
    return folder(version) / "installed"


def _wanted(version: str) -> str:
    return f"{PINS[version]} {hashlib.sha256(_LOCK.read_bytes()).hexdigest()}"
