"""Updates `schemas/` from the vendor's OpenAPI document: `make schemas SPEC=openapi.json`.

What the document describes becomes `documented`, with its type and its description.
Marks of personal and of writable columns are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog.openapi_columns import openapi_columns, retyped
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.openapi_file import read_openapi_file
from tap_sumeru.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_sumeru.catalog.openapi_columns import OpenApiColumns

    Json = dict[str, Any]

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
SOURCE = "the vendor's OpenAPI document"


def updated(schema: Json, found: OpenApiColumns) -> Json:
    """Return the schema of a stream with the columns of the document; all others stay as they are.

    Args:
        schema: The schema.
        found: The columns of the document.
    """
    known: Json = schema["properties"]
    columns = {name: _documented(column, known.get(name, {})) for name, column in found.columns.items()}
    return {**schema, "properties": {**known, **columns}}


def _documented(column: Json, known: Json) -> Json:
    marks = {"x-provenance": "documented", "x-source": known.get("x-source", SOURCE)}
    if "x-pii" in column:
        marks["x-pii"] = column["x-pii"]
    if "x-writable" in known:
        marks["x-writable"] = known["x-writable"]
    return {key: value for key, value in column.items() if key not in marks} | marks


def report(stream: str, before: Json, after: Json, found: OpenApiColumns | None) -> list[str]:
    """Return lines that say what has changed, and what the document does not describe."""
    known, columns = before["properties"], after["properties"]
    described = found.columns if found else {}
    lines = {
        "documented": [name for name in columns if name in described],
        "new": [name for name in columns if name not in known],
        "another type": retyped(columns, known),
        "still assumed": [name for name in columns if columns[name]["x-provenance"] == "assumed"],
        "documented before, but not in this document": [
            name
            for name in columns
            if name not in described and columns[name]["x-provenance"] == "documented"
        ],
        "no single type, or no safe name": list(found.others) if found else [],
    }
    head = stream if found else f"{stream}: the document does not describe the rows of this stream"
    return [head, *(f"  {title}: {', '.join(names)}" for title, names in lines.items() if names)]


def update(document: Mapping[str, Any], folder: Path) -> list[str]:
    """Update the schemas in a folder; return lines that say what has changed.

    Args:
        document: The OpenAPI document.
        folder: The folder.

    Raises:
        CatalogError: The document gives a key a type that the tap cannot work with.
    """
    texts, lines = {}, []
    for name, spec in STREAMS.items():
        path = folder / f"{name}.json"
        before: Json = json.loads(path.read_text(encoding="utf-8"))
        found = openapi_columns(document, spec, before["properties"], spec.replication_key)
        after = updated(before, found) if found else before
        texts[path] = json.dumps(after, indent=2, ensure_ascii=False) + "\n"
        lines += report(name, before, after, found)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Update the schemas, or return 1 with one line if the document cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", help="path of the OpenAPI document, in JSON or YAML")
    parser.add_argument("--folder", type=Path, default=SCHEMAS, help="the folder with the schemas")
    arguments = parser.parse_args(argv)
    try:
        lines = update(read_openapi_file(arguments.spec), arguments.folder)
    except TapError as error:
        print(str(error).replace("openapi_file", "SPEC"), file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
