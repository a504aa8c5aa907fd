"""Writes plugin.yaml, for the Meltano Hub, from `tap-sumeru --about`; `--check` only compares."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "plugin.yaml"
_HEAD = """\
# tap-sumeru for the Meltano Hub: `make docs` writes it from `tap-sumeru --about --format json`.
# The Hub takes docs/logo/sumeru.png as the logo. `repo` is added there, with the address of the repository.
"""


def about() -> Json:
    """Return what the tap tells of itself."""
    command = [sys.executable, "-m", "tap_sumeru", "--about", "--format", "json"]
    told: Json = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return told


def _kind(name: str, schema: Mapping[str, Any]) -> str:
    if name == "shops_file":
        return "file"
    if "enum" in schema:
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    kinds = set(schema["type"]) - {"null"}
    # What may be a fraction is a string too: Meltano 4.4 crashes on a `decimal` from the environment.
    return "string" if "string" in kinds else str(kinds.pop())


def _setting(name: str, schema: Mapping[str, Any]) -> Json:
    setting: Json = {"name": name, "label": schema["title"], "kind": _kind(name, schema)}
    if "enum" in schema:
        setting["options"] = [{"label": value.capitalize(), "value": value} for value in schema["enum"]]
    if schema.get("secret"):
        setting["sensitive"] = True
    if "default" in schema:
        setting["value"] = schema["default"]
    return {**setting, "description": schema["description"]}


def definition(told: Json) -> Json:
    """Return the definition, in the Hub's form."""
    return {
        "name": "tap-sumeru",
        "namespace": "tap_sumeru",
        "variant": "tap-sumeru",
        "label": "Sumeru",
        "description": told["description"],
        "domain_url": "https://docs.sumeru.systems",
        "logo_url": "/assets/logos/extractors/sumeru.png",
        "pip_url": told["name"],
        "executable": told["name"],
        "maintenance_status": "active",
        "keywords": ["api", "meltano_sdk"],
        "capabilities": told["capabilities"],
        "settings_group_validation": [["api_token"], ["shops"], ["shops_file"]],
        "settings": [_setting(name, schema) for name, schema in told["settings"]["properties"].items()],
    }


def main() -> int:
    """Write the definition, or tell whether it is out of date."""
    text = yaml.safe_dump(definition(about()), allow_unicode=True, sort_keys=False, width=110)
    if "--check" in sys.argv[1:]:
        return int(PLUGIN.read_text(encoding="utf-8") != _HEAD + text)
    PLUGIN.write_text(_HEAD + text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
