"""Checks a catalog: its form, and that its streams and columns exist."""

from __future__ import annotations

import logging
from typing import Any

from sumeru_api.redaction import mask
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.names import check_name, resembling

logger = logging.getLogger("tap-sumeru")

_COLUMN = 2
"""Length of a breadcrumb that stands for a column."""

_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": ["boolean", "null"]}
_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}
_METADATA = {
    "type": "object",
    "required": ["breadcrumb", "metadata"],
    "properties": {
        "breadcrumb": {"type": "array", "items": {"type": "string"}},
        "metadata": {
            "type": "object",
            "properties": {
                "inclusion": _TEXT,
                "selected": _FLAG,
                "selected-by-default": _FLAG,
                "replication-key": _TEXT,
                "forced-replication-method": _TEXT,
                "table-key-properties": _NAMES,
            },
        },
    },
}
_SCHEMA = {
    "type": "object",
    "properties": {"properties": {"type": "object", "additionalProperties": {"type": "object"}}},
}
CATALOG_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "streams": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tap_stream_id"],
                "properties": {
                    "tap_stream_id": {"type": "string"},
                    "stream": _TEXT,
                    "schema": _SCHEMA,
                    "metadata": {"type": "array", "items": _METADATA},
                    "key_properties": _NAMES,
                    "replication_key": _TEXT,
                    "replication_method": _TEXT,
                },
            },
        }
    },
}
"""JSON Schema of what the tap reads of a catalog."""


def check_catalog_names(catalog: dict[str, Any]) -> None:
    """Check the streams and columns of a catalog, whose form is valid.

    A column that only the catalog's schema has is one that the user adds.

    Raises:
        SettingsError: The name of a stream or column resembles a known one.
    """
    for entry in catalog["streams"]:
        name = entry["tap_stream_id"]
        check_name(f"catalog: {name}", name, STREAMS, "stream", "it is not read")
        if name in STREAMS:
            _check_columns(name, entry)


def _check_columns(stream: str, entry: dict[str, Any]) -> None:
    known = stream_schemas.load(stream)["properties"]
    own = entry.get("schema", {}).get("properties", {})
    for column in own.keys() - known.keys():
        meant = resembling(column, known)
        if meant and "x-provenance" not in own[column]:
            place = mask(f"catalog: {stream}.{column}")
            logger.warning("%s: adds a column; `%s` stays as it is. Did you mean that?", place, meant)
    for item in entry.get("metadata", ()):
        breadcrumb = item["breadcrumb"]
        if len(breadcrumb) == _COLUMN:
            check_name(f"catalog: {stream}.{breadcrumb[1]}", breadcrumb[1], {*known, *own}, "column")
