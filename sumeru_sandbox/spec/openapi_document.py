"""The OpenAPI 3.1 document of the documented v1 admin API: 17 paths, 23 operations.

`x-provenance` says of each field, parameter and status code whether the vendor's pages show it (`documented`)
or the sandbox supposes it (`assumed`); `x-basis` says what an assumption rests on.
"""

from __future__ import annotations

from typing import Any

from sumeru_sandbox.spec.endpoints import (
    ERRORS,
    LISTS,
    OPERATIONS,
    PREFIXES_SHOWN,
    STATUSES_ASSUMED,
    TYPES,
    Operation,
    statuses,
)
from sumeru_sandbox.spec.fields import FIELDS, Schema
from sumeru_sandbox.spec.openapi_requests import body, closed, marked, parameters, ref, shared_parameters


def _name(stream: str) -> str:
    """The name of a stream's resource among the components: `SeoKeyword`."""
    return "".join(word.capitalize() for word in TYPES[stream][0].split("_"))


def _answer(text: str, schema: Schema, *headers: str) -> Schema:
    """A response, with the headers that every one carries."""
    names = (
        "X-Sumeru-Stability",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        *headers,
    )
    return {
        "description": text,
        "headers": {name: ref("headers", name) for name in names},
        "content": {"application/json": {"schema": schema}},
    }


def _success(operation: Operation) -> dict[str, Schema]:
    """The answer to a request that went well, by its status."""
    stream = operation.stream
    row = ref("schemas", _name(stream))
    rows = {"type": "array", "items": row}
    single = _answer("The row.", closed({"data": row}, ["data"]))
    match operation.kind:
        case "list":
            page = closed({"data": rows, "pagination": ref("schemas", "Pagination")}, ["data", "pagination"])
            basis = None if stream in LISTS else "the catalog does not call it a list"
            return {"200": marked(_answer("A page of rows.", page), basis, documented=basis is None)}
        case "bulk":
            answer = _answer("The rows, in the order asked.", closed({"data": rows}, ["data"]))
            return {"200": marked(answer, documented=False)}
        case "create":
            return {"201": marked(single, "HTTP's status for what was created", documented=False)}
        case kind:
            shown = (stream, kind) == ("customers", "get")
            basis = None if shown else "shown for reading a customer"
            return {"200": marked(single, basis, documented=shown)}


def _operation(operation: Operation) -> Schema:
    responses = _success(operation) | {
        status: ref("responses", ERRORS[status].name) for status in statuses(operation)
    }
    described: Schema = {
        "operationId": f"{operation.kind}_{operation.stream}",
        "tags": [operation.stream],
        "x-scope": operation.scope,
        "parameters": parameters(operation),
        "responses": responses,
    }
    return described | body(operation)


def _resource(stream: str) -> Schema:
    """A row of a stream: `id`, `type`, `attributes`, `relationships`."""
    type_, prefix = TYPES[stream]
    attributes = {
        name: marked(field.schema, field.basis, documented=field.documented)
        for name, field in FIELDS[stream].items()
    }
    if stream == "customers":
        basis = "documented for `include`; where included rows are put is not"
        for name, other in (("orders", "orders"), ("attributions", "attribution")):
            related = {"type": "array", "items": ref("schemas", _name(other))}
            attributes[name] = marked(related, basis, documented=False)
    shown = stream == "customers"
    members = {
        "id": marked({"type": "string", "pattern": f"^{prefix}"}, documented=prefix in PREFIXES_SHOWN),
        "type": marked({"const": type_}, documented=shown),
        "attributes": marked(closed(attributes), documented=shown),
        "relationships": marked(ref("schemas", "Relationships"), documented=shown),
    }
    return closed(members, ["id", "type", "attributes"])


def _pagination() -> Schema:
    members: dict[str, Schema] = {
        "next_cursor": {"type": ["string", "null"]},
        "has_next": {"type": "boolean"},
    }
    return marked(closed(members, list(members)), "null on the last page is assumed", documented=True)


def _relationships() -> Schema:
    identifier = closed({"id": {"type": "string"}, "type": {"type": "string"}}, ["id", "type"])
    linkage = {"oneOf": [identifier, {"type": "array", "items": identifier}, {"type": "null"}]}
    links = closed({"related": {"type": "string"}}, ["related"])
    members = {"links": marked(links, documented=True), "data": marked(linkage, documented=False)}
    return {"type": "object", "additionalProperties": closed(members)}


def _error(status: str) -> Schema:
    name, code, basis = ERRORS[status]
    members: dict[str, Schema] = {
        "code": {"const": code},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "request_id": {"type": "string", "pattern": "^req_"},
    }
    envelope = closed({"error": closed(members, list(members))}, ["error"])
    answer = _answer(name, envelope, *(["Retry-After"] if status == "429" else []))
    return marked(answer, basis, documented=status not in STATUSES_ASSUMED)


def _headers() -> dict[str, Schema]:
    def header(text: str, schema: Schema, *, always: bool = False) -> Schema:
        return marked({"description": text, "schema": schema, "required": always}, documented=True)

    count = {"type": "integer", "minimum": 0}
    return {
        "X-Sumeru-Stability": header("Stability of the endpoint.", {"const": "stable"}, always=True),
        "X-RateLimit-Limit": header("Requests a minute; absent where there is no limit.", count),
        "X-RateLimit-Remaining": header("Requests left in this window.", count),
        "X-RateLimit-Reset": header("When the window ends, in Unix seconds.", count),
        "Retry-After": header("Seconds to wait.", count, always=True),
    }


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document, made anew at each call."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault("/api/v1" + operation.path, {})[operation.method] = _operation(operation)
    shapes = {"Pagination": _pagination(), "Relationships": _relationships()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sumeru v1 admin API",
            "version": "2026.05",
            "description": "What the vendor documents, and what the sandbox supposes where it does not.",
        },
        "servers": [
            {"url": "/", "description": "The sandbox that serves this document"},
            {"url": "https://api.sumeru.systems"},
            {"url": "https://eu.api.sumeru.systems", "description": "Enterprise plans with data residency"},
        ],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {_name(stream): _resource(stream) for stream in TYPES} | shapes,
            "parameters": shared_parameters(),
            "headers": _headers(),
            "responses": {error.name: _error(status) for status, error in ERRORS.items()},
        },
    }
