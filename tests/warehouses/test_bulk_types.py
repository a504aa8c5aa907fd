"""The bulk loader gives each column, of whatever schema, the type that the targets give it."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tap_sumeru.bulk.bigquery_statements import bigquery_type
from tap_sumeru.bulk.postgres_types import postgres_type
from tap_sumeru.bulk.snowflake_statements import snowflake_type
from warehouses import targets
from warehouses.conftest import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from warehouses.warehouse import Json

_POSTGRES = """
import json, sys
from sqlalchemy.dialects import postgresql
from target_postgres.connector import PostgresConnector
connector = PostgresConnector({"sqlalchemy_url": "postgresql+psycopg://any"})
kinds = [connector.to_sql_type(schema) for schema in json.load(sys.stdin)]
print(json.dumps([kind.compile(dialect=postgresql.dialect()) for kind in kinds]))
"""
_SNOWFLAKE = """
import json, sys
from snowflake.sqlalchemy.snowdialect import SnowflakeDialect
from target_snowflake.connector import SnowflakeConnector
config = {"account": "any", "user": "any", "password": "any", "database": "any", "schema": "any"}
connector = SnowflakeConnector({**config, "timestamp_type": "TIMESTAMP_TZ"})
kinds = [connector.to_sql_type(schema) for schema in json.load(sys.stdin)]
print(json.dumps([kind.compile(dialect=SnowflakeDialect()) for kind in kinds]))
"""
_BIGQUERY = """
import json, sys
from target_bigquery.core import SchemaTranslator
names = {"FLOAT": "FLOAT64", "INTEGER": "INT64", "BOOLEAN": "BOOL"}
def text(field):
    kind = names.get(field.field_type.upper(), field.field_type.upper())
    if kind == "RECORD":
        kind = "STRUCT<" + ", ".join(f"`{one.name}` {text(one)}" for one in field.fields) + ">"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind
def column(schema):
    return text(SchemaTranslator({"properties": {"x": schema}}, {}).translated_schema[0])
print(json.dumps([column(schema) for schema in json.load(sys.stdin)]))
"""
FORMATS = ["date-time", "date", "time", "uuid", "email", "unknown"]
SCALARS = ["string", "number", "integer", "boolean"]


def nullable(*names: str) -> list[str]:
    return [*names, "null"]


def strings(formats: list[str]) -> st.SearchStrategy[Json]:
    return st.sampled_from(formats).map(lambda form: {"type": nullable("string"), "format": form})


def schemas(formats: list[str]) -> st.SearchStrategy[Json]:
    """Schemas of the kinds that a tap, its catalog, its stream maps and flattening make."""
    scalars = st.sampled_from(SCALARS).map(lambda name: {"type": nullable(name)})
    plain = st.sampled_from(SCALARS).map(lambda name: {"type": name})
    free = st.just({"type": nullable("object"), "additionalProperties": True})

    def nest(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
        members = st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, min_size=1)
        return st.one_of(
            members.map(lambda properties: {"type": nullable("object"), "properties": properties}),
            inner.map(lambda items: {"type": nullable("array"), "items": items}),
        )

    return st.recursive(st.one_of(scalars, plain, free, strings(formats)), nest, max_leaves=4)


MORE: st.SearchStrategy[Json] = st.one_of(
    st.just({"type": nullable("array")}),
    st.lists(st.sampled_from([*SCALARS, "object"]), min_size=2, unique=True).map(
        lambda names: {"type": nullable(*names)}
    ),
    st.lists(st.sampled_from([*SCALARS, "null"]), min_size=1).map(
        lambda names: {"anyOf": [{"type": name} for name in names]}
    ),
    st.just({}),
)


def asked(target: str, script: str, given_: list[Json]) -> list[str]:
    command = [str(targets.program(target, "python")), "-c", script]
    done = subprocess.run(command, input=json.dumps(given_), capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    answers: list[str] = json.loads(done.stdout)
    return answers


def compared(target: str, script: str, of: Callable[[Json], str], one: st.SearchStrategy[Json]) -> None:
    """Compare hundreds of schemas, many at a time: each question starts a process."""
    require(targets.missing(target))

    @settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.lists(one, min_size=40, max_size=80))
    def compare(many: list[Json]) -> None:
        theirs = [normal(kind) for kind in asked(target, script, many)]
        mine = [normal(of(schema)) for schema in many]
        assert [pair for pair in zip(many, theirs, mine, strict=True) if pair[1] != pair[2]] == []

    compare()


def normal(kind: str) -> str:
    """A type in upper case, with one name for types that have two."""
    text = re.sub(r"\s*,\s*", ", ", kind.upper()).replace("NUMERIC", "DECIMAL").replace("NUMBER", "DECIMAL")
    return {"FLOAT": "DOUBLE", "DOUBLE PRECISION": "DOUBLE", "DECIMAL(38, 0)": "DECIMAL"}.get(text, text)


POSTGRES_ONLY = st.one_of(
    st.sampled_from(["smallint", "integer", "bigint"]).map(lambda name: {"x-sql-datatype": name}),
    st.tuples(st.integers(-(2**40), 0), st.integers(1, 2**40)).map(
        lambda bounds: {"type": nullable("integer"), "minimum": bounds[0], "maximum": bounds[1]}
    ),
    st.just({"type": nullable("string"), "format": "x-singer.decimal", "precision": 20, "scale": 4}),
)


def test_postgres() -> None:
    one = st.one_of(schemas(FORMATS), MORE, POSTGRES_ONLY)
    compared("target-postgres", _POSTGRES, postgres_type, one)


def test_snowflake() -> None:
    one = st.one_of(schemas(["date-time", "date", "time", "unknown"]), MORE)
    compared("target-snowflake", _SNOWFLAKE, snowflake_type, one)


def test_bigquery() -> None:
    one = schemas(["date-time", "date", "time", "unknown"])
    compared("target-bigquery", _BIGQUERY, bigquery_type, one)


@pytest.mark.parametrize("of", [postgres_type, snowflake_type, bigquery_type])
def test_a_schema_that_says_nothing_is_text(of: Any) -> None:
    assert of({}) in ("text", "VARCHAR", "STRING")
