"""`meltano.yml` and `plugin.yaml` match the tap; documents name existing files, scopes and settings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
EXTRACTOR = next(one for one in PROJECT["plugins"]["extractors"] if one["name"] == "tap-sumeru")
LOADERS = PROJECT["plugins"]["loaders"]
LOADER = LOADERS[0]
HUB: dict[str, Any] = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
SETTINGS: dict[str, dict[str, Any]] = {setting["name"]: setting for setting in EXTRACTOR["settings"]}


def _defaults(plugin: Mapping[str, Any]) -> dict[str, Any]:
    return {setting["name"]: setting.get("value") for setting in plugin["settings"]}


def test_plugin_yaml_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "hub.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run `make docs`"


def test_meltano_yml_has_the_settings_of_plugin_yaml() -> None:
    assert EXTRACTOR["settings"] == HUB["settings"]


def test_meltano_yml_has_the_other_definitions_of_plugin_yaml() -> None:
    for name in ("namespace", "label", "description", "executable", "capabilities"):
        assert EXTRACTOR[name] == HUB[name]
    assert EXTRACTOR["settings_group_validation"] == HUB["settings_group_validation"]


def test_the_logo_of_plugin_yaml_exists() -> None:
    logo = ROOT / "docs" / "logo" / Path(HUB["logo_url"]).name
    assert logo.read_bytes().startswith(b"\x89PNG")
    assert logo.with_suffix(".svg").exists()


def test_meltano_yml_works_without_the_hub() -> None:
    assert PROJECT["send_anonymous_usage_stats"] is False
    assert PROJECT["cli"]["disable_version_check"] is True
    for plugin in (EXTRACTOR, *LOADERS):
        assert plugin["namespace"]
        assert plugin["settings"]


def test_the_catalog_is_not_cached() -> None:
    assert EXTRACTOR["use_cached_catalog"] is False


def test_the_default_loader_is_set_up_to_lose_no_rows() -> None:
    defaults = _defaults(LOADER)
    assert LOADER["pip_url"] == "target-duckdb==0.8.0 duckdb==1.2.2"
    assert defaults["flush_all_streams"] is True
    (prod,) = (environment for environment in PROJECT["environments"] if environment["name"] == "prod")
    (loader,) = prod["config"]["plugins"]["loaders"]
    assert Path(loader["config"]["path"]).stem != defaults["default_target_schema"]


def test_the_other_loaders_have_the_settings_they_need_for_correct_rows() -> None:
    """docs/snowflake.md and docs/bigquery.md explain what happens without these settings."""
    loaders = {loader["name"]: loader for loader in LOADERS}
    snowflake, bigquery = _defaults(loaders["target-snowflake"]), _defaults(loaders["target-bigquery"])
    assert snowflake["timestamp_type"] == "TIMESTAMP_TZ"
    assert snowflake["add_record_metadata"] is True
    assert bigquery["method"] == "batch_job"
    assert bigquery["denormalized"] is bigquery["upsert"] is bigquery["dedupe_before_upsert"] is True
    assert loaders["target-bigquery"]["python"] == "3.11"


@pytest.mark.parametrize("plugin", LOADERS, ids=lambda plugin: str(plugin["name"]))
def test_every_loader_is_pinned_has_descriptions_and_marks_its_secrets(plugin: dict[str, Any]) -> None:
    assert "==" in plugin["pip_url"].split()[0] or plugin["name"] == "target-sumeru"  # of this folder
    for setting in plugin["settings"]:
        assert setting["description"]
        secret = re.search(
            r"password|_json$|(?<!api)_url$|token|shops$|passphrase|private_key(?!_path)", setting["name"]
        )
        assert setting.get("sensitive", False) == bool(secret), setting["name"]


def test_schedules_name_existing_jobs_and_settings() -> None:
    jobs = {job["name"] for job in PROJECT["jobs"]}
    assert {schedule["job"] for schedule in PROJECT["schedules"]} == jobs - {"sumeru-tags"}
    names = {f"TAP_SUMERU_{name.upper()}" for name in SETTINGS} | {"TAP_SUMERU__METADATA"}
    assert all(schedule.get("env", {}).keys() <= names for schedule in PROJECT["schedules"])


def test_environments_set_known_settings_and_dev_is_separate_from_prod() -> None:
    known = {plugin["name"]: set(_defaults(plugin)) for plugin in (EXTRACTOR, *LOADERS)}
    given: dict[str, dict[str, dict[str, Any]]] = {}
    for environment in PROJECT["environments"]:
        plugins = environment.get("config", {}).get("plugins", {})
        configs = {plugin["name"]: plugin["config"] for kind in plugins.values() for plugin in kind}
        given[environment["name"]] = configs
        assert all(config.keys() <= known[name] for name, config in configs.items())
    assert given["prod"]["target-duckdb"] != given["dev"]["target-duckdb"]
    databases = known.keys() - {"target-jsonl"}  # starts new files with each run
    assert given["dev"].keys() == databases
    for loader in (one for one in LOADERS if one["name"] in databases):
        assert given["dev"][loader["name"]].items().isdisjoint(_defaults(loader).items())


def test_the_example_env_file_names_existing_settings() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {line.lstrip("# ").partition("=")[0] for line in lines if "=" in line}
    assert named
    assert named <= {f"TAP_SUMERU_{name.upper()}" for name in SETTINGS}


def test_security_md_names_the_scope_of_every_stream() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+:read)` \| (.+) \|$", text, re.MULTILINE)
    named = {stream: scope for scope, streams in rows for stream in streams.split(", ")}
    assert named == {name: spec.scope for name, spec in STREAMS.items() if spec.scope}


def test_contributing_md_names_existing_files() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]+`) \|", text.partition("## Where things are")[2], re.MULTILINE)
    for cell in cells:
        folder = ROOT
        for path in re.findall(r"`([^`]+)`", cell):
            folder = (ROOT / path).parent if "/" in path else folder
            assert (folder / Path(path).name).exists(), path
