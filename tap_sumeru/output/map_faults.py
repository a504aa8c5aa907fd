"""Finds the column at which a stream map fails for a record, and reports it without a value."""

from __future__ import annotations

import ast
from inspect import getclosurevars
from typing import TYPE_CHECKING

from singer_sdk.mapper import CustomStreamMap

from sumeru_api.redaction import mask_name
from tap_sumeru.errors import StreamMapError

if TYPE_CHECKING:
    from singer_sdk.mapper import StreamMap

    from sumeru_api.responses import Row

_FILTER = "__filter__"
_MAX_LENGTH = 100
_MAX_NUMBER = 1000
"""Larger numbers may be ids."""


def map_fault(stream_map: StreamMap, record: Row, error: Exception) -> Exception:
    """Return an error that names the column of a stream map which fails for a record.

    Args:
        stream_map: The map that has failed.
        record: The record; its columns are evaluated once more, one by one.
        error: What the map has raised; it is returned if no column fails by itself.
    """
    if not isinstance(stream_map, CustomStreamMap):
        return error
    column, expression = _failing(stream_map, record)
    if not column:
        return error
    kind = type(error.__cause__ or error).__name__
    shown = f": {expression}" if _holds_no_value(expression) else ""
    where = f"{mask_name(stream_map.stream_alias)}.{mask_name(column)}"
    return StreamMapError(f"the stream map {where} fails for a record ({kind}){shown}")


def _failing(stream_map: CustomStreamMap, record: Row) -> tuple[str, str]:
    """Return the first column that fails and its expression; both are empty if none does."""
    # The SDK keeps the rules nowhere else; test_masked_columns and test_map_faults pin the names.
    rules = getclosurevars(stream_map._transform_fn).nonlocals["stream_map_parsed"]  # noqa: SLF001 - see above
    try:
        stream_map.get_filter_result(record)
    except Exception:  # noqa: BLE001 - expressions raise any kind
        return _FILTER, ""
    for column, rule, parsed in rules:
        if parsed is not None:
            try:
                stream_map._eval(rule, parsed, record, column)  # noqa: SLF001 - as above
            except Exception:  # noqa: BLE001 - as above
                return column, rule
    return "", ""


def _holds_no_value(expression: str) -> bool:
    """Return whether an expression has only names and small numbers: a text may be a value of a row."""
    if not 0 < len(expression) <= _MAX_LENGTH or not expression.isprintable():
        return False
    constants = [node.value for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Constant)]
    return all(
        one is None or (isinstance(one, (bool, int, float)) and abs(one) < _MAX_NUMBER) for one in constants
    )
