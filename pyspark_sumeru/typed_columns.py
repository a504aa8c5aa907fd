"""Columns of a stream with their types in Spark and Arrow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from pyspark_sumeru.selections import hidden_columns
from tap_sumeru.output.decimals import PRECISION, SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_sumeru.catalog.selection import StreamSelection


class Type(Enum):
    """The type of a column."""

    STRING = "string"
    TIMESTAMP = "timestamp"
    DATE = "date"
    LONG = "long"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    JSON = "json"


_SPARK: dict[Type, DataType] = {
    Type.STRING: StringType(),
    Type.TIMESTAMP: TimestampType(),
    Type.DATE: DateType(),
    Type.LONG: LongType(),
    Type.BOOLEAN: BooleanType(),
    Type.DECIMAL: DecimalType(PRECISION, SCALE),
    Type.JSON: StringType(),
}
_ARROW: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.TIMESTAMP: pa.timestamp("us", "UTC"),
    Type.DATE: pa.date32(),
    Type.LONG: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DECIMAL: pa.decimal128(PRECISION, SCALE),
    Type.JSON: pa.string(),
}
_TYPES = {
    "string": Type.STRING,
    "integer": Type.LONG,
    "number": Type.DECIMAL,
    "boolean": Type.BOOLEAN,
    "object": Type.JSON,
    "array": Type.JSON,
}
_FORMATS = {"date-time": Type.TIMESTAMP, "date": Type.DATE}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a stream.

    Attributes:
        name: Its name.
        type: Its type.
        nullable: Whether it may be null.
    """

    name: str
    type: Type
    nullable: bool = True

    @property
    def arrow(self) -> pa.DataType:
        """Its type in Arrow."""
        return _ARROW[self.type]


def columns_of(selection: StreamSelection, pii: str = "keep") -> tuple[Column, ...]:
    """Return the selected columns of a stream; a column that is hashed is a string."""
    hashed = hidden_columns(selection.name, pii) if pii == "hash" else ()
    return tuple(
        Column(
            name,
            Type.STRING if name in hashed else _type_of(selection.properties[name]),
            nullable="null" in selection.properties[name]["type"],
        )
        for name in selection.columns
    )


def _type_of(schema: Mapping[str, Any]) -> Type:
    """Return the type of a column; one with values of several types holds JSON, unless all are numbers."""
    types = {_TYPES[one] for one in schema["type"] if one != "null"}
    if len(types) > 1:
        return Type.DECIMAL if types == {Type.LONG, Type.DECIMAL} else Type.JSON
    (only,) = types
    return _FORMATS.get(schema.get("format", ""), only) if only is Type.STRING else only


def spark_schema(columns: Sequence[Column]) -> StructType:
    """Return the schema of columns in Spark."""
    return StructType([StructField(one.name, _SPARK[one.type], one.nullable) for one in columns])


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema of columns in Arrow."""
    return pa.schema([pa.field(one.name, one.arrow, one.nullable) for one in columns])
