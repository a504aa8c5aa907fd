"""OpenAPI documents that describe the orders only, and the columns that come of them."""

from __future__ import annotations

from typing import Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.openapi_columns import OpenApiColumns, openapi_columns
from tap_sumeru.catalog.streams import STREAMS

Json = dict[str, Any]

PATH = "/api/v1/orders"
ID = {"id": {"type": "string"}}


def spec(
    fields: Json, schemas: Json | None = None, path: str = PATH, *, flat: bool = False, **more: Any
) -> Json:
    """Return a document in which the orders have some fields."""
    attributes = {"type": "object", "properties": fields}
    row = {"type": "object", "properties": {**ID, "attributes": attributes}}
    row = {"properties": {**ID, **fields}} if flat else row
    page = {"type": "object", "properties": {"data": {"type": "array", "items": row}}}
    response = {"description": "A page.", "content": {"application/json": {"schema": page}}}
    paths = {path: {"get": {"responses": {"200": response}}}}
    return {"openapi": "3.0.3", "paths": paths, "components": {"schemas": schemas or {}}, **more}


def orders(document: Json, key: str = "updated_at") -> OpenApiColumns:
    """Return the columns of the orders."""
    known = stream_schemas.load("orders")["properties"]
    found = openapi_columns(document, STREAMS["orders"], known, key)
    assert found is not None
    return found
