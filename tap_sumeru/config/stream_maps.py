"""Checks `stream_maps`: the SDK's errors quote expressions, and it ignores names that it does not know."""

from __future__ import annotations

import ast
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.config.unknown_names import check_name, not_extended, reject_misspelt, resembling
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.mapper import StreamMap

logger = logging.getLogger("tap-sumeru")

_NULL = "__NULL__"
_ELSE = "__else__"
_KEY = "__key_properties__"
_SOURCE = "__source__"
_FILTER = "__filter__"
_NAMES = frozenset({"__alias__", _SOURCE})
_OPERATORS = frozenset({_ELSE, _KEY, _FILTER, *_NAMES})


def check_maps(maps: object) -> None:
    """Check the form of the setting `stream_maps`.

    Raises:
        SettingsError: A map is not valid; the message names the stream and the column.
    """
    if not isinstance(maps, Mapping):
        raise SettingsError("stream_maps: must be an object with a key for each stream.")
    for stream, columns in maps.items():
        where = f"stream_maps.{mask_name(stream)}"
        if stream.startswith("__") and stream != _ELSE:
            raise SettingsError(f"{where}: is not an operator of stream maps. Did you mean {_ELSE}?")
        if isinstance(columns, Mapping) and stream != _ELSE:
            for column, expression in columns.items():
                _check_column(f"{where}.{mask_name(column)}", column, expression)
        elif columns not in (None, _NULL):
            raise SettingsError(f"{where}: must be null or an object with a key for each column.")


def _check_column(where: str, column: str, expression: object) -> None:
    if column in _NAMES and (not isinstance(expression, str) or not expression.strip()):
        raise SettingsError(f"{where}: must be the name of a stream.")
    if column == _SOURCE or expression in (None, _NULL):
        return
    if column == _KEY and isinstance(expression, list) and all(isinstance(one, str) for one in expression):
        return
    if column == _ELSE:
        raise SettingsError(f"{where}: must be null.")
    if not isinstance(expression, str):
        raise SettingsError(f"{where}: must be null or a string with an expression.")
    if column.startswith("__") and column not in _OPERATORS:
        reject_misspelt(where, column, _OPERATORS, "operator of stream maps")
    try:
        body = ast.parse(expression).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise SettingsError(f"{where}: must be a valid Python expression.")


def check_map_names(maps: Mapping[str, Any], columns: Mapping[str, Collection[str]]) -> None:
    """Check the names of streams and columns in `stream_maps`, whose form is valid.

    Args:
        maps: The setting.
        columns: The columns of each stream.

    Raises:
        SettingsError: A name resembles a known one, or a map drops a column that does not exist: it was meant
            to hide something.
    """
    for name, definition in maps.items():
        if name == _ELSE:
            continue
        mapped = definition if isinstance(definition, Mapping) else {}
        source = mapped.get(_SOURCE, name)
        streams = [stream for stream in columns if stream == source or fnmatchcase(stream, source)]
        if streams:
            existing = set().union(*(columns[stream] for stream in streams))
            _check_columns(f"stream_maps.{mask_name(name)}", mapped, existing)
        else:
            check_name(f"stream_maps.{mask_name(name)}", source, columns, "stream")
    _check_replaced(maps, columns)


def _check_replaced(maps: Mapping[str, Any], columns: Iterable[str]) -> None:
    """Check that a map which replaces an earlier one with a wildcard covers all columns of that one.

    Raises:
        SettingsError: The replaced map drops or changes a column that the later one does not mention.
    """
    for stream in columns:
        in_force = [
            (name, definition)
            for name, definition in maps.items()
            if isinstance(definition, Mapping) and _SOURCE not in definition and fnmatchcase(stream, name)
        ]
        for (name, first), (later, last) in pairwise(in_force):
            lost = sorted(first.keys() - last.keys() - _OPERATORS)
            if lost and _ELSE not in last:
                where = f"stream_maps.{mask_name(later)}"
                raise SettingsError(
                    f"{where}: replaces the map {mask_name(name)} for {stream}, so that {mask_name(lost[0])} "
                    "would be emitted unchanged. Repeat that column in this map."
                )


def _check_columns(where: str, mapped: Mapping[str, Any], existing: Collection[str]) -> None:
    for column, expression in mapped.items():
        if column in _OPERATORS or column in existing:
            continue
        place = f"{where}.{mask_name(column)}"
        if expression in (None, _NULL):
            meant = resembling(column, existing)
            advice = f"Did you mean {meant}?" if meant else "Unknown fields are in `extra`; drop that."
            raise SettingsError(f"{place}: drops a column that does not exist. {advice}")
        if meant := resembling(column, not_extended(column, existing)):
            logger.warning("%s: adds a column; `%s` stays as it is. Did you mean that?", place, meant)


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
        problem = (
            f"two columns of {stream} would have the same name. Set a larger number, or another separator."
        )
        raise SettingsError(f"flattening_max_key_length: {problem}") from None


def check_keys(maps: Mapping[str, Sequence[StreamMap]]) -> None:
    """Check that flattening has not shortened the name of a key.

    Raises:
        SettingsError: It has shortened one, so that the target would find no key.
    """
    for stream, resolved in maps.items():
        for stream_map in resolved:
            for key in stream_map.transformed_key_properties or ():
                if key not in stream_map.transformed_schema["properties"]:
                    problem = f"would shorten `{key}`, a key of {stream}. Set a larger number."
                    raise SettingsError(f"flattening_max_key_length: {problem}")
