"""PostgreSQL types of columns, as meltanolabs-target-postgres chooses them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tap_sumeru.bulk.schema_types import sql_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_sumeru.bulk.messages import Schema

TEXT, JSONB, TIMESTAMP = "text", "jsonb", "timestamp without time zone"
_FALLBACK = TEXT
_BY_PRECEDENCE = (JSONB, TEXT, "numeric", "bigint", "boolean")
"""If a column allows several types, the first of these is chosen."""
_FORMATS = {
    "date-time": TIMESTAMP,
    "date": "date",
    "time": "time without time zone",
    "uuid": "uuid",
}
_FIXED = {"smallint", "integer", "bigint"}
"""Values of `x-sql-datatype` that the target supports."""


def postgres_type(schema: Schema) -> str:
    """Return the type of a column, as `format_type` of PostgreSQL spells it."""
    if schema.get("x-sql-datatype") in _FIXED:
        return str(schema["x-sql-datatype"])
    return sql_type(schema, _of_type, _best) or _FALLBACK


def _best(names: Sequence[str]) -> str:
    types = [_of_type(name, {}) for name in names]
    return next((one for one in _BY_PRECEDENCE if one in types), _FALLBACK)


def _of_type(name: str, schema: Schema) -> str | None:
    if name == "string":
        return _string(schema)
    if name == "integer":
        return _integer(schema)
    if name == "array":
        return _array(schema)
    return {"number": "numeric", "boolean": "boolean", "object": JSONB}.get(name)


def _string(schema: Schema) -> str:
    name = schema.get("format", "")
    if name == "x-singer.decimal":
        digits = [schema.get("precision"), schema.get("scale")]
        given = [str(one) for one in digits if one is not None]
        return f"numeric({','.join(given if len(given) > 1 else [*given, '0'])})" if given else "numeric"
    return _FORMATS.get(name, TEXT)


def _integer(schema: Schema) -> str:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    for bits, name in ((15, "smallint"), (31, "integer")):
        if low >= -(2**bits) and high < 2**bits:
            return name
    return "bigint"


def _array(schema: Schema) -> str:
    items = schema.get("items")
    if isinstance(items, str):
        return f"{postgres_type({'type': items})}[]"
    if isinstance(items, dict) and isinstance(items.get("type"), (str, list)):
        return f"{postgres_type({'type': items['type']})}[]"
    return f"{JSONB}[]" if isinstance(items, (dict, list)) else JSONB
