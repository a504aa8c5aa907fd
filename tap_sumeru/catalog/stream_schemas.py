"""JSON Schemas of the streams: those of `schemas/`, with the columns that the tap adds."""

from __future__ import annotations

import copy
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tap_sumeru.catalog.streams import STREAMS

Schema = dict[str, Any]

MAX_INTEGER = 2**63 - 1
"""Loaders of warehouses reject larger integers, or lose them without an error."""

_LEADING: Schema = {
    "shop": {
        "description": "Shop that the row belongs to, as named in the settings.",
        "type": ["string"],
        "x-provenance": "documented",
    },
    "id": {
        "description": "Id of the resource, or one made from its natural key or its content if it has none.",
        "type": ["string"],
        "x-provenance": "documented",
    },
}
# Without `properties`: flattening would make columns of these, and drop all others.
_TRAILING: Schema = {
    "relationships": {
        "description": "Links to related resources, as the API gives them.",
        "type": ["object", "null"],
        "additionalProperties": True,
        "x-provenance": "documented",
    },
    "extra": {
        "description": "What the schema does not know: new fields, and values of an unexpected type.",
        "type": ["object", "null"],
        "additionalProperties": True,
        "x-provenance": "documented",
        "x-pii": True,
    },
}

LEADING_COLUMNS, TRAILING_COLUMNS = tuple(_LEADING), tuple(_TRAILING)
OWN_COLUMNS = frozenset({*LEADING_COLUMNS, *TRAILING_COLUMNS})
"""Columns that the tap adds. An attribute of the same name goes into `extra`."""


WRITABLE = "x-writable"
"""Marks a column of `schemas/` that a write may set; it says nothing about a record."""


@cache
def _read(stream: str) -> Schema:
    packaged = files("tap_sumeru.catalog") / "schemas" / f"{stream}.json"
    if packaged.is_file():
        return dict(json.loads(packaged.read_text(encoding="utf-8")))
    # An editable install does not copy the folder into the package.
    checkout = Path(__file__).resolve().parents[2] / "schemas" / f"{stream}.json"
    return dict(json.loads(checkout.read_text(encoding="utf-8")))


def load(stream: str, learned: Schema | None = None) -> Schema:
    """Return a copy of the schema of a stream's records.

    Args:
        stream: Name of the stream.
        learned: Columns by name that are added or replace built-in ones.
    """
    document = _read(stream)
    properties = copy.deepcopy({**_LEADING, **document["properties"], **(learned or {}), **_TRAILING})
    for name, column in properties.items():
        if name in STREAMS[stream].primary_key:
            column["type"] = ["string"]  # some targets reject a key that may be null
        if "number" in column.get("items", {}).get("type", ()):
            # target-postgres cannot load an array such as `[0.5, 1]` into a column of one number type.
            del column["items"]
    return {"type": "object", "description": document["description"], "properties": properties}


def load_for_reading(stream: str, learned: Schema | None = None) -> Schema:
    """As `load`, without the keywords that concern writes only."""
    schema = load(stream, learned)
    for column in schema["properties"].values():
        column.pop(WRITABLE, None)
    return schema
