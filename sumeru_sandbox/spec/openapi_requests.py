"""Parameters and request bodies of the OpenAPI document."""

from __future__ import annotations

from sumeru_sandbox.spec.endpoints import DOCUMENTED_FILTERS, INCLUDES, REQUIRED, Operation, id_prefix
from sumeru_sandbox.spec.fields import FIELDS, WRITABLE, Field, Schema
from sumeru_sandbox.spec.schema_builders import closed_object, component_ref, with_provenance

_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"


def _query(
    name: str, schema: Schema, text: str, basis: str | None = None, *, documented: bool = True
) -> Schema:
    parameter = {"name": name, "in": "query", "description": text, "schema": schema}
    return with_provenance(parameter, basis, documented=documented)


def _names(name: str, choices: list[str], text: str, basis: str | None = None, *, documented: bool) -> Schema:
    """Describe a parameter that takes a comma-separated list of names."""
    schema = {"type": "array", "items": {"enum": choices}, "minItems": 1}
    return _query(name, schema, text, basis, documented=documented) | {"style": "form", "explode": False}


def _include(stream: str, kind: str) -> list[Schema]:
    if stream not in INCLUDES:
        return []
    is_documented = (stream, kind) in {("customers", "get"), ("attribution", "list")}
    basis = None if is_documented else "documented for a single customer"
    return [_names("include", [*INCLUDES[stream]], "Related rows to embed.", basis, documented=is_documented)]


def _sort(scalars: list[str]) -> Schema:
    schema: Schema = {"enum": [sign + name for name in scalars for sign in ("", "-")]}
    basis = "the one documented field is a customer's `last_order_at`"
    return _query("sort", schema, "Field to sort by; a leading `-` sorts in descending order.", basis)


def _filter(stream: str, scalars: list[str]) -> Schema:
    """Describe `filter[field]=value`, which OpenAPI models as one object parameter."""
    documented = DOCUMENTED_FILTERS.get(stream, set())
    dates: dict[str, Schema] = {
        name: {"type": "string", "format": "date"} for name in ("date_from", "date_to")
    }
    values = dates | {name: {"type": "string"} for name in scalars}
    conditions = {
        name: with_provenance(schema, documented=name in documented) for name, schema in values.items()
    }
    parameter = _query(
        "filter", closed_object(conditions), "Conditions, combined with AND: `filter[field]=value`."
    )
    return parameter | {"style": "deepObject", "explode": True}


def _path(operation: Operation) -> list[Schema]:
    """Describe the id in the path, if there is one."""
    if "{" not in operation.path:
        return []
    name = operation.path.partition("{")[2].partition("}")[0]
    schema = {"type": "string", "pattern": f"^{id_prefix(operation)}[0-9A-Za-z]+$"}
    return [
        with_provenance({"name": name, "in": "path", "required": True, "schema": schema}, documented=True)
    ]


def shared_parameters() -> dict[str, Schema]:
    """Return the parameters that several operations share, by component name."""
    limit = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    key = {"type": "string", "minLength": 1, "maxLength": 255}
    text = "Within 24 hours, the same key and body return the same response; another body returns 409."
    header = {"name": "Idempotency-Key", "in": "header", "description": text, "schema": key}
    return {
        "Limit": _query("limit", limit, "Rows per page.", "the default is not documented"),
        "Cursor": _query("cursor", {"type": "string", "minLength": 1}, "`next_cursor` of the previous page."),
        "IdempotencyKey": with_provenance(header, "the length is not documented", documented=True),
    }


def parameters(operation: Operation) -> list[Schema]:
    """Return all parameters of an operation."""
    stream, kind = operation.stream, operation.kind
    if operation.method != "get":
        return [*_path(operation), component_ref("parameters", "IdempotencyKey")]
    names = ["id", *FIELDS[stream]]
    fields = _names("fields", names, "Attributes to return; `id` is always returned.", documented=True)
    choice = [fields, *_include(stream, kind)]
    if kind == "get":
        return [*_path(operation), *choice]
    scalars = [name for name, field in FIELDS[stream].items() if field.scalar]
    paging = [component_ref("parameters", "Limit"), component_ref("parameters", "Cursor")]
    return [*_path(operation), *paging, _sort(scalars), _filter(stream, scalars), *choice]


def _writable_schema(field: Field, *, required: bool) -> Schema:
    """Return the schema of a field in a write; a required field must not be empty."""
    schema: Schema = {"type": "string", "minLength": 1} if required else dict(field.schema)
    if schema.get("format") == "date-time":
        schema["pattern"] = _TIMESTAMP
    if schema["type"][0] == "integer":
        schema |= {"minimum": -(2**63), "maximum": 2**63 - 1}
    return with_provenance(schema, field.basis, documented=field.documented)


def _attributes(stream: str, required: list[str] | None = None) -> Schema:
    never_empty = REQUIRED.get(stream, [])
    settable = {n: _writable_schema(FIELDS[stream][n], required=n in never_empty) for n in WRITABLE[stream]}
    return closed_object(settable, required) | {"minProperties": 1}


def body(operation: Operation) -> dict[str, Schema]:
    """Return the `requestBody` member of an operation; empty if the operation takes no body."""
    stream, basis = operation.stream, None
    match operation.kind:
        case "create":
            flat = _attributes(stream, REQUIRED[stream])
            wrapped = closed_object({"data": closed_object({"attributes": flat}, ["attributes"])}, ["data"])
            schema: Schema = {"oneOf": [flat, wrapped]}
            basis = "flat is documented for campaigns, wrapped for PATCH"
        case "update":
            item = closed_object({"attributes": _attributes(stream)}, ["attributes"])
            schema = closed_object({"data": item}, ["data"])
            basis = None if stream == "customers" else "documented for customers"
        case "bulk":
            item = closed_object(
                {"id": {"type": "string"}, "attributes": _attributes(stream)}, ["id", "attributes"]
            )
            schema = closed_object(
                {"data": {"type": "array", "items": item, "minItems": 1, "maxItems": 100}}, ["data"]
            )
            basis = "a list of the items of a single PATCH, each with its id"
        case _:
            return {}
    content = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": with_provenance(content, basis, documented=basis is None)}
