"""What a request of the v1 admin API may hold: the parameters and the bodies of the OpenAPI document."""

from __future__ import annotations

from sumeru_sandbox.spec.endpoints import FILTERS_SHOWN, INCLUDES, REQUIRED, Operation, prefix
from sumeru_sandbox.spec.fields import FIELDS, WRITABLE, Field, Schema

_INSTANT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"


def marked(schema: Schema, basis: str | None = None, *, documented: bool) -> Schema:
    """A schema, parameter, header, body or response with its provenance."""
    marks = {"x-provenance": "documented" if documented else "assumed"}
    return schema | marks | ({"x-basis": basis} if basis else {})


def ref(section: str, name: str) -> Schema:
    """A reference to one of the document's components."""
    return {"$ref": f"#/components/{section}/{name}"}


def closed(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    """An object with these members and no other."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _query(
    name: str, schema: Schema, text: str, basis: str | None = None, *, documented: bool = True
) -> Schema:
    parameter = {"name": name, "in": "query", "description": text, "schema": schema}
    return marked(parameter, basis, documented=documented)


def _names(name: str, choices: list[str], text: str, basis: str | None = None, *, documented: bool) -> Schema:
    """A parameter that takes a comma-separated list of names."""
    schema = {"type": "array", "items": {"enum": choices}, "minItems": 1}
    return _query(name, schema, text, basis, documented=documented) | {"style": "form", "explode": False}


def _include(stream: str, kind: str) -> list[Schema]:
    if stream not in INCLUDES:
        return []
    shown = (stream, kind) in {("customers", "get"), ("attribution", "list")}
    basis = None if shown else "shown for a single customer"
    return [_names("include", [*INCLUDES[stream]], "Related rows to embed.", basis, documented=shown)]


def _sort(scalars: list[str]) -> Schema:
    schema: Schema = {"enum": [sign + name for name in scalars for sign in ("", "-")]}
    basis = "the one field shown is a customer's `last_order_at`"
    return _query("sort", schema, "Field to sort by; with `-` before it, descending.", basis)


def _filter(stream: str, scalars: list[str]) -> Schema:
    """`filter[field]=value`: in OpenAPI's terms one parameter, an object."""
    shown = FILTERS_SHOWN.get(stream, set())
    dates: dict[str, Schema] = {
        name: {"type": "string", "format": "date"} for name in ("date_from", "date_to")
    }
    values = dates | {name: {"type": "string"} for name in scalars}
    conditions = {name: marked(schema, documented=name in shown) for name, schema in values.items()}
    parameter = _query("filter", closed(conditions), "Conditions, ANDed: `filter[field]=value`.")
    return parameter | {"style": "deepObject", "explode": True}


def _path(operation: Operation) -> list[Schema]:
    """The id in the path, if there is one."""
    if "{" not in operation.path:
        return []
    name = operation.path.partition("{")[2].partition("}")[0]
    schema = {"type": "string", "pattern": f"^{prefix(operation)}[0-9A-Za-z]+$"}
    return [marked({"name": name, "in": "path", "required": True, "schema": schema}, documented=True)]


def shared_parameters() -> dict[str, Schema]:
    """The parameters that many operations take, by the name of their component."""
    limit = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    key = {"type": "string", "minLength": 1, "maxLength": 255}
    text = "Same key and same body within 24 hours: same answer. Another body: 409."
    header = {"name": "Idempotency-Key", "in": "header", "description": text, "schema": key}
    return {
        "Limit": _query("limit", limit, "Rows on a page.", "the default is not shown"),
        "Cursor": _query("cursor", {"type": "string", "minLength": 1}, "`next_cursor` of the page before."),
        "IdempotencyKey": marked(header, "the length is not shown", documented=True),
    }


def parameters(operation: Operation) -> list[Schema]:
    """All parameters of an operation."""
    stream, kind = operation.stream, operation.kind
    if operation.method != "get":
        return [*_path(operation), ref("parameters", "IdempotencyKey")]
    names = ["id", *FIELDS[stream]]
    fields = _names("fields", names, "Attributes to return; `id` is always there.", documented=True)
    choice = [fields, *_include(stream, kind)]
    if kind == "get":
        return [*_path(operation), *choice]
    scalars = [name for name, field in FIELDS[stream].items() if field.scalar]
    paging = [ref("parameters", "Limit"), ref("parameters", "Cursor")]
    return [*_path(operation), *paging, _sort(scalars), _filter(stream, scalars), *choice]


def _settable(field: Field, *, required: bool) -> Schema:
    """The schema of an attribute in a write: a required one is never empty."""
    schema: Schema = {"type": "string", "minLength": 1} if required else dict(field.schema)
    if schema.get("format") == "date-time":
        schema["pattern"] = _INSTANT
    if schema["type"][0] == "integer":
        schema |= {"minimum": -(2**63), "maximum": 2**63 - 1}
    return marked(schema, field.basis, documented=field.documented)


def _attributes(stream: str, required: list[str] | None = None) -> Schema:
    never_empty = REQUIRED.get(stream, [])
    settable = {n: _settable(FIELDS[stream][n], required=n in never_empty) for n in WRITABLE[stream]}
    return closed(settable, required) | {"minProperties": 1}


def body(operation: Operation) -> dict[str, Schema]:
    """The request body of a write, if it takes one, as the member of an operation."""
    stream, basis = operation.stream, None
    match operation.kind:
        case "create":
            flat = _attributes(stream, REQUIRED[stream])
            wrapped = closed({"data": closed({"attributes": flat}, ["attributes"])}, ["data"])
            schema: Schema = {"oneOf": [flat, wrapped]}
            basis = "flat is shown for campaigns, wrapped for PATCH"
        case "update":
            item = closed({"attributes": _attributes(stream)}, ["attributes"])
            schema = closed({"data": item}, ["data"])
            basis = None if stream == "customers" else "shown for customers"
        case "bulk":
            item = closed({"id": {"type": "string"}, "attributes": _attributes(stream)}, ["id", "attributes"])
            schema = closed(
                {"data": {"type": "array", "items": item, "minItems": 1, "maxItems": 100}}, ["data"]
            )
            basis = "a list of what a single PATCH takes, each with its id"
        case _:
            return {}
    content = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": marked(content, basis, documented=basis is None)}
