"""Checks the columns that the settings and the catalog name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.config.replication_keys import check_replication_key, replication_keys
from tap_sumeru.config.stream_maps import check_map_names
from tap_sumeru.config.unknown_names import not_extended, reject_misspelt

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
    given_options = config.get("stream_options") or {}
    for name, known in columns.items():  # an entry of another name has no effect, whatever it holds
        for one in (given_options.get(name) or {}).get("filters") or {}:
            if one not in known:  # the API may accept filters on attributes that no schema has
                where = f"stream_options.{name}.filters.{mask_name(one)}"
                reject_misspelt(where, one, not_extended(one, known), "attribute")
    for name, key in replication_keys(config).items():
        check_replication_key(f"stream_options.{name}.replication_key", key, columns[name])
        given = streams[name].replication_key
        if given not in (None, key):
            check_replication_key(f"catalog: {name}.replication_key", given, columns[name])
