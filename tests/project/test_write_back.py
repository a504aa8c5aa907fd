"""`meltano.yml` has target-sumeru as a loader with every setting, and a job that writes tags back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import yaml

import hub

PROJECT: dict[str, Any] = yaml.safe_load((hub.ROOT / "meltano.yml").read_text(encoding="utf-8"))
PLUGINS = {plugin["name"]: plugin for kind in PROJECT["plugins"].values() for plugin in kind}
TARGET = PLUGINS["target-sumeru"]


def _about() -> dict[str, Any]:
    command = [sys.executable, "-m", "target_sumeru", "--about", "--format", "json"]
    about: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, check=True, text=True).stdout
    )
    return about


def test_the_loader_has_the_settings_of_about() -> None:
    about = _about()
    expected = [hub.setting(name, schema) for name, schema in about["settings"]["properties"].items()]
    assert TARGET["settings"] == expected
    assert TARGET["executable"] == about["name"]


def test_the_job_builds_the_changes_reads_them_and_writes_them() -> None:
    (job,) = (job for job in PROJECT["jobs"] if job["name"] == "sumeru-tags")
    assert job["tasks"] == ["dbt-postgres:tags", "tap-postgres target-sumeru"]
    (stream,) = TARGET["config"]["streams"]
    assert PLUGINS["tap-postgres"]["select"] == [f"{stream}.*"]
    assert "sumeru__tag_changes" in stream
    assert "+sumeru__tag_changes" in PLUGINS["dbt-postgres"]["commands"]["tags"]["args"]


def test_the_job_compares_with_the_shop_since_a_tag_may_have_been_removed_there() -> None:
    assert TARGET["config"]["compare"] == "api"


def test_tables_are_read_in_full_so_that_rejected_rows_return() -> None:
    defaults = {one["name"]: one.get("value") for one in PLUGINS["tap-postgres"]["settings"]}
    assert defaults["default_replication_method"] == "FULL_TABLE"


def test_in_the_environment_dev_the_target_only_plans() -> None:
    (dev,) = (one for one in PROJECT["environments"] if one["name"] == "dev")
    loaders = {one["name"]: one["config"] for one in dev["config"]["plugins"]["loaders"]}
    assert loaders["target-sumeru"] == {"mode": "plan"}


def test_dbt_has_the_versions_that_the_package_is_tested_with() -> None:
    tested = (hub.ROOT / "dbt" / "requirements.in").read_text(encoding="utf-8").splitlines()
    assert set(PLUGINS["dbt-postgres"]["pip_url"].split()) <= set(tested)
