"""Random changes of the sandbox's OpenAPI document, and the columns that must follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.spec.endpoints import OPERATIONS
from sumeru_sandbox.spec.openapi_document import document
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from random import Random

Json = dict[str, Any]

TYPES: dict[str, tuple[Json, Any]] = {
    "string": ({"type": "string"}, "x"),
    "uuid": ({"type": "string", "format": "uuid"}, "0b3c"),
    "date": ({"type": "string", "format": "date"}, "2026-05-10"),
    "date-time": ({"type": "string", "format": "date-time"}, "2026-05-10T00:00:00Z"),
    "integer": ({"type": "integer", "format": "int32", "minimum": 0}, 9),
    "number": ({"type": "number", "multipleOf": 0.01}, 0.5),
    "boolean": ({"type": "boolean"}, True),
    "object": ({"type": "object", "additionalProperties": True}, {"a": 1}),
    "array": ({"type": "array", "items": {"type": "string"}}, ["a"]),
}
"""Types by name: how a document writes them, and a value."""


class Change(NamedTuple):
    """A field that is described anew.

    Attributes:
        stream: The stream.
        name: Name of the field in the document.
        type: Its new type, a key of `TYPES`.
        how: `renamed`, `added` or `retyped`.
    """

    stream: str
    name: str
    type: str
    how: str

    def fits(self, column: Json) -> bool:
        """Return whether a column has the new type."""
        written = TYPES[self.type][0]
        format_ = written.get("format") if written.get("format") in ("date", "date-time") else None
        return column["type"] == [written["type"], "null"] and column.get("format") == format_


def changed(random: Random, count: int = 20) -> tuple[Json, list[Change]]:
    """Return the sandbox's document with fields renamed, added and retyped at random.

    Args:
        random: Source of the choices.
        count: Number of changes.
    """
    described = document()
    fields = {name: _fields(described, name) for name in STREAMS}
    places = [
        (stream, name)
        for stream, spec in STREAMS.items()
        for name in fields[stream]
        if name not in (spec.replication_key, spec.parent_column, "orders", "attributions")
    ]
    changes = []
    for i, (stream, name) in enumerate(random.sample(places, count)):
        change = Change(stream, name, random.choice([*TYPES]), random.choice(["renamed", "added", "retyped"]))
        if change.how != "retyped":
            change = change._replace(name=f"{name}_{i}")
        if change.how == "renamed":
            del fields[stream][name]
        fields[stream][change.name] = _written(random, described, change)
        changes.append(change)
    return described, changes


def _fields(described: Json, stream: str) -> Json:
    operation = next(one for one in OPERATIONS if one.kind == "list" and one.stream == stream)
    response = described["paths"]["/api/v1" + operation.path]["get"]["responses"]["200"]
    items = response["content"]["application/json"]["schema"]["properties"]["data"]["items"]
    resource = described["components"]["schemas"][items["$ref"].rpartition("/")[2]]
    properties: Json = resource["properties"]["attributes"]["properties"]
    return properties


def _written(random: Random, described: Json, change: Change) -> Json:
    """Return a type in one of the ways in which a document can write it."""
    schema = TYPES[change.type][0]
    name = f"{change.stream}.{change.name}"
    described["components"]["schemas"][name] = schema
    reference = {"$ref": f"#/components/schemas/{name}"}
    return random.choice(
        [
            schema,
            {**schema, "nullable": True, "readOnly": True},
            {**schema, "type": [schema["type"], "null"]},
            {**schema, "description": "A field.\nOf two lines", "example": None},
            reference,
            {"allOf": [reference], "nullable": True, "description": "By reference"},
            {"oneOf": [reference, {"type": "null"}]},
            {"anyOf": [{"type": "null"}, schema]},
            {"allOf": [reference, {"title": "A title"}]},
        ]
    )
