"""Generates the sources and staging models of `dbt/` from `schemas/`; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS

STAGING = Path(__file__).resolve().parent.parent / "dbt" / "models" / "staging"
GENERATED = "Written by scripts/dbt_docs.py from schemas/"
ENTITIES = {
    "attribution": "attribution",
    "campaigns": "campaign",
    "customers": "customer",
    "decision_intelligence_runs": "run",
    "enrollments": "enrollment",
    "inventory": "inventory",
    "journeys": "journey",
    "orders": "order",
    "products": "product",
    "seo_keywords": "keyword",
    "usage": "usage",
}
"""Name of one row of each stream; its `id` becomes `<entity>_id`."""
RESERVED = {"date": "usage_date", "trigger": "trigger_event"}
"""New names of columns that are reserved words in some warehouse."""
VALUES = {
    ("customers", "lifecycle_stage"): ["new", "active", "loyal", "at_risk", "lapsed"],
    ("campaigns", "status"): ["draft", "scheduled", "sending", "paused", "completed", "cancelled"],
    ("enrollments", "status"): ["active", "exited"],
    ("orders", "status"): ["open", "closed", "cancelled"],
}
"""Assumed values; another value is a warning of dbt, not an error."""
REFERENCES = {
    ("attribution", "order_id"): "orders",
    ("enrollments", "customer_id"): "customers",
    ("enrollments", "journey_id"): "journeys",
    ("inventory", "product_id"): "products",
    ("orders", "customer_id"): "customers",
}
"""Foreign keys. A missing row is a warning only, because either stream may be synced first."""
_FORMATS = {"date-time": "timestamp", "date": "date"}
_KINDS = {"string": "text", "object": "json", "array": "json"}

Field = dict[str, Any]


def columns(stream: str) -> dict[str, Field]:
    """Return the columns of a stream in the warehouse, by name."""
    properties: dict[str, Field] = stream_schemas.load(stream)["properties"]
    return properties


def alias(stream: str, name: str) -> str:
    """Return the name of a column in the staging model."""
    return f"{ENTITIES[stream]}_id" if name == "id" else RESERVED.get(name, name)


def kind(field: Field) -> str:
    """Return the kind of a column, as macros/types.sql names it."""
    name: str = next(one for one in field["type"] if one != "null")
    return _FORMATS.get(field.get("format", ""), _KINDS.get(name, name))


def described(field: Field) -> str:
    """Return the description of a column, with the names of nested fields."""
    nested = field.get("properties") or field.get("items", {}).get("properties") or {}
    names = f" Holds {', '.join(f'`{name}`' for name in nested)}." if nested else ""
    return f"{field['description']}{names}"


def model(stream: str) -> str:
    """Return the SQL of a staging model."""
    lines = [
        f"    '{name}': ['{alias(stream, name)}', '{kind(field)}'],"
        for name, field in columns(stream).items()
    ]
    call = "\n".join([f"{{{{ sumeru.stage('{stream}', {{", *lines, "}) }}"])
    return f"-- {GENERATED}{stream}.json\n{call}\n"


def _column(name: str, field: Field, tests: list[str]) -> list[str]:
    """Return a column in YAML."""
    meta = {"provenance": field["x-provenance"], "source": field.get("x-source")}
    if field.get("x-pii"):
        meta["pii"] = True
    shown = ", ".join(f"{key}: {json.dumps(value)}" for key, value in meta.items() if value)
    return [
        f"      - name: {name}",
        f"        description: {json.dumps(described(field), ensure_ascii=False)}",
        f"        config: {{meta: {{{shown}}}}}",
        *(["        data_tests:", *tests] if tests else []),
    ]


def _tests(stream: str, name: str) -> list[str]:
    """Return the tests of a staging model's column in YAML."""
    lines = ["          - not_null"] if name in STREAMS[stream].primary_key else []
    if (stream, name) in VALUES:
        values = ", ".join(VALUES[stream, name])
        lines += [
            f"          - sumeru.is_one_of: {{config: {{severity: warn, meta: {{values: [{values}]}}}}}}",
        ]
    if (stream, name) in REFERENCES:
        to = REFERENCES[stream, name]
        enabled = f"\"{{{{ '{to}' not in var('sumeru_absent') }}}}\""
        lines.append(f"          - sumeru.refers_to_{to}: {{config: {{severity: warn, enabled: {enabled}}}}}")
    return lines


def _hours(stream: str, level: str) -> str:
    """Return the expression for the age in hours at which a stream is stale; none if it is not checked."""
    checked = f"(var('sumeru_freshness').get('{stream}') or {{}}).get('{level}')"
    return f"\"{{{{ none if '{stream}' in var('sumeru_absent') else {checked} }}}}\""


def sources() -> str:
    """Return the YAML file of the sources."""
    lines = [
        f"# {GENERATED}",
        "version: 2",
        "sources:",
        "  - name: sumeru",
        "    description: What tap-sumeru lands, as the loader types it.",
        "    database: \"{{ var('sumeru_database', target.database) }}\"",
        "    schema: \"{{ var('sumeru_schema') }}\"",
        "    tables:",
    ]
    for stream in STREAMS:
        lines += [
            f"    - name: {stream}",
            f"      description: {stream_schemas.load(stream)['description']}",
            f"      identifier: \"{{{{ var('sumeru_{stream}_identifier', '{stream}') }}}}\"",
            "      config:",
            "        loaded_at_field: \"{{ var('sumeru_loaded_at') }}\"",
            "        freshness:",
            f"          warn_after: {{count: {_hours(stream, 'warn')}, period: hour}}",
            f"          error_after: {{count: {_hours(stream, 'error')}, period: hour}}",
            "      columns:",
        ]
        for name, field in columns(stream).items():
            lines += _column(name, field, [])
    return "\n".join(lines) + "\n"


def staging() -> str:
    """Return the YAML file of the staging models."""
    lines = [f"# {GENERATED}", "version: 2", "models:"]
    for stream in STREAMS:
        description = stream_schemas.load(stream)["description"]
        key = [alias(stream, name) for name in STREAMS[stream].primary_key]
        lines += [
            f"  - name: stg_sumeru__{stream}",
            f"    description: {json.dumps(description, ensure_ascii=False)}",
            "    data_tests:",
            f"      - sumeru.unique_together: {{config: {{meta: {{columns: [{', '.join(key)}]}}}}}}",
            "    columns:",
        ]
        for name, field in columns(stream).items():
            lines += _column(alias(stream, name), field, _tests(stream, name))
    return "\n".join(lines) + "\n"


def documents() -> dict[Path, str]:
    """Return the content of all generated files, by path."""
    models = {STAGING / f"stg_sumeru__{stream}.sql": model(stream) for stream in STREAMS}
    return {STAGING / "_sources.yml": sources(), STAGING / "_staging.yml": staging(), **models}


def main() -> int:
    """Write the files, or print those that are out of date."""
    wanted = documents()
    if "--check" in sys.argv[1:]:
        current = {path: path.read_text(encoding="utf-8") for path in STAGING.iterdir()}
        stale = [path for path in {*wanted, *current} if wanted.get(path) != current.get(path)]
        print(*(f"{path.name} is out of date" for path in sorted(stale)), sep="\n")
        return int(bool(stale))
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
