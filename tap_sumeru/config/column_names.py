"""Checks the columns that the settings and the catalog name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.config.replication_keys import check_replication_key, replication_keys
from tap_sumeru.config.stream_maps import check_map_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from singer_sdk import Stream


def check_columns(config: Mapping[str, Any], streams: Mapping[str, Stream]) -> None:
    """Check the columns that the settings and the catalog name.

    Args:
        config: The config.
        streams: The streams by name, with the schemas and replication keys of the catalog.

    Raises:
        SettingsError: A column does not exist; the message names it.
    """
    columns = {
        name: {*stream.schema["properties"], *stream_schemas.load(name)["properties"]}
        for name, stream in streams.items()
    }
    check_map_names(config.get("stream_maps", {}), columns)
    for name, key in replication_keys(config).items():
        check_replication_key(f"stream_options.{name}.replication_key", key, columns[name])
        given = streams[name].replication_key
        if given not in (None, key):
            check_replication_key(f"catalog: {name}.replication_key", given, columns[name])
