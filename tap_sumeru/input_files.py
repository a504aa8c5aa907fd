"""Reads the state and catalog files of the command line."""

from __future__ import annotations

import json
from typing import IO, Any

from singer_sdk.singerlib import Catalog

from tap_sumeru.catalog.column_types import check_keywords
from tap_sumeru.errors import StateError


def load_state(file: IO[str]) -> dict[str, Any]:
    """Return the content of a state file; `state.validation` checks it later.

    Raises:
        StateError: The file is not a JSON object.
    """
    return _load(file, "state")


def load_catalog(file: IO[str]) -> dict[str, Any]:
    """Return the content of a catalog file.

    Raises:
        StateError: The file is not a Singer catalog, or has no streams.
        CatalogError: The schema of a column has a keyword that cannot be honoured.
    """
    catalog = _load(file, "catalog")
    if not catalog.get("streams"):
        raise StateError("catalog: has no streams. Create a catalog with --discover.")
    try:
        Catalog.from_dict(catalog)
    except (AttributeError, KeyError, TypeError):
        raise StateError("catalog: is not a Singer catalog. Create one with --discover.") from None
    for entry in catalog["streams"]:
        check_keywords(f"catalog: {entry['tap_stream_id']}", entry.get("schema"))
    return catalog


def _load(file: IO[str], kind: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read())
    except ValueError:
        raise StateError(f"{kind}: must be JSON.") from None
    if not isinstance(content, dict):
        raise StateError(f"{kind}: must be a JSON object.")
    return content
