"""Reads the files of the command line: config, state and catalog."""

from __future__ import annotations

import logging
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Catalog

from tap_sumeru.catalog.column_types import check_keywords
from tap_sumeru.config.catalog_conflicts import check_conflicts
from tap_sumeru.config.catalog_names import CATALOG_SCHEMA, check_catalog_names
from tap_sumeru.config.json_text import decode_input, is_blank
from tap_sumeru.config.schema_violations import first_violation
from tap_sumeru.errors import SettingsError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tap-sumeru")


def load_config(path: str) -> dict[str, Any]:
    """Return the content of a config file.

    Raises:
        SettingsError: The file cannot be read, or is not a JSON object.
    """
    return _load(_read(path, "config", SettingsError), "config", SettingsError, Decimal)


def load_state(path: str, *, required: bool = False) -> dict[str, Any]:
    """Return the content of a state file, empty if the file is; `state.validation` checks it later.

    Args:
        path: Path of the file.
        required: Whether an empty file is an error.

    Raises:
        StateError: The file cannot be read, or is not a JSON object.
    """
    raw = _read(path, "state", StateError)
    if is_blank(raw):
        if required:
            raise StateError("state: the file is empty. Write the new state to another file.")
        logger.info("state: the file is empty, so this run starts without bookmarks.")
        return {}
    return _load(raw, "state", StateError, Decimal)


def load_catalog(path: str) -> dict[str, Any]:
    """Return the content of a catalog file.

    Raises:
        StateError: The file cannot be read, is not a Singer catalog, or has no streams.
        SettingsError: It has a misspelt name, or contradicts itself.
        CatalogError: The schema of a column has a keyword that cannot be honoured.
    """
    catalog = _load(_read(path, "catalog", StateError), "catalog", StateError)
    if not catalog.get("streams"):
        raise StateError("catalog: has no streams. Create a catalog with --discover.")
    if violation := first_violation(catalog, CATALOG_SCHEMA):
        place, text = violation
        raise StateError(f"catalog: `{place}` {text}. Create a catalog with --discover.")
    try:
        Catalog.from_dict(catalog)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise StateError("catalog: is not a Singer catalog. Create one with --discover.") from None
    check_catalog_names(catalog)
    check_conflicts(catalog)
    for entry in catalog["streams"]:
        check_keywords(f"catalog: {entry['tap_stream_id']}", entry.get("schema"))
    return catalog


def _read(path: str, kind: str, error: type[SettingsError | StateError]) -> bytes:
    """Return the bytes of a file; `-` is standard input."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except FileNotFoundError:
        shown = path if path.isprintable() else "the path has control characters"
        raise error(f"{kind}: the file does not exist ({shown}).") from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "not a valid path"
        raise error(f"{kind}: the file cannot be read ({reason}).") from None


def _load(
    raw: bytes, kind: str, error: type[SettingsError | StateError], parse_float: Callable[[str], Any] = float
) -> dict[str, Any]:
    if is_blank(raw):
        raise error(f"{kind}: the file is empty. It must contain a JSON object.")
    content = decode_input(raw, kind, error, parse_float)
    if not isinstance(content, dict):
        raise error(f"{kind}: must be a JSON object.")
    return content
