"""The mistakes of the first hour: each is named in one line, as docs/troubleshooting.md has it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from support.hanging_host import refusing_url
from support.mistakes import MISTAKES, WORKS, Mistake
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
_ROW = re.compile(r"^\| (.+?) \| (\d) \| `{1,2} ?(.+?) ?`{1,2} \|$", re.MULTILINE)
STREAM = "campaigns"


def documented() -> dict[str, tuple[int, str]]:
    """Return the exit code and the line of each mistake, as the page has them."""
    table = (
        PAGE.read_text(encoding="utf-8").partition("<!-- mistakes -->")[2].partition("<!-- /mistakes -->")[0]
    )
    return {mistake: (int(code), line) for mistake, code, line in _ROW.findall(table)}


class Runs:
    """Runs the command line with mistakes.

    Args:
        sandbox: The API.
        folder: The working directory.
    """

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        token = sandbox.token("acme")
        self._tap = Tap(folder, {"api_url": sandbox.url, "api_token": token, "shop": "acme"})
        closed = refusing_url()
        self._values = {
            "{api}": sandbox.url,
            "{port}": sandbox.url.removeprefix("http://"),
            "http://{closed}": closed,
            "{closed}": closed,
            "{token}": token,
        }

    def run(self, mistake: Mistake) -> tuple[int, list[str]]:
        """Return the exit code, and the lines of the log that are neither INFO nor DEBUG."""
        command = self._tap.command(streams=(STREAM,), **self._filled(mistake.config))
        files = {"config": command[4], "catalog": command[6], **self._written(mistake)}
        options = [f"--{name}={path}" for name, path in files.items() if name not in mistake.without]
        line = shlex.join([*command[:3], *options, *mistake.options])
        done = subprocess.run(
            ["bash", "-c", f"{line} {mistake.pipe}"],  # noqa: S607 - any that is installed
            capture_output=True,
            text=True,
            check=False,
            cwd=self._tap.folder,
            timeout=120,
            env={**os.environ, **self._filled(mistake.variables)},
        )
        log = [one.split(" | ") for one in done.stderr.splitlines()]
        shown = [one[-1].strip() for one in log if len(one) == 1 or one[1].strip() in ("ERROR", "WARNING")]
        return done.returncode, shown

    def _filled(self, content: Any) -> Any:
        """Return content with the values that the placeholders stand for."""
        text = json.dumps(content)
        for name, value in self._values.items():
            text = text.replace(name, value)
        return json.loads(text)

    def _written(self, mistake: Mistake) -> dict[str, str]:
        """Write the files of a mistake; return their paths."""
        paths = {}
        for name, content in mistake.files.items():
            path = self._tap.folder / f"wrong_{name}"
            path.write_text(content.replace("{config}", json.dumps(self._tap.config)), encoding="utf-8")
            paths[name] = str(path)
        return paths


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for all mistakes."""
    with Sandbox(["acme"], customers=100) as running:
        yield running


@pytest.fixture
def runs(sandbox: Sandbox, tmp_path: Path) -> Runs:
    """Run the command line in a folder of its own."""
    return Runs(sandbox, tmp_path)


def test_the_page_has_every_mistake() -> None:
    assert list(documented()) == list(MISTAKES)
    assert len(MISTAKES) > 30


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_in_one_line(runs: Runs, mistake: str) -> None:
    code, line = documented()[mistake]
    pattern = re.compile(".+".join(re.escape(part) for part in line.split("…")))
    ended, shown = runs.run(MISTAKES[mistake])
    assert ended == code, shown
    assert [one for one in shown if pattern.fullmatch(one)], shown


@pytest.mark.parametrize("name", WORKS)
def test_what_is_almost_right_works(runs: Runs, name: str) -> None:
    assert runs.run(WORKS[name]) == (0, [])
