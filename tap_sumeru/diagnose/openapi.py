"""Columns that a discovery takes from the vendor's OpenAPI document (`openapi_file`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.openapi_columns import openapi_columns, retyped
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.openapi_file import read_openapi_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_sumeru.catalog.openapi_columns import OpenApiColumns
    from tap_sumeru.catalog.stream_schemas import Schema

logger = logging.getLogger("tap-sumeru")

_MAX_NAMES = 20
"""Names in one log line, at most."""


def read_columns(path: str, replication_keys: Mapping[str, str]) -> dict[str, dict[str, Schema]]:
    """Return the columns that an OpenAPI document adds or replaces, by stream.

    Args:
        path: The path of the document.
        replication_keys: Replication key of each stream.

    Raises:
        SettingsError: The document cannot be read.
        CatalogError: The document gives a key a type that the tap cannot work with.
    """
    document = read_openapi_file(path)
    columns: dict[str, dict[str, Schema]] = {}
    for name, spec in STREAMS.items():
        known = stream_schemas.load(name)["properties"]
        found = openapi_columns(document, spec, known, replication_keys[name])
        if found is None:
            logger.warning(
                "openapi_file: %s: the document does not describe the rows of GET /api/v1/%s; "
                "the built-in schema is used.",
                name,
                spec.path.format(parent="{id}"),
            )
            continue
        columns[name] = found.columns
        _log(name, found, known)
    return columns


def _log(stream: str, found: OpenApiColumns, known: Mapping[str, Schema]) -> None:
    used = stream_schemas.load(stream, found.columns)["properties"]
    added = [name for name in found.columns if name not in known]
    changed = retyped(used, known)
    logger.info(
        "openapi_file: %s: %d columns; new: %s; of another type: %s.",
        stream,
        len(found.columns),
        _names(added),
        _names(changed),
    )
    kept = [name for name in found.others if name in known]
    if kept:
        logger.info(
            "openapi_file: %s: no single type, or the replication key, so the built-in type is used: %s.",
            stream,
            _names(kept),
        )
    extra = [name for name in found.others if name not in known]
    if extra:
        logger.info(
            "openapi_file: %s: no single type, or no safe name, so these fields stay in `extra`: %s.",
            stream,
            _names(extra),
        )


def _names(names: Iterable[str]) -> str:
    shown = [mask_name(name) for name in names]
    more = len(shown) - _MAX_NAMES
    text = ", ".join(shown[:_MAX_NAMES]) or "none"
    return f"{text} and {more} more" if more > 0 else text
