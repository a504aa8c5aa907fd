"""Snowflake emulator: `PORT --serve`; `PORT --load FILE` loads the tap's output; `PORT SQL` queries."""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from string import Template
from typing import Any

# dbt_warehouses.py installs these for this file only.
import fakesnow.cli
import fakesnow.macros
import snowflake.connector  # type: ignore[import-not-found]  # in dbt's environment

_TYPES = {
    "string": "VARCHAR",
    "number": "FLOAT",
    "integer": "NUMBER(38, 0)",
    "boolean": "BOOLEAN",
    "object": "VARIANT",
    "array": "VARIANT",
}
_FORMATS = {"date-time": "TIMESTAMP_NTZ", "date": "DATE"}
_ROWS_PER_INSERT = 200


def _serve(port: str) -> int:
    """Serve until terminated. FLATTEN is patched, because the emulator numbers its items in random order."""
    text = fakesnow.macros.FS_FLATTEN.template
    for old, new in (
        ("(row_number() OVER () - 1)", "e.n"),
        (
            "lambda x: struct_pack(k := NULL::VARCHAR, v := x)",
            "lambda x, i: struct_pack(k := NULL::VARCHAR, v := x, n := i - 1)",
        ),
        ("-> x AS JSON))", "-> x AS JSON), n := NULL::BIGINT)"),
        ("e(k, v)", "e(k, v, n)"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    fakesnow.macros.FS_FLATTEN = Template(text)
    return int(fakesnow.cli.main(["-s", "-p", port]))


def _connected(port: str) -> Any:
    """Return a cursor of the emulator."""
    return snowflake.connector.connect(
        account="fakesnow", user="fake", password="snow", host="127.0.0.1", port=int(port), protocol="http"
    ).cursor()


def _type(field: dict[str, Any]) -> str:
    """Return the column type that target-snowflake chooses."""
    name: str = next(one for one in field["type"] if one != "null")
    form: str = field.get("format", "")
    return _FORMATS.get(form, _TYPES[name])


def _literal(value: Any, kind: str) -> str:
    if kind == "VARIANT":
        value = json.dumps(value)  # null too: target-snowflake loads it as a JSON null
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    escaped = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _load(cursor: Any, path: str) -> None:
    """Load all records of a file."""
    fields: dict[str, dict[str, Any]] = {}
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            if message["type"] == "SCHEMA":
                fields[message["stream"]] = message["schema"]["properties"]
            elif message["type"] == "RECORD":
                records[message["stream"]].append(message["record"])
    for sql in ("CREATE DATABASE raw", "CREATE SCHEMA raw.sumeru", "CREATE SCHEMA raw.analytics"):
        cursor.execute(sql)
    for stream, properties in fields.items():
        kinds = {name: _type(field) for name, field in properties.items()}
        columns = ", ".join(f'"{name.upper()}" {kind}' for name, kind in kinds.items())
        cursor.execute(f"CREATE TABLE raw.sumeru.{stream} ({columns}, _sdc_deleted_at TIMESTAMP_NTZ)")
        chosen = ", ".join(
            f"parse_json(column{number})" if kind == "VARIANT" else f"column{number}"
            for number, kind in enumerate(kinds.values(), 1)
        )
        names = ", ".join(f'"{name.upper()}"' for name in kinds)
        rows = [
            "(" + ", ".join(_literal(record[name], kind) for name, kind in kinds.items()) + ")"
            for record in records[stream]
        ]
        for start in range(0, len(rows), _ROWS_PER_INSERT):
            values = ", ".join(rows[start : start + _ROWS_PER_INSERT])
            insert = f"INSERT INTO raw.sumeru.{stream} ({names}) SELECT {chosen} FROM (VALUES {values})"  # noqa: S608 - fictional rows
            cursor.execute(insert)


def _ask(cursor: Any, sql: str) -> None:
    cursor.execute("USE DATABASE raw")
    cursor.execute(sql)
    table = csv.writer(sys.stdout)
    table.writerow([column[0].lower() for column in cursor.description])
    # The emulator returns null timestamps as the epoch.
    table.writerows(
        [None if str(value) == "1970-01-01 00:00:00" else value for value in row] for row in cursor.fetchall()
    )


if __name__ == "__main__":
    port, *rest = sys.argv[1:]
    if rest[0] == "--serve":
        sys.exit(_serve(port))
    elif rest[0] == "--load":
        _load(_connected(port), rest[1])
    else:
        _ask(_connected(port), rest[0])
