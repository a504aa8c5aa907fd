"""Loaders beside those of `meltano.yml`: how each is configured, and how its rows are read back.

A `query` is the name of a table, and gives its rows as JSON. If a loader only ever adds files, it gives the
newest row of each key.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from typing_extensions import override

from tap_sumeru.catalog import stream_schemas
from warehouses import targets
from warehouses.clouds import Server
from warehouses.warehouse import Json, Postgres, as_floats, asked, is_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

FLAT: Json = {"flattening_enabled": True, "flattening_max_depth": 1}
"""Settings of the tap for loaders without a type for nested values: members become columns, others texts."""


def flat_columns(stream: str, settings: Json) -> dict[str, Json]:
    """The schemas of a stream's columns as they land with some settings of the tap."""
    columns: dict[str, Json] = {}
    for name, column in stream_schemas.load(stream)["properties"].items():
        members = column.get("properties") if settings else None
        columns |= {f"{name}__{key}": one for key, one in members.items()} if members else {name: column}
    return columns


def flat_values(stream: str, settings: Json, values: Json) -> Json:
    """The values of a row by these columns; members that no column is for are in `extra`."""
    found, unknown = dict(values), {}
    columns = flat_columns(stream, settings)
    for name in values.keys() - columns.keys():
        members = found.pop(name) or {}
        found |= {f"{name}__{key}": value for key, value in members.items()}
        unknown[name] = {key: members[key] for key in members if f"{name}__{key}" not in columns}
    extra = {**(values["extra"] or {}), **{name: value for name, value in unknown.items() if value}}
    return {name: found.get(name) for name in columns} | {"extra": extra or None}


def nested(column: Json) -> bool:
    """Whether a column holds objects or arrays."""
    return is_of(column, "object") or is_of(column, "array")


class Loader(ABC):
    """A loader whose environment `targets.py` pins.

    Attributes:
        target: Its name there.
        environment: What it finds in its environment besides ours.
        settings: Settings of the tap that it needs.
        appends: Whether it adds a row for each record, instead of merging by key.
    """

    target: str
    environment: dict[str, str] = {}  # noqa: RUF012 - nobody writes into it
    settings: Json = FLAT
    appends = False

    def __init__(self) -> None:
        self.folder = Path()

    def missing(self) -> str | None:
        return targets.missing(self.target)

    def install(self, uv: str) -> None:
        targets.install(self.target, uv)

    def running(self) -> AbstractContextManager[None]:
        return self._in_folder()

    @contextmanager
    def _in_folder(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory() as folder:
            self.folder = Path(folder)
            yield

    def row(self, table: str) -> str:
        return table

    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        return [self._newest(self.records(schema, query), query) for query in queries]

    def _newest(self, records: Iterable[Json], table: str) -> list[str | None]:
        columns = flat_columns(table, self.settings)
        texts = {name for name, column in columns.items() if nested(column)} if self.settings else set()
        return list({(row["shop"], row["id"]): _as_json(row, texts) for row in records}.values())

    @abstractmethod
    def config(self, schema: str) -> Json:
        """Settings of the target."""

    @abstractmethod
    def records(self, schema: str, table: str) -> list[Json]:
        """Everything that is in a table, oldest first."""

    @abstractmethod
    def lands(self, value: Any, column: Json) -> Any:
        """What JSON of a row shows of a value that was sent, given the schema of its column."""


def _as_json(row: Json, texts: set[str]) -> str:
    """A row as JSON, in which texts of some columns are JSON already."""
    members = ((name, value or "null" if name in texts else json.dumps(value)) for name, value in row.items())
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in members) + "}"


class PipelineWise(Loader):
    """pipelinewise-target-postgres, into a PostgreSQL server."""

    target = "pipelinewise-target-postgres"
    settings: Json = {}  # noqa: RUF012 - nobody writes into it

    def __init__(self) -> None:
        super().__init__()
        self._server = Postgres()

    @override
    def missing(self) -> str | None:
        return self._server.missing() or super().missing()

    @override
    def running(self) -> AbstractContextManager[None]:
        return self._server.running()

    @override
    def config(self, schema: str) -> Json:
        url = urlsplit(self._server.config(schema)["sqlalchemy_url"])
        place = {"host": url.hostname, "port": url.port, "dbname": url.path.strip("/")}
        login = {"user": url.username, "password": url.password}
        return {**place, **login, "default_target_schema": schema, "add_metadata_columns": True}

    @override
    def records(self, schema: str, table: str) -> list[Json]:
        rows = self._server.query(schema, self._server.row(table))[0]
        return [json.loads(row or "") for row in rows]

    @override
    def lands(self, value: Any, column: Json) -> Any:
        if value is None or value == "":
            return None
        if is_of(column, "date-time"):
            return value.removesuffix("Z")
        if nested(column) or is_of(column, "number"):
            return as_floats(value)
        return _escaped(value) if isinstance(value, str) else value


def _escaped(text: str) -> str:
    """A text in which control characters are as JSON escapes them."""
    return "".join(json.dumps(character)[1:-1] if character < " " else character for character in text)


class Sqlite(Loader):
    """target-sqlite, into a file."""

    target = "target-sqlite"
    environment = {"PYTHONPATH": str(Path(__file__).parent / "sqlite_shim")}  # noqa: RUF012 - nobody changes it

    @override
    def config(self, schema: str) -> Json:
        return {"database": str(self.folder / schema), "batch_size": 100}

    @override
    def records(self, schema: str, table: str) -> list[Json]:
        with closing(sqlite3.connect(self.folder / f"{schema}.db")) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(f'SELECT * FROM "{table}"')]  # noqa: S608 - ours

    @override
    def lands(self, value: Any, column: Json) -> Any:
        return as_floats(value) if is_of(column, "number") else int(value) if value is True else value


class Csv(Loader):
    """meltanolabs-target-csv, into a file for each run and stream."""

    target = "meltanolabs-target-csv"
    appends = True

    @override
    def config(self, schema: str) -> Json:
        name = {
            "file_naming_scheme": "{stream_name}-{timestamp}.csv",
            "timestamp_format": "%Y%m%dT%H%M%S.%f",
        }
        return {"output_path": str(self.folder / schema), **name}

    @override
    def records(self, schema: str, table: str) -> list[Json]:
        found: list[Json] = []
        for path in sorted((self.folder / schema).glob(f"{table}-*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                found += csv.DictReader(file)
        return found

    @override
    def lands(self, value: Any, column: Json) -> Any:
        if nested(column):
            return value
        if value is None:
            return ""
        if is_of(column, "date-time"):
            return value.replace("T", " ").removesuffix("Z") + "+00:00"
        return str(value)


_PARQUET = """
import datetime, json, sys
from pyarrow import fs, parquet
port, folder = sys.argv[1:]
login = {"access_key": "any", "secret_key": "any", "region": "us-east-1"}
s3 = fs.S3FileSystem(**login, endpoint_override=f"http://127.0.0.1:{port}")
files = s3.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
tables = [parquet.read_table(s3.open_input_file(file.path)) for file in files if file.size]
rows = sorted((row for table in tables for row in table.to_pylist()), key=lambda row: row["_sdc_sequence"])
instant = lambda value: value.isoformat(timespec="seconds")
shown = lambda value: instant(value) if isinstance(value, datetime.datetime) else str(value)
print(json.dumps([[json.dumps(row, default=shown) for row in rows]]))
"""


class S3(Loader):
    """plinxore-target-s3, into Parquet files of moto, which stands in for S3."""

    target = "plinxore-target-s3"
    appends = True

    def __init__(self) -> None:
        super().__init__()
        self._server = Server("moto")

    @override
    def missing(self) -> str | None:
        return super().missing() or self._server.missing()

    @override
    def install(self, uv: str) -> None:
        super().install(uv)
        self._server.install(uv)

    @override
    def running(self) -> AbstractContextManager[None]:
        return self._with_bucket()

    @contextmanager
    def _with_bucket(self) -> Iterator[None]:
        with self._server.running():
            key = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"
            place = f"http://127.0.0.1:{self._server.port}/sumeru"
            requests.put(place, headers={"Authorization": key}, timeout=60).raise_for_status()
            yield

    @override
    def config(self, schema: str) -> Json:
        place = {"aws_endpoint_override": f"http://127.0.0.1:{self._server.port}", "aws_bucket": "sumeru"}
        login = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "aws_region": "us-east-1"}
        return {
            "format": {"format_type": "parquet"},
            "cloud_provider": {"cloud_provider_type": "aws", "aws": {**place, **login}},
            "prefix": schema,
            "add_record_metadata": True,
        }

    @override
    def records(self, schema: str, table: str) -> list[Json]:
        rows = asked(self.target, _PARQUET, str(self._server.port), f"sumeru/{schema}/{table}")[0]
        return [json.loads(row or "") for row in rows]

    @override
    def lands(self, value: Any, column: Json) -> Any:
        if value is not None and is_of(column, "date-time"):
            return value[:19] + "+00:00"
        return as_floats(value) if is_of(column, "number") else value


OTHERS: tuple[Loader, ...] = (PipelineWise(), Sqlite(), Csv(), S3())
