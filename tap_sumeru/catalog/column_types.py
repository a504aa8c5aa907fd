"""Types that a catalog may give a column, in the one form that all targets read: `type` and `format`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.errors import CatalogError

if TYPE_CHECKING:
    from tap_sumeru.catalog.stream_schemas import Schema

KINDS = ("string", "number", "integer", "boolean", "object", "array")
FORMATS = ("date-time", "date", "singer.decimal")
"""Formats of strings that the tap can make."""

_ALTERNATIVES = ("anyOf", "oneOf")
_KEYWORDS = frozenset({"type", "format", "properties", "items", "additionalProperties", *_ALTERNATIVES})
_DROPPED = frozenset(
    {"const", "not", "$ref", "if", "then", "else", "minItems", "maxItems", "uniqueItems", "contains"}
)
_ANNOTATIONS = frozenset(
    {"title", "description", "default", "deprecated", "contentMediaType", "contentEncoding"}
)


def column_type(where: str, schema: object, *, nullable: bool = True) -> Schema:
    """Return the schema of a column in its simplest form.

    `anyOf` becomes the one type that its branches share, and an object without members has no `properties`.

    Args:
        where: The column, for messages.
        schema: Its schema in the catalog.
        nullable: Whether null is added to its types, because a row may lack the column.

    Raises:
        CatalogError: The tap cannot produce values of this type.
    """
    if not isinstance(schema, Mapping):
        raise CatalogError(f"{where}: must be an object with a `type`.")
    for keyword in schema:
        if keyword not in _KEYWORDS | _ANNOTATIONS and not keyword.startswith("x-"):
            raise CatalogError(f"{where}: `{mask_name(keyword)}` is not supported. Use `type` and `format`.")
    kept = {key: value for key, value in schema.items() if key in _ANNOTATIONS or key.startswith("x-")}
    alternatives = [schema[keyword] for keyword in _ALTERNATIVES if keyword in schema]
    if not alternatives:
        return kept | _plain_type(where, schema, nullable=nullable)
    if len(alternatives) > 1 or "type" in schema:
        raise CatalogError(f"{where}: has more than one of `type`, `anyOf` and `oneOf`.")
    return kept | _shared_type(where, alternatives[0], nullable=nullable)


def check_keywords(where: str, schema: object) -> None:
    """Check a schema for keywords that the SDK drops silently.

    Raises:
        CatalogError: It has one.
    """
    if not isinstance(schema, Mapping):
        return
    for keyword in sorted(_DROPPED & schema.keys()):
        raise CatalogError(f"{where}: `{keyword}` is not supported. Use `type` and `format`.")
    check_keywords(f"{where}.items", schema.get("items"))
    members = schema.get("properties")
    for name, member in members.items() if isinstance(members, Mapping) else ():
        check_keywords(f"{where}.{name}", member)


def structure(schema: Schema) -> Schema:
    """Return the parts of a schema by which values are converted: types, formats, members and items."""
    parts: Schema = {"type": sorted(schema["type"]), "format": schema.get("format")}
    if "properties" in schema:
        parts["properties"] = {name: structure(one) for name, one in schema["properties"].items()}
    if "items" in schema:
        parts["items"] = structure(schema["items"])
    return parts


def personal_mark(schema: Schema) -> object:
    """Return the first personal mark of a schema or a part of it, None if there is none."""
    inside = [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]
    return schema.get("x-pii") or next(filter(None, map(personal_mark, inside)), None)


def _plain_type(where: str, schema: Mapping[str, Any], *, nullable: bool) -> Schema:
    names = _type_names(where, schema)
    kinds = [name for name in names if name != "null"]
    if not kinds:
        raise CatalogError(f"{where}: has no type. Use one of {', '.join(KINDS)}.")
    column: Schema = {"type": [*kinds, "null"] if nullable or "null" in names else kinds}
    if "format" in schema:
        if "string" in kinds and schema["format"] not in FORMATS:
            text = mask_name(str(schema["format"]))
            raise CatalogError(f"{where}: the format {text} is not supported. Use {', '.join(FORMATS)}.")
        column["format"] = schema["format"]
    if "object" in kinds:
        column |= _members(where, schema, kinds)
    if "array" in kinds and schema.get("items"):
        column["items"] = column_type(f"{where}.items", schema["items"], nullable=False)
    return column


def _type_names(where: str, schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    if not isinstance(names, list):
        raise CatalogError(f"{where}: `type` must be a name or a list of names.")
    for name in names:
        if not isinstance(name, str) or name not in (*KINDS, "null"):
            raise CatalogError(
                f"{where}: unknown type {mask_name(str(name))}. Use one of {', '.join(KINDS)}."
            )
    return list(dict.fromkeys(names))


def _members(where: str, schema: Mapping[str, Any], kinds: list[str]) -> Schema:
    """Return the members of an object; it may always have others."""
    if schema.get("additionalProperties", True) is not True:
        raise CatalogError(f"{where}: `additionalProperties` must be true; an unknown member is kept.")
    members: Schema = {"additionalProperties": True} if "additionalProperties" in schema else {}
    if schema.get("properties"):
        if not isinstance(schema["properties"], Mapping):
            raise CatalogError(f"{where}: `properties` must be an object.")
        if len(kinds) > 1:
            raise CatalogError(f"{where}: an object with `properties` cannot have another type.")
        members["properties"] = {
            name: column_type(f"{where}.{name}", member) for name, member in schema["properties"].items()
        }
    return members


def _shared_type(where: str, branches: object, *, nullable: bool) -> Schema:
    """Return the type of all branches of an `anyOf`."""
    if not isinstance(branches, list) or not all(isinstance(branch, Mapping) for branch in branches):
        raise CatalogError(f"{where}: `anyOf` must be a list of schemas.")
    nulls = [branch for branch in branches if branch.get("type") in ("null", ["null"])]
    types = [column_type(where, branch, nullable=False) for branch in branches if branch not in nulls]
    nullable = nullable or bool(nulls) or any("null" in one["type"] for one in types)
    bare = [{**one, "type": [kind for kind in one["type"] if kind != "null"]} for one in types]
    kinds = {kind for one in bare for kind in one["type"]}
    if bare and all(one == bare[0] for one in bare):
        shared = bare[0]
    elif kinds == {"integer", "number"}:
        shared = {"type": ["number"]}
    elif kinds == {"string"}:
        shared = {"type": ["string"]}  # of several formats
    else:
        raise CatalogError(f"{where}: the branches of `anyOf` must have one type in common.")
    return {**shared, "type": [*shared["type"], "null"]} if nullable else shared
