"""Generates the tables of README.md from the code; `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.schema import CONFIG_SCHEMA

README = Path(__file__).resolve().parent.parent / "README.md"


def settings_table() -> str:
    """Return the table of the settings."""
    rows = ["| setting | type, default | meaning |", "| --- | --- | --- |"]
    for name, setting in CONFIG_SCHEMA["properties"].items():
        rows.append(f"| `{name}` | {_kind(setting)} | {setting['description']} |")
    return "\n".join(rows)


def _kind(setting: dict[str, Any]) -> str:
    kind = next(one for one in setting["type"] if one != "null")
    if setting.get("format"):
        kind = setting["format"]
    notes = ["secret"] if setting.get("secret") else []
    if "default" in setting:
        notes.append(f"`{setting['default']}`")
    return ", ".join([kind, *notes])


def streams_table() -> str:
    """Return the table of the streams."""
    rows = ["| stream | path under `/api/v1` | replication key | scope |", "| --- | --- | --- | --- |"]
    for name, spec in STREAMS.items():
        path, scope = spec.path.format(parent="{id}"), f"`{spec.scope}`" if spec.scope else "any token"
        rows.append(f"| `{name}` | `{path}` | `{spec.replication_key}` | {scope} |")
    return "\n".join(rows)


def with_tables(text: str) -> str:
    """Return a text with its tables replaced by current ones."""
    for name, table in (("settings", settings_table()), ("streams", streams_table())):
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{table}\n{end}{after}"
    return text


def main() -> int:
    """Write the tables, or return 1 if they are out of date."""
    before = README.read_text(encoding="utf-8")
    after = with_tables(before)
    if "--check" in sys.argv[1:]:
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
