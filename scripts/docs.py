"""Generates tables of README.md and docs/target.md, and docs/streams.md; `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparison import comparison_table
from streams_page import streams_page
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.schema import CONFIG_SCHEMA
from target_sumeru.config.schema import CONFIG_SCHEMA as TARGET_SCHEMA
from target_sumeru.config.streams import STREAMS as TARGET_STREAMS
from target_sumeru.config.streams import Updates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_sumeru.config.streams import TargetStream

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
STREAMS_PAGE = ROOT / "docs" / "streams.md"
TARGET_PAGE = ROOT / "docs" / "target.md"


def settings_table(schema: dict[str, Any]) -> str:
    """Return the table of the settings in a JSON Schema."""
    rows = ["| setting | type, default | meaning |", "| --- | --- | --- |"]
    for name, setting in schema["properties"].items():
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
    rows = [
        "| stream | rows | path under `/api/v1` | replication key | scope |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, spec in STREAMS.items():
        path, scope = spec.path.format(parent="{id}"), f"`{spec.scope}`" if spec.scope else "any token"
        meaning = stream_schemas.load(name)["description"].removesuffix(".")
        link = f"[`{name}`](docs/streams.md#{name})"
        rows.append(f"| {link} | {meaning} | `{path}` | `{spec.replication_key}` | {scope} |")
    return "\n".join(rows)


def target_streams_table() -> str:
    """Return the table of the streams that the target writes."""
    rows = ["| stream | writes | identified by | columns | scope |", "| --- | --- | --- | --- | --- |"]
    for name, stream in TARGET_STREAMS.items():
        identities = " or ".join("+".join(f"`{one}`" for one in names) for names in stream.identities)
        columns = ", ".join(
            f"`{column}`{' (required)' * (column in stream.required)}" for column in stream.columns
        )
        rows.append(f"| `{name}` | {_writes(stream)} | {identities} | {columns} | `{stream.scope}` |")
    return "\n".join(rows)


def _writes(stream: TargetStream) -> str:
    if stream.launches:
        return "launches"
    changes = {Updates.SINGLE: "changes", Updates.BULK: "changes, 100 at a time", Updates.NEVER: ""}
    return ", ".join(filter(None, ("creates" if stream.unique else "", changes[stream.updates])))


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """Return a text with its tables replaced by current ones."""
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{table}\n{end}{after}"
    return text


def main() -> int:
    """Write the tables and the page, or return 1 if one of them is out of date."""
    readme = {
        "comparison": comparison_table(),
        "settings": settings_table(CONFIG_SCHEMA),
        "streams": streams_table(),
    }
    target = {
        "target streams": target_streams_table(),
        "target settings": settings_table(TARGET_SCHEMA),
    }
    files = {
        README: with_tables(README.read_text(encoding="utf-8"), readme),
        STREAMS_PAGE: streams_page(),
        TARGET_PAGE: with_tables(TARGET_PAGE.read_text(encoding="utf-8"), target),
    }
    if "--check" in sys.argv[1:]:
        current = all(
            path.exists() and path.read_text(encoding="utf-8") == text for path, text in files.items()
        )
        return 0 if current else 1
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
