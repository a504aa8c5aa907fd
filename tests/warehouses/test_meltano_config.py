"""What Meltano makes of the settings: `meltano config test`, and objects in `meltano.yml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.hanging_host import refusing_url
from warehouses import targets
from warehouses.conftest import Start, require
from warehouses.meltano_project import Project, reading
from warehouses.warehouse import DuckDb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASONS = {
    "TAP_SUMERU_API_TOKEN": (
        "copt_test_00000000000000000000000000000000",
        "Put a valid token in `api_token`",
    ),
    "TAP_SUMERU_API_URL": (refusing_url(), "the connection was refused; nothing listens on this port"),
    "TAP_SUMERU_START_DATE": ("01.02.2026", "start_date: must be a date, such as 2026-01-01"),
    "TAP_SUMERU_SHARD": ("3/2", "shard: must be i/n with i from 1 to n, such as 2/8."),
}
"""A setting that is wrong, and what the last line of the log must say of it."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for all tests of this module."""
    with Sandbox(["acme"], customers=100) as running:
        yield running


@pytest.fixture
def project(start: Start, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project that reads the shop acme."""
    require(targets.missing("meltano"))
    settings = reading(sandbox.url, sandbox.token("acme"), max_retries="0")
    return Project(tmp_path, start(DuckDb()), settings)


def test_a_healthy_configuration_passes(project: Project) -> None:
    done = project.meltano("config", "test", "tap-sumeru")
    assert (done.returncode, done.stdout.strip()) == (0, "Plugin configuration is valid"), done.stderr


@pytest.mark.parametrize("variable", REASONS)
def test_meltano_config_test_shows_the_reason(project: Project, variable: str) -> None:
    value, reason = REASONS[variable]
    done = project.meltano("config", "test", "tap-sumeru", **{variable: value})
    assert done.returncode == 1
    _, _, shown = done.stderr.partition("Plugin configuration is invalid\n")
    assert reason in shown.splitlines()[0]


def test_the_commands_obey_objects_of_meltano_yml(project: Project) -> None:
    """Meltano gives them to a command as a variable, with the keys of all levels joined by dots."""
    project.configure(
        stream_options={"orders": {"replication_key": "created_at", "window_days": 7}},
        stream_maps={"customers": {"email": "__NULL__"}},
    )
    done = project.meltano("invoke", "tap-sumeru:check")
    assert done.returncode == 0, done.stderr
    (orders,) = (line for line in done.stdout.splitlines() if line.startswith("orders "))
    assert "created_at" in orders
    assert "unknown" not in done.stderr


def test_a_null_of_a_stream_map_that_meltano_drops_is_an_error(project: Project) -> None:
    project.configure(stream_maps={"customers": {"email": None}})
    done = project.meltano("run", "tap-sumeru", "target-duckdb")
    assert done.returncode == 1
    assert "stream_maps.customers.email: Meltano drops this null. Write __NULL__ instead." in done.stderr
