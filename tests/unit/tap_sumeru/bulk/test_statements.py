"""SQL of the bulk loader: it can be parsed, names are quoted, and types are agreed on or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.bulk import bigquery_statements, postgres_statements, snowflake_statements
from tap_sumeru.bulk.errors import InputError, WarehouseError
from tap_sumeru.bulk.messages import SchemaMessage
from tap_sumeru.bulk.staged_files import StagedTable, collect
from tap_sumeru.bulk.table import METADATA, Table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = {"type": ["string", "null"]}
NAMES = st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=20)


def table(*names: str, key: tuple[str, ...] = ("id",)) -> Table:
    return Table("tap-things", dict.fromkeys(("id", *names), TEXT), key)


@given(st.lists(NAMES.filter(lambda name: name not in {"id", *METADATA}), unique=True, max_size=4))
def test_names_of_any_kind_are_quoted_for_postgres(names: list[str]) -> None:
    one = table(*names)
    types = postgres_statements.column_types(one, metadata=True)
    stamps = postgres_statements.Stamps(NOW, NOW)
    created = sqlglot.parse_one(postgres_statements.create_table("a b", one, types), dialect="postgres")
    assert [column.name for column in created.find_all(sqlglot.exp.ColumnDef)] == ["id", *names, *METADATA]
    merged = sqlglot.parse_one(postgres_statements.merge("a b", one, types, stamps), dialect="postgres")
    assert [column.name for column in merged.this.expressions] == ["id", *names, *METADATA]


def test_a_name_that_postgres_would_cut_off_is_an_error() -> None:
    assert postgres_statements.quoted("x" * 63)
    with pytest.raises(WarehouseError, match="longer than the 63 bytes"):
        postgres_statements.quoted("ü" * 32)


@pytest.mark.parametrize(
    ("has", "needs", "agreed"),
    [
        ("numeric", "numeric", True),
        ("text", "numeric", True),
        ("character varying", "jsonb", True),
        ("timestamp with time zone", "timestamp without time zone", True),
        ("timestamp with time zone", "date", False),
        ("bigint", "numeric", False),
        ("double precision", "numeric", False),
        ("numeric", "text", False),
    ],
)
def test_an_existing_column_must_hold_every_value(has: str, needs: str, agreed: bool) -> None:
    one = table("n")
    if agreed:
        assert postgres_statements.agreed_types(one, {"n": needs}, {"n": has}) == {"n": has}
        return
    with pytest.raises(
        WarehouseError, match=rf"^things\.n: has the type {has}, and the stream needs {needs}\."
    ):
        postgres_statements.agreed_types(one, {"n": needs}, {"n": has})


def staged(*urls: str, key: tuple[str, ...] = ("id",), names: tuple[str, ...] = ("n",)) -> list[StagedTable]:
    return [StagedTable(table(*names, key=key), "n", list(urls))]


@pytest.mark.parametrize("key", [("id",), ()])
@pytest.mark.parametrize("root", ["file:///tmp/a%20b/it's", "s3://bucket/a", "gs://bucket/a", "abfs://c@d/a"])
def test_the_statements_for_snowflake_can_be_parsed(root: str, key: tuple[str, ...]) -> None:
    urls = [f"{root}/{number}.jsonl.gz" for number in range(1001)]
    found = list(snowflake_statements.statements(staged(*urls, key=key), "raw", "sumeru", NOW, "reader"))
    for statement in found:
        sqlglot.parse_one(statement, dialect="snowflake")
    assert sum(statement.startswith("COPY INTO RAW.SUMERU.THINGS_BULK") for statement in found) == 2
    assert sum(statement.startswith("PUT ") for statement in found) == (
        1001 if root.startswith("file") else 0
    )
    assert sum("STORAGE_INTEGRATION = READER" in statement for statement in found) == (
        0 if root.startswith("file") else 1
    )
    assert any(statement.startswith("MERGE INTO" if key else "INSERT INTO") for statement in found)


@pytest.mark.parametrize("key", [("id",), ()])
def test_the_statements_for_bigquery_can_be_parsed(key: tuple[str, ...]) -> None:
    found = list(
        bigquery_statements.statements(staged("gs://bucket/it's.jsonl.gz", key=key), "sumeru", "EU", NOW)
    )
    for statement in found:
        sqlglot.parse_one(statement, dialect="bigquery")
    assert any("uris = ['gs://bucket/it\\'s.jsonl.gz']" in statement for statement in found)


def test_a_table_without_files_is_made_and_nothing_is_loaded() -> None:
    for found in (
        list(snowflake_statements.statements(staged(), "raw", "sumeru", NOW)),
        list(bigquery_statements.statements(staged(), "sumeru", "EU", NOW)),
    ):
        assert found[-1].startswith("ALTER TABLE")


@pytest.mark.parametrize("name", ["a b", 'a"; DROP TABLE x; --', "a`", "1a", "", "é"])
def test_a_name_that_is_not_plain_is_an_error(name: str) -> None:
    wrong = staged("gs://bucket/a", names=(name,))
    with pytest.raises(WarehouseError, match="the name is not a plain SQL identifier"):
        list(snowflake_statements.statements(wrong, "raw", "sumeru", NOW))
    with pytest.raises(WarehouseError, match="the name is not a plain SQL identifier"):
        list(bigquery_statements.statements(wrong, "sumeru", "EU", NOW))


def test_files_that_a_warehouse_cannot_reach_are_an_error() -> None:
    with pytest.raises(WarehouseError, match="tap-things: Snowflake cannot read BATCH files of this kind"):
        list(snowflake_statements.statements(staged("sftp://host/a"), "raw", "sumeru", NOW))
    with pytest.raises(
        WarehouseError, match="tap-things: BigQuery reads BATCH files from Cloud Storage only"
    ):
        list(bigquery_statements.statements(staged("file:///a"), "sumeru", "EU", NOW))


SCHEMA = b'{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{}}},"key_properties":["id"]}'

BATCH = b'{"type":"BATCH","stream":"a","encoding":{"format":"jsonl"},"manifest":["file:///a/1.jsonl"]}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"type":"RECORD","stream":"a","record":{"id":1}}', "a: the rows are not in files."),
        (b'{"type":"BATCH","stream":"b","encoding":{},"manifest":[]}', "b: the input has no SCHEMA"),
        (
            b'{"type":"BATCH","stream":"a","encoding":{"format":"csv"},"manifest":[]}',
            "input: a BATCH message",
        ),
        (b"nothing", "input: a line is not a Singer message."),
        (b"\n".join([BATCH, SCHEMA]), "a: the input has the files of two runs."),
    ],
)
def test_an_input_without_files_is_an_error(line: bytes, message: str) -> None:
    with pytest.raises(InputError) as raised:
        collect([SCHEMA, *line.split(b"\n")])
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("schema", [{}, {"properties": {}}, {"properties": {"n": {}}}])
def test_a_schema_without_columns_or_without_its_key_is_an_error(schema: Any) -> None:
    with pytest.raises(InputError, match="a: the SCHEMA lacks its"):
        Table.of(SchemaMessage("a", schema, ["id"]))
