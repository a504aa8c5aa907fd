"""docs/operations.md: its settings are valid, its plans are those of the sandbox, its recipes can be read."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from sumeru_sandbox import Sandbox
from sumeru_sandbox.server.accounts import PLANS
from tap_sumeru.config.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
OPTIONS = re.findall(r"^\| .+ \| `(\{\".+\})` \|$", PAGE, re.MULTILINE)
SWITCHES = re.findall(r"`PATCH /_sandbox/settings` with `(\{.+\})` \|$", PAGE, re.MULTILINE)
_MINUTES = {"seconds": 1 / 60, "minutes": 1, "hours": 60}


def _blocks(language: str, text: str = PAGE) -> list[str]:
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    return blocks


@pytest.mark.parametrize("options", OPTIONS)
def test_an_example_of_stream_options_is_valid(options: str) -> None:
    Settings.from_config(
        {"api_token": "copt_test_token", "stream_options": json.loads(options)}, datetime.now(UTC)
    )


def test_the_examples_of_shops_are_valid() -> None:
    for block in _blocks("json"):
        shops = json.loads(block.replace("…", "x", 1).replace("…", "y", 1))
        assert len(Settings.from_config({"shops": shops}, datetime.now(UTC)).shops) == len(shops)


def test_the_switches_of_the_sandbox_exist() -> None:
    assert SWITCHES
    with Sandbox(["acme"], customers=100) as sandbox:
        for switches in SWITCHES:
            sandbox.configure(json.loads(switches))


def test_the_duration_of_a_first_sync_follows_from_the_limit() -> None:
    rows = re.findall(r"^\| (\w+) \| ([\d,]+) \| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert {plan.lower() for plan, *_ in rows} == PLANS.keys() - {"enterprise"}
    for plan, limit, *durations in rows:
        assert int(limit.replace(",", "")) == PLANS[plan.lower()]
        for shown, requests in zip(durations, (1_000, 10_000, 100_000), strict=True):
            number, unit = shown.split()
            minutes = requests / PLANS[plan.lower()]
            assert float(number) * _MINUTES[unit] == pytest.approx(minutes, rel=0.04)


def test_the_recipes_can_be_read() -> None:
    for block in _blocks("python"):
        compile(block, "recipe", "exec")
    for block in _blocks("yaml"):
        assert yaml.safe_load(block)
    for block in _blocks("sh", (DOCS / "shards.md").read_text(encoding="utf-8")):
        subprocess.run(["sh", "-n"], input=block, text=True, check=True)  # noqa: S607 - any shell
