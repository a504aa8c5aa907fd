"""A `meltano` that notes how it was called, for what needs no sync."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schedulers.project import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = """#!{python}
import json, os, pathlib, sys, time
note = {"arguments": sys.argv[1:], "folder": os.getcwd()}
note |= {name: os.environ.get(name) for name in ("MELTANO_SYS_DIR_ROOT", "TAP_SUMERU_SHARD")}
with pathlib.Path("{notes}").open("a") as notes:
    notes.write(json.dumps(note) + "\\n")
while pathlib.Path("{block}").exists():
    time.sleep(0.02)
sys.exit(int(os.environ.get("CODE", "0")))
"""


@dataclass
class FakeMeltano:
    """A project with the files of `deploy/`, in which `meltano` is such a program.

    Attributes:
        folder: The project.
    """

    folder: Path

    def __post_init__(self) -> None:
        shutil.copytree(DEPLOY, self.folder / "deploy")
        programs = self.folder / "bin"
        programs.mkdir()
        meltano = programs / "meltano"
        script = _SCRIPT
        for name, value in (("python", sys.executable), ("notes", self._notes), ("block", self.block)):
            script = script.replace(f"{{{name}}}", str(value))
        meltano.write_text(script, encoding="utf-8")
        meltano.chmod(0o755)

    @property
    def block(self) -> Path:
        """A file; as long as it exists, no call ends."""
        return self.folder / "block"

    @property
    def _notes(self) -> Path:
        return self.folder / "calls"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was called, in order."""
        if not self._notes.exists():
            return []
        return [json.loads(line) for line in self._notes.read_text(encoding="utf-8").splitlines()]

    def env(self, **more: str) -> dict[str, str]:
        """Return an environment in which this `meltano` comes first."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MELTANO_")}
        return {**kept, "PATH": f"{self.folder / 'bin'}:{kept['PATH']}", **more}

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start a command in the project, in a session of its own."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env(**env),
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, **env: str) -> tuple[int, str]:
        """Run a command in the project; return its exit code and what it prints to stderr."""
        process = self.start(*command, **env)
        _, log = process.communicate(timeout=60)
        return process.returncode, log
