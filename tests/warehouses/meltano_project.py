"""`meltano.yml` in a folder of a test, with the programs that are installed already."""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from support.tap_cli import Tap
from warehouses import targets
from warehouses.conftest import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warehouses.warehouse import Json, Warehouse

PATIENCE = 300
"""Seconds that a run may take, on a machine that has much else to do."""
_OWN = re.compile("(MELTANO|TAP|TARGET)_")


@dataclass
class Project:
    """A project of Meltano.

    Attributes:
        folder: Where it is.
        warehouse: Where its loader loads into.
        tap: Settings of its extractor, from the environment.
    """

    folder: Path
    warehouse: Warehouse
    tap: dict[str, str]

    def __post_init__(self) -> None:
        text = (targets.ROOT / "meltano.yml").read_text(encoding="utf-8")
        project: Json = yaml.safe_load(text)
        plugins = project["plugins"]
        plugins["extractors"] = [one for one in plugins["extractors"] if one["name"] == "tap-sumeru"]
        loaders = [one for one in plugins["loaders"] if one["name"] == self.warehouse.target]
        plugins["loaders"] = loaders
        programs = [targets.ROOT / ".venv" / "bin" / "tap-sumeru", targets.program(self.warehouse.target)]
        for plugin, program in zip((*plugins["extractors"], *loaders), programs, strict=True):
            plugin.pop("pip_url")
            plugin.pop("python", None)
            plugin["executable"] = str(program)
        (self.folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")

    @property
    def schema(self) -> str:
        """Schema of the tables: each test has its own."""
        return re.sub(r"\W", "_", f"by_meltano_{self.folder.name[-30:]}".lower())

    def configure(self, **settings: Any) -> None:
        """Set settings of the extractor in `meltano.yml`."""
        path = self.folder / "meltano.yml"
        project: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
        project["plugins"]["extractors"][0]["config"] = settings
        path.write_text(yaml.safe_dump(project), encoding="utf-8")

    def meltano(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Meltano that selects all streams."""
        environment = {**self.environment("*"), **variables}
        command = [str(targets.program("meltano")), *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=PATIENCE,
        )

    @contextmanager
    def running(self, *streams: str, command: str = "run --force") -> Iterator[subprocess.Popen[bytes]]:
        """Have Meltano run the tap into the target."""
        with (
            (self.folder / "log").open("wb") as log,
            subprocess.Popen(
                [targets.program("meltano"), *command.split(), "tap-sumeru", self.warehouse.target],
                cwd=self.folder,
                env=self.environment(*streams),
                start_new_session=True,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            yield process

    def run(self, *streams: str, command: str = "run --force") -> int:
        """Run to the end; return how many records the tap sent."""
        with self.running(*streams, command=command) as process:
            code = process.wait(PATIENCE)
        assert code == 0, self.log()
        return int(re.findall(r"Sync done: (\d+) records?", self.log())[-1])

    def log(self) -> str:
        """Return the log of the last run."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def catalog(self) -> Json:
        """Return the catalog of the last run."""
        path = self.folder / ".meltano" / "run" / "tap-sumeru" / "tap.properties.json"
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def pipeline(self) -> Pipeline:
        """The way to the rows."""
        return Pipeline(Tap(self.folder, {}), self.warehouse, self.schema)

    def environment(self, *streams: str) -> dict[str, str]:
        """Return the environment of a run of these streams."""
        prefix = self.warehouse.target.replace("-", "_").upper()
        config = self.warehouse.config(self.schema)
        return {
            **{name: value for name, value in os.environ.items() if not _OWN.match(name)},
            **self.warehouse.environment,
            **{f"{prefix}_{name}".upper(): _text(value) for name, value in config.items()},
            **self.tap,
            "TAP_SUMERU__SELECT": json.dumps([f"{stream}.*" for stream in streams]),
            "NO_COLOR": "1",
        }


def reading(url: str, token: str, **more: str) -> dict[str, str]:
    """Return settings of an extractor that reads the shop acme."""
    given = {"api_url": url, "api_token": token, "shop": "acme", **more}
    return {f"TAP_SUMERU_{name.upper()}": value for name, value in given.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
