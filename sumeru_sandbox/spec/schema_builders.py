"""Builders for recurring parts of the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumeru_sandbox.spec.fields import Schema


def with_provenance(schema: Schema, basis: str | None = None, *, documented: bool) -> Schema:
    """Mark a schema, parameter, header, body or response as documented or assumed."""
    marks = {"x-provenance": "documented" if documented else "assumed"}
    return schema | marks | ({"x-basis": basis} if basis else {})


def component_ref(section: str, name: str) -> Schema:
    """Return a reference to one of the document's components."""
    return {"$ref": f"#/components/{section}/{name}"}


def closed_object(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    """Return the schema of an object with these members and no others."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})
