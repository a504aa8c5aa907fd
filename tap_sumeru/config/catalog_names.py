"""Checks a catalog: its form, and that its streams and columns exist."""

from __future__ import annotations

import logging
from typing import Any

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.unknown_names import check_name, not_extended, reject_misspelt, resembling
from tap_sumeru.errors import SettingsError

logger = logging.getLogger("tap-sumeru")

_METHODS = ("FULL_TABLE", "INCREMENTAL")
_IF_UNKNOWN = "the stream is read incrementally. Use FULL_TABLE or INCREMENTAL"
_METHOD = "replication-method"
"""Meltano's key. It counts only if the stream's own `replication_method` says the same, as with Meltano."""
_KEYS = frozenset(
    {
        "database-name",
        "forced-replication-method",
        "inclusion",
        "is-view",
        "replication-key",
        "row-count",
        "schema-name",
        "selected",
        "selected-by-default",
        "sql-datatype",
        "table-key-properties",
        "valid-replication-keys",
        "view-key-properties",
    }
)
"""Keys of metadata that Singer knows."""
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
_SCHEMA = {"$ref": "#/$defs/schema"}
CATALOG_SCHEMA: dict[str, Any] = {
    "$defs": {
        "schema": {
            "type": "object",
            "properties": {
                "type": {"type": ["string", "array"]},  # `catalog.column_types` names unknown types
                "properties": {"type": "object", "additionalProperties": _SCHEMA},
                "items": _SCHEMA,
                "anyOf": {"type": "array", "items": _SCHEMA},
                "format": {"type": "string"},
            },
        }
    },
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
                    "selected": _FLAG,
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
        check_name(f"catalog: {mask_name(name)}", name, STREAMS, "stream", "it is not read")
        if name in STREAMS:
            if entry.get("stream") not in (None, "", name):
                raise SettingsError(f"catalog: {name}.stream: must be {name}. Use stream_maps to rename it.")
            _check_columns(name, entry)
            method = entry.get("replication_method") or "INCREMENTAL"
            _check_method(f"catalog: {name}.replication_method", method)
            for item in entry.get("metadata", ()):
                _check_keys(f"catalog: {name}", item["metadata"], method)


def _check_columns(stream: str, entry: dict[str, Any]) -> None:
    known = stream_schemas.load(stream)["properties"]
    own = entry.get("schema", {}).get("properties", {})
    for column in own.keys() - known.keys():
        meant = resembling(column, not_extended(column, known))
        if meant and "x-provenance" not in own[column]:
            place = f"catalog: {stream}.{mask_name(column)}"
            logger.warning("%s: adds a column; `%s` stays as it is. Did you mean that?", place, meant)
    for item in entry.get("metadata", ()):
        breadcrumb = item["breadcrumb"]
        if len(breadcrumb) == _COLUMN:
            column = breadcrumb[1]
            check_name(f"catalog: {stream}.{mask_name(column)}", column, {*known, *own}, "column")


def _check_keys(where: str, metadata: dict[str, Any], method: str) -> None:
    for key, value in metadata.items():
        if key not in _KEYS and (key, value) != (_METHOD, method):
            reject_misspelt(f"{where}: {mask_name(key)}", key, _KEYS, "key of metadata")
    if forced := metadata.get("forced-replication-method"):
        _check_method(f"{where}: forced-replication-method", forced)


def _check_method(where: str, method: str) -> None:
    check_name(where, method, _METHODS, "replication method", _IF_UNKNOWN)
