"""Whether `stream_maps` can be read: the SDK would say so too, but quote what the user wrote."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from tap_sumeru.errors import SettingsError

_NULL = "__NULL__"
_ELSE = "__else__"
_KEY = "__key_properties__"


def check_maps(maps: object) -> None:
    """Refuse stream maps that no record could go through.

    Raises:
        SettingsError: The message names the stream and the column, and quotes no expression.
    """
    if not isinstance(maps, Mapping):
        raise SettingsError("stream_maps: must be an object of streams and their columns.")
    for stream, columns in maps.items():
        where = f"stream_maps.{stream}"
        if isinstance(columns, Mapping):
            for column, expression in columns.items():
                _check_column(f"{where}.{column}", column, expression)
        elif columns not in (None, _NULL):
            raise SettingsError(f"{where}: must be null or an object of columns and expressions.")


def _check_column(where: str, column: str, expression: object) -> None:
    if expression in (None, _NULL) or (column == _KEY and isinstance(expression, list)):
        return
    if column == _ELSE:
        raise SettingsError(f"{where}: must be null.")
    if not isinstance(expression, str):
        raise SettingsError(f"{where}: must be null or an expression.")
    if column.startswith("__") and column != "__filter__":
        return
    try:
        readable = bool(ast.parse(expression).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        readable = False
    if not readable:
        raise SettingsError(f"{where}: is no expression that can be read.")
