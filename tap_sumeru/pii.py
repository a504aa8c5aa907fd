"""Stream maps that hash or drop personal data, for what the setting `pii` cannot do, such as ids.

`python -m tap_sumeru.pii hash` (or `drop`) prints the value for the setting `stream_maps`.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.personal_columns import is_marked
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.error_reporting import reported_errors
from tap_sumeru.output import stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

_SALTED = "str(sha256(config['hash_seed'] + {text})) if _.get('{name}') is not None else None"
_TEXT = "_.get('{name}')"
_JSON = "json.dumps(_.get('{name}'), sort_keys=True, default=str)"
_PERSON_IDS = ("customer_id", "merged_into_id")
"""Columns of any stream that contain the id of a customer."""


def stream_maps(how: str, *, ids: bool = False) -> dict[str, dict[str, str | None]]:
    """Return stream maps that hash or drop every column that is marked as personal.

    Hashes are salted with `stream_map_config.hash_seed`; null stays null. `extra` is always dropped, because
    it can contain anything.

    Args:
        how: `hash` or `drop`.
        ids: Whether to hash the ids of customers too, with the same result in all streams, and to drop
            `relationships`.
    """
    maps = {}
    for stream in STREAMS:
        properties = stream_schemas.load(stream)["properties"]
        columns: dict[str, str | None] = {}
        for name, schema in properties.items():
            if ids and (name in _PERSON_IDS or (name == "id" and _names_a_person(stream))):
                columns[name] = _hashed(name, schema)
            elif name == "extra" or (ids and name == "relationships"):
                columns[name] = None
            elif is_marked(schema):
                columns[name] = _hashed(name, schema) if how == "hash" else None
        maps[stream] = columns
    return maps


def _names_a_person(stream: str) -> bool:
    """Return whether the id of a row is that of a customer, or may be made from it."""
    return stream == "customers" or not set(_PERSON_IDS).isdisjoint(STREAMS[stream].natural_key)


def _hashed(name: str, schema: stream_schemas.Schema) -> str:
    text = _TEXT if "string" in schema["type"] else _JSON
    return _SALTED.format(text=text.format(name=name), name=name)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the stream maps as JSON on one line."""
    parser = argparse.ArgumentParser(prog="python -m tap_sumeru.pii", description=main.__doc__)
    parser.add_argument("how", choices=("hash", "drop"), help="what to do with personal columns")
    parser.add_argument("--ids", action="store_true", help="also hash customer ids and drop relationships")
    with reported_errors():
        with stdout.printed_whole():
            arguments: Any = parser.parse_args(argv)
        maps = json.dumps(stream_maps(arguments.how, ids=arguments.ids))
        stdout.write(f"{maps}\n".encode())


if __name__ == "__main__":
    main()
