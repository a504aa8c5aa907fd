"""The OpenAPI 3.1 document of the v1 admin API: 17 paths, 23 operations.

`x-provenance` marks each field, parameter and status code as `documented` by the vendor or `assumed` by the
sandbox; `x-basis` says what an assumption rests on.
"""

from __future__ import annotations

from typing import Any

from sumeru_sandbox.spec.endpoints import (
    ASSUMED_STATUSES,
    DOCUMENTED_LISTS,
    DOCUMENTED_PREFIXES,
    ERRORS,
    OPERATIONS,
    TYPES,
    Operation,
    error_statuses,
)
from sumeru_sandbox.spec.fields import FIELDS, Schema
from sumeru_sandbox.spec.openapi_requests import body, parameters, shared_parameters
from sumeru_sandbox.spec.schema_builders import closed_object, component_ref, with_provenance


def _name(stream: str) -> str:
    """Return the component name of a stream's resource, such as `SeoKeyword`."""
    return "".join(word.capitalize() for word in TYPES[stream][0].split("_"))


def _response(text: str, schema: Schema, *headers: str) -> Schema:
    """Describe a response, with the headers that every response has."""
    names = (
        "X-Sumeru-Stability",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        *headers,
    )
    return {
        "description": text,
        "headers": {name: component_ref("headers", name) for name in names},
        "content": {"application/json": {"schema": schema}},
    }


def _success(operation: Operation) -> dict[str, Schema]:
    """Describe the response to a successful request, by status."""
    stream = operation.stream
    row = component_ref("schemas", _name(stream))
    rows = {"type": "array", "items": row}
    single = _response("The row.", closed_object({"data": row}, ["data"]))
    match operation.kind:
        case "list":
            page = closed_object(
                {"data": rows, "pagination": component_ref("schemas", "Pagination")}, ["data", "pagination"]
            )
            basis = None if stream in DOCUMENTED_LISTS else "the catalog does not call it a list"
            return {
                "200": with_provenance(_response("A page of rows.", page), basis, documented=basis is None)
            }
        case "bulk":
            answer = _response(
                "The rows, in the order of the request.", closed_object({"data": rows}, ["data"])
            )
            return {"200": with_provenance(answer, documented=False)}
        case "create":
            return {"201": with_provenance(single, "the HTTP status of a created resource", documented=False)}
        case kind:
            is_documented = (stream, kind) == ("customers", "get")
            basis = None if is_documented else "documented for reading a customer"
            return {"200": with_provenance(single, basis, documented=is_documented)}


def _operation(operation: Operation) -> Schema:
    responses = _success(operation) | {
        status: component_ref("responses", ERRORS[status].name) for status in error_statuses(operation)
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
    """Describe a row of a stream: `id`, `type`, `attributes`, `relationships`."""
    type_, prefix = TYPES[stream]
    attributes = {
        name: with_provenance(field.schema, field.basis, documented=field.documented)
        for name, field in FIELDS[stream].items()
    }
    if stream == "customers":
        basis = "documented for `include`, except where included rows are placed"
        for name, other in (("orders", "orders"), ("attributions", "attribution")):
            related = {"type": "array", "items": component_ref("schemas", _name(other))}
            attributes[name] = with_provenance(related, basis, documented=False)
    is_documented = stream == "customers"
    members = {
        "id": with_provenance(
            {"type": "string", "pattern": f"^{prefix}"}, documented=prefix in DOCUMENTED_PREFIXES
        ),
        "type": with_provenance({"const": type_}, documented=is_documented),
        "attributes": with_provenance(closed_object(attributes), documented=is_documented),
        "relationships": with_provenance(component_ref("schemas", "Relationships"), documented=is_documented),
    }
    return closed_object(members, ["id", "type", "attributes"])


def _pagination() -> Schema:
    members: dict[str, Schema] = {
        "next_cursor": {"type": ["string", "null"]},
        "has_next": {"type": "boolean"},
    }
    return with_provenance(
        closed_object(members, list(members)), "null on the last page is assumed", documented=True
    )


def _relationships() -> Schema:
    identifier = closed_object({"id": {"type": "string"}, "type": {"type": "string"}}, ["id", "type"])
    linkage = {"oneOf": [identifier, {"type": "array", "items": identifier}, {"type": "null"}]}
    links = closed_object({"related": {"type": "string"}}, ["related"])
    members = {
        "links": with_provenance(links, documented=True),
        "data": with_provenance(linkage, documented=False),
    }
    return {"type": "object", "additionalProperties": closed_object(members)}


def _error(status: str) -> Schema:
    name, code, basis = ERRORS[status]
    members: dict[str, Schema] = {
        "code": {"const": code},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "request_id": {"type": "string", "pattern": "^req_"},
    }
    envelope = closed_object({"error": closed_object(members, list(members))}, ["error"])
    answer = _response(name, envelope, *(["Retry-After"] if status == "429" else []))
    return with_provenance(answer, basis, documented=status not in ASSUMED_STATUSES)


def _headers() -> dict[str, Schema]:
    def header(text: str, schema: Schema, *, always: bool = False) -> Schema:
        return with_provenance({"description": text, "schema": schema, "required": always}, documented=True)

    count = {"type": "integer", "minimum": 0}
    return {
        "X-Sumeru-Stability": header("Stability of the endpoint.", {"const": "stable"}, always=True),
        "X-RateLimit-Limit": header("Requests per minute; absent if there is no limit.", count),
        "X-RateLimit-Remaining": header("Requests left in this window.", count),
        "X-RateLimit-Reset": header("When the window ends, in Unix seconds.", count),
        "Retry-After": header("Seconds to wait.", count, always=True),
    }


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, built anew at each call."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault("/api/v1" + operation.path, {})[operation.method] = _operation(operation)
    shapes = {"Pagination": _pagination(), "Relationships": _relationships()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sumeru v1 admin API",
            "version": "2026.05",
            "description": "The documented API, and the sandbox's assumptions about its undocumented parts.",
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
