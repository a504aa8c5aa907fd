"""`--check` and `--estimate` show a progress bar where a person watches, and only there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.terminal import on_a_terminal

if TYPE_CHECKING:
    from support.tap_cli import Tap


@pytest.mark.parametrize(("option", "label"), [("--check", "Checking"), ("--estimate", "Estimating")])
def test_a_bar_is_shown_on_a_terminal_beside_the_report(many: Tap, option: str, label: str) -> None:
    command = [*many.command(), option, "--format", "json"]
    watched = on_a_terminal(command, many.folder)
    assert watched.code == 0, watched.shown
    assert f"{label}  [" in watched.shown
    assert "100%" in watched.shown
    assert len(json.loads(watched.output)["shops"]) == 3
    unwatched = many.run_text(command)
    assert label not in unwatched.stdout + unwatched.stderr
