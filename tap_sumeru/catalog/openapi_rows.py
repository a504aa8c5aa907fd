"""Finds the schema of a stream's rows in an OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_sumeru.catalog.openapi_types import OpenApiTypes, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_sumeru.catalog.streams import StreamSpec

_ENVELOPE = ("id", "type", "attributes", "relationships")
_PREFIX = "/api/v1"
_PARAMETER = re.compile(r"\{[^}]*\}")


def row_fields(types: OpenApiTypes, document: Mapping[str, Any], spec: StreamSpec) -> Shape | None:
    """Return the attributes of a stream's rows and their id, None if the document does not describe them.

    Args:
        types: The schemas of the document.
        document: The document.
        spec: The stream.
    """
    operation = _operation(types, document, spec.path)
    data = types.shape(_body(types, operation))
    row = types.shape((data.members or {}).get("data"), data.refs)
    if row.kind == "array":
        row = types.shape(row.items, row.refs)
    if row.kind != "object" or not row.members:
        return None
    inner = types.shape(row.members.get("attributes"), row.refs)
    if inner.kind != "object":
        hidden = {"relationships"} | ({"type"} if _is_type(types, row, spec.resource) else set())
        return _without(row, hidden)
    beside = {name: schema for name, schema in row.members.items() if name not in _ENVELOPE}
    key = {"id": row.members["id"]} if "id" in row.members else {}
    fields = {**(inner.members or {}), **key}
    fields |= {name: schema for name, schema in beside.items() if name not in fields}
    return Shape(row.kinds, members=fields, refs=row.refs | inner.refs) if inner.members else None


def _without(row: Shape, hidden: set[str]) -> Shape:
    members = {name: schema for name, schema in (row.members or {}).items() if name not in hidden}
    return Shape(row.kinds, members=members, refs=row.refs)


def _is_type(types: OpenApiTypes, row: Shape, resource: str) -> bool:
    """Return whether the member `type` of a flat row is the type of the resource."""
    schema = (row.members or {}).get("type")
    schema = types.lookup(schema["$ref"]) if isinstance(schema, Mapping) and "$ref" in schema else schema
    values = (schema.get("const"), schema.get("enum")) if isinstance(schema, Mapping) else ()
    return resource in values or [resource] in values


def _operation(types: OpenApiTypes, document: Mapping[str, Any], path: str) -> object:
    """Return the GET of the path of a stream, None if the document does not have it."""
    wanted = "/" + _PARAMETER.sub("{}", path)
    paths = document.get("paths")
    found: dict[int, object] = {}
    for template, given in paths.items() if isinstance(paths, Mapping) else ():
        item = _resolved(types, given)
        operation = item.get("get")
        if not isinstance(operation, Mapping):
            continue
        for base in _bases(operation, item, document):
            full = _PARAMETER.sub("{}", f"{base}/{str(template).strip('/')}")
            for prefix in (_PREFIX, "/v1", "/api", ""):
                if full == prefix + wanted:
                    found.setdefault(len(prefix), operation)
    return found[max(found)] if found else None


def _bases(*levels: Mapping[str, Any]) -> Iterator[str]:
    """Yield the possible base paths of an operation: an empty one, and those of the innermost `servers`."""
    yield ""
    for level in levels:
        servers = level.get("servers")
        if not isinstance(servers, list):
            continue
        for server in servers:
            if isinstance(server, Mapping):
                yield urlsplit(_url(server)).path.rstrip("/")
        return


def _url(server: Mapping[str, Any]) -> str:
    """Return the URL of a server with the defaults of its variables."""
    variables = server.get("variables")
    url = str(server.get("url", ""))
    for name, variable in variables.items() if isinstance(variables, Mapping) else ():
        default = variable.get("default", "") if isinstance(variable, Mapping) else ""
        url = url.replace(f"{{{name}}}", str(default))
    return url


def _body(types: OpenApiTypes, operation: object) -> object:
    """Return the JSON schema of the successful response."""
    responses = _resolved(types, operation).get("responses")
    by_status = (
        {str(status): one for status, one in responses.items()} if isinstance(responses, Mapping) else {}
    )
    content = _resolved(types, by_status.get("200", by_status.get("2XX"))).get("content")
    kinds = content if isinstance(content, Mapping) else {}
    for wanted in ("application/json", "json", "*/*"):
        for kind, media in kinds.items():
            if wanted in str(kind).lower() and isinstance(media, Mapping):
                return media.get("schema")
    return None


def _resolved(types: OpenApiTypes, node: object) -> Mapping[str, Any]:
    """Return an object of the document, or the one that it refers to."""
    for _ in range(10):
        if not (isinstance(node, Mapping) and "$ref" in node):
            break
        node = types.lookup(node["$ref"])
    return node if isinstance(node, Mapping) else {}
