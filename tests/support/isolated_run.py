"""A run of the tap with every logger at its loudest, in folders that show what the run writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.canary_api import CANARIES, token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.canary_api import CanaryApi

# Every logger at DEBUG, those of the libraries by name, each line with all of its fields.
LOUD = """
version: 1
disable_existing_loggers: false
formatters:
  structured: {(): singer_sdk.logging.StructuredFormatter}
  console: {(): singer_sdk.logging.ConsoleFormatter}
handlers:
  structured: {class: logging.StreamHandler, formatter: structured, stream: ext://sys.stderr}
  console: {class: logging.StreamHandler, formatter: console, stream: ext://sys.stderr}
root: {level: DEBUG, handlers: [structured, console]}
loggers:
  urllib3: {level: DEBUG}
  urllib3.connectionpool: {level: DEBUG}
  singer_sdk.mapper: {level: DEBUG}
"""


@dataclass
class IsolatedRun:
    """A run with two folders: one for its input, one for everything that it may write.

    Attributes:
        given: Config, catalog and other input files.
        open: Working directory, home and temporary folder.
    """

    given: Path
    open: Path

    def run(
        self, *options: str, config: Mapping[str, Any] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the tap to its end."""
        command, env = self.command(*options, config=config, **environment)
        return subprocess.run(
            command, env=env, cwd=self.open / "cwd", capture_output=True, text=True, check=False, timeout=120
        )

    def command(
        self, *options: str, config: Mapping[str, Any] | None = None, **environment: str
    ) -> tuple[list[str], dict[str, str]]:
        """Return a command and its environment."""
        for name in ("cwd", "home", "tmp"):
            (self.open / name).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tap_sumeru", *options]
        if config is not None:
            command += ["--config", self.file("config.json", json.dumps(config))]
        folders = {"HOME": str(self.open / "home"), "TMPDIR": str(self.open / "tmp")}
        loud = {"LOGLEVEL": "DEBUG", "TAP_SUMERU_LOGLEVEL": "DEBUG"}
        loud["SINGER_SDK_LOG_CONFIG"] = self.file("log.yml", LOUD)
        return command, {**os.environ, **folders, **loud, **environment}

    def file(self, name: str, text: str) -> str:
        """Write an input file and return its path."""
        self.given.mkdir(exist_ok=True)
        path = self.given / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def left_behind(self) -> str:
        """Return the names and contents of all files that the run wrote."""
        files = [path for path in self.open.rglob("*") if path.is_file()]
        return "".join(f"{path} {path.read_bytes()!r}\n" for path in files)


def without_records(stdout: str) -> str:
    """Return the messages of stdout without records, and without the cursors and parent ids of a STATE."""
    lines = []
    for line in stdout.splitlines():
        if not line.startswith('{"type"'):
            lines.append(line)  # of a report
            continue
        message = json.loads(line)
        for stream in message.get("value", {}).get("bookmarks", {}).values():
            for entry in stream["partitions"]:
                entry.get("reading", {}).pop("cursor", None)
                entry.get("reading", {}).pop("after", None)
        lines += [] if message["type"] == "RECORD" else [json.dumps(message)]
    return "\n".join(lines)


def assert_private(*texts: str) -> None:
    """Assert that no text holds a canary or a traceback."""
    for text in texts:
        for line in text.splitlines():
            assert not [one for one in CANARIES if one in line.lower()], line
        assert "Traceback" not in text


def config_of(api: CanaryApi, situation: str = "good", **more: Any) -> dict[str, Any]:
    """Return the config of the shop in a situation."""
    return {"api_url": api.url, "api_token": token(situation), "max_retries": 0, **more}
