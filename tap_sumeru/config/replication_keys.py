"""Reads the replication keys that the settings choose, and checks that they name a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.settings import check_types
from tap_sumeru.config.unknown_names import check_name, not_extended

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_sumeru.config.shops import Config


def replication_keys(config: Config) -> dict[str, str]:
    """Return the replication key of each stream; the rest of the config need not be valid.

    Raises:
        SettingsError: `stream_options` has the wrong type.
    """
    options = config.get("stream_options") or {}
    check_types({"stream_options": options})
    return {
        name: (options.get(name) or {}).get("replication_key") or spec.replication_key
        for name, spec in STREAMS.items()
    }


def check_replication_key(setting: str, key: str, columns: Collection[str]) -> None:
    """Check that a replication key is a column: without one in the rows, every sync reads the whole stream.

    A field that no schema knows may still be in the rows, so it is only warned of. The end of the run says
    whether any row had it.

    Args:
        setting: The setting or the place in the catalog that names the key.
        key: The replication key.
        columns: The columns of the stream.

    Raises:
        SettingsError: The key resembles a column.
    """
    effect = "if the rows do not have it either, each sync reads the whole stream"
    check_name(f"{setting} ({mask_name(key)})", key, not_extended(key, columns), "column", effect)
