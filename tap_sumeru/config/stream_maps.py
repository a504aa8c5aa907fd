"""Validates `stream_maps`. The SDK does that too, but its errors quote the user's expressions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.mapper import StreamMap

_NULL = "__NULL__"
_ELSE = "__else__"
_KEY = "__key_properties__"


def check_maps(maps: object) -> None:
    """Check the setting `stream_maps`.

    Raises:
        SettingsError: A map is not valid; the message names the stream and the column.
    """
    if not isinstance(maps, Mapping):
        raise SettingsError("stream_maps: must be an object with a key for each stream.")
    for stream, columns in maps.items():
        where = f"stream_maps.{stream}"
        if isinstance(columns, Mapping):
            for column, expression in columns.items():
                _check_column(f"{where}.{column}", column, expression)
        elif columns not in (None, _NULL):
            raise SettingsError(f"{where}: must be null or an object with a key for each column.")


def _check_column(where: str, column: str, expression: object) -> None:
    if expression in (None, _NULL) or (column == _KEY and isinstance(expression, list)):
        return
    if column == _ELSE:
        raise SettingsError(f"{where}: must be null.")
    if not isinstance(expression, str):
        raise SettingsError(f"{where}: must be null or a string with an expression.")
    if column.startswith("__") and column != "__filter__":
        return
    try:
        valid = bool(ast.parse(expression).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        valid = False
    if not valid:
        raise SettingsError(f"{where}: must be a valid Python expression.")


@contextmanager
def flattened_names(stream: str) -> Iterator[None]:
    """Report names that flattening gives to two columns of a stream.

    Raises:
        SettingsError: There is such a name.
    """
    try:
        yield
    except ValueError as error:
        if "Duplicate column name" not in str(error):
            raise
        problem = f"two columns of {stream} would have one name. Set a larger number, or another separator."
        raise SettingsError(f"flattening_max_key_length: {problem}") from None


def check_keys(maps: Mapping[str, Sequence[StreamMap]]) -> None:
    """Check that flattening has left the names of the keys as they are.

    Raises:
        SettingsError: It has shortened one, so that the target would find no key.
    """
    for stream, resolved in maps.items():
        for stream_map in resolved:
            for key in stream_map.transformed_key_properties or ():
                if key not in stream_map.transformed_schema["properties"]:
                    problem = f"would shorten `{key}`, a key of {stream}. Set a larger number."
                    raise SettingsError(f"flattening_max_key_length: {problem}")
