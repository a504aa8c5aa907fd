"""State and catalog files that the command line names."""

from __future__ import annotations

import json
from typing import IO, Any

from singer_sdk.singerlib import Catalog

from tap_sumeru.errors import StateError


def load_state(file: IO[str]) -> dict[str, Any]:
    """Return the state in a file; the tap validates it when it loads it.

    Raises:
        StateError: The file is not a JSON object.
    """
    return _load(file, "state")


def load_catalog(file: IO[str]) -> dict[str, Any]:
    """Return the catalog in a file.

    Raises:
        StateError: The file is damaged, or has no streams.
    """
    catalog = _load(file, "catalog")
    if not catalog.get("streams"):
        raise StateError("catalog: has no streams; write one with --discover.")
    try:
        Catalog.from_dict(catalog)
    except (AttributeError, KeyError, TypeError):
        raise StateError("catalog: is damaged; write one with --discover.") from None
    return catalog


def _load(file: IO[str], what: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read())
    except ValueError:
        raise StateError(f"{what}: is not JSON.") from None
    if not isinstance(content, dict):
        raise StateError(f"{what}: is not a JSON object.")
    return content
