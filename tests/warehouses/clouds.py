"""The warehouses in the cloud, each by a server of this machine that speaks its protocol.

Their targets are as they are: they only find another host. What the servers lack is in the `*_shim.py` files.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from typing_extensions import override

from tap_sumeru.catalog import stream_schemas
from warehouses import targets
from warehouses.warehouse import WAREHOUSES, Json, Warehouse, as_floats, is_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIMS = Path(__file__).parent
_PATIENCE = 300
"""Seconds that a server may take to begin, or to answer, on a machine that has much else to do."""


class Server:
    """A server that stands in for a service of a cloud, on a free port of this machine.

    Attributes:
        server: Its environment, and its `*_shim.py`.
        port: Where it listens.
    """

    def __init__(self, server: str) -> None:
        self.server = server
        self.port = 0

    def missing(self) -> str | None:
        return targets.missing(self.server)

    def install(self, uv: str) -> None:
        targets.install(self.server, uv)

    @contextmanager
    def running(self) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        program: list[str | Path] = [
            targets.program(self.server, "python"),
            SHIMS / f"{self.server}_shim.py",
            str(self.port),
        ]
        with (
            tempfile.TemporaryDirectory() as folder,
            (Path(folder) / "log").open("w+") as log,
            # Both keep files of their own, and fakesnow never removes them.
            subprocess.Popen(
                program, stdout=log, stderr=log, env={**os.environ, "HOME": folder, "TMPDIR": folder}
            ) as process,
        ):
            try:
                self._wait(process, Path(folder) / "log")
                self._ready(Path(folder))
                yield
            finally:
                process.terminate()

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        until = time.monotonic() + _PATIENCE
        with socket.socket() as client:
            while client.connect_ex(("127.0.0.1", self.port)):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < until, log.read_text(encoding="utf-8")
                time.sleep(0.1)

    def _ready(self, folder: Path) -> None:
        """Make what the target needs besides a server, in a folder that stays as long as it."""


class Served(Server, ABC):
    """A warehouse behind a server of its own.

    Attributes:
        target: Name of its target in `meltano.yml`.
        server: Environment of its server.
        environment: What leads the target to the server.
        at_once: How many runs it can take at a time.
    """

    target: str
    server: str
    environment: dict[str, str]
    at_once: int

    def __init__(self) -> None:
        super().__init__(self.server)

    @abstractmethod
    def config(self, schema: str) -> Json:
        """Settings of the target."""

    @abstractmethod
    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        """What each query gives, as text; each asks for one column."""

    @abstractmethod
    def text(self, table: str, column: str, ident: str) -> str:
        """The query for a value as text."""

    @abstractmethod
    def types(self, schema: str, table: str) -> dict[str, str]:
        """The type of each column of a table."""

    @abstractmethod
    def row(self, table: str) -> str:
        """The query for each row of a table as JSON."""

    @abstractmethod
    def lands(self, value: Any, column: Json) -> Any:
        """What JSON of a row shows of a value that was sent, given the schema of its column."""

    @override
    def missing(self) -> str | None:
        return targets.missing(self.target) or super().missing()

    @override
    def install(self, uv: str) -> None:
        targets.install(self.target, uv)
        super().install(uv)


_SNOWFLAKE = """
import json, snowflake.connector, sys
port, schema, *queries = sys.argv[1:]
options = {"account": "fakesnow", "user": "any", "password": "any", "database": "RAW", "schema": schema}
with snowflake.connector.connect(host="127.0.0.1", port=port, protocol="http", **options) as db:
    print(json.dumps([[value for value, in db.cursor().execute(query).fetchall()] for query in queries]))
"""


class Snowflake(Served):
    """fakesnow, which puts Snowflake's SQL into DuckDB's."""

    target = "target-snowflake"
    server = "fakesnow"
    at_once = 2  # this target works all the time
    # Lets the account, which becomes the host of a URL, bring a port and a protocol.
    environment = {"SNOWFLAKE_SQLALCHEMY_LEGACY_URL_PARAMS": "true"}  # noqa: RUF012 - the class is a constant

    @override
    def config(self, schema: str) -> Json:
        """Settings of the target: those of `meltano.yml`, and as account a host, a port and a path."""
        account = f"127.0.0.1:{self.port}/RAW?protocol=http&account=fakesnow&x="
        own = {"account": account, "user": "any", "password": "any", "database": "RAW", "schema": schema}
        return {**targets.defaults(self.target), **own}

    @override
    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        program = str(targets.program(self.target, "python"))
        command = [program, "-c", _SNOWFLAKE, str(self.port), schema, *queries]
        # The driver tries for minutes, whatever is wrong.
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=_PATIENCE)
        assert done.returncode == 0, done.stderr
        answers: list[list[str | None]] = json.loads(done.stdout)
        return answers

    @override
    def text(self, table: str, column: str, ident: str) -> str:
        return f"SELECT CAST({column} AS VARCHAR) FROM {table} WHERE id = '{ident}'"  # noqa: S608 - ours

    @override
    def types(self, schema: str, table: str) -> dict[str, str]:
        place = f"table_schema = '{schema.upper()}' AND table_name = '{table.upper()}'"
        wanted = ("LOWER(column_name)", "data_type")
        columns = "SELECT {} FROM RAW.information_schema.columns WHERE {} ORDER BY ordinal_position"
        names, types = self.query(schema, *(columns.format(one, place) for one in wanted))
        return dict(zip(map(str, names), map(str, types), strict=True))

    @override
    def row(self, table: str) -> str:
        names = [*stream_schemas.load(table)["properties"], "_sdc_extracted_at", "_sdc_deleted_at"]
        members = ", ".join(f"'{name}', {name}" for name in names)
        return f"SELECT OBJECT_CONSTRUCT_KEEP_NULL({members}) FROM {table}"  # noqa: S608 - a table of ours

    @override
    def lands(self, value: Any, column: Json) -> Any:
        """What JSON of a row shows: only columns of numbers have been floats, what is nested has not."""
        if value is None:
            return None
        if is_of(column, "date-time"):
            return _instant(value)
        return as_floats(value) if is_of(column, "number") else value


class BigQuery(Served):
    """bqemulator, which puts BigQuery's SQL into DuckDB's."""

    target = "target-bigquery"
    server = "bqemulator"
    at_once = 8  # and this one sleeps

    @override
    def config(self, schema: str) -> Json:
        return {**targets.defaults(self.target), "project": "demo", "dataset": schema}

    @override
    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        return [self._query(schema, query) for query in queries]

    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bigquery/v2/projects/demo"

    def _query(self, schema: str, query: str) -> list[str | None]:
        dataset = {"projectId": "demo", "datasetId": schema}
        job = {"configuration": {"query": {"query": query, "defaultDataset": dataset, "useLegacySql": False}}}
        begun = requests.post(f"{self._url()}/jobs", json=job, timeout=_PATIENCE).json()
        assert "errorResult" not in begun["status"], begun
        place = f"{self._url()}/queries/{begun['jobReference']['jobId']}"
        done = requests.get(place, params={"maxResults": 10_000}, timeout=_PATIENCE).json()
        assert "pageToken" not in done
        return [row["f"][0]["v"] for row in done.get("rows", [])]

    @override
    def text(self, table: str, column: str, ident: str) -> str:
        return f"SELECT TO_JSON_STRING({column}) FROM {table} WHERE id = '{ident}'"  # noqa: S608 - ours

    @override
    def types(self, schema: str, table: str) -> dict[str, str]:
        answer = requests.get(f"{self._url()}/datasets/{schema}/tables/{table}", timeout=_PATIENCE)
        fields = answer.json()["schema"]["fields"]
        repeated = {"REPEATED": "REPEATED "}
        return {one["name"]: repeated.get(one["mode"], "") + one["type"].upper() for one in fields}

    @override
    def row(self, table: str) -> str:
        return f"SELECT TO_JSON_STRING(one) FROM {table} AS one"  # noqa: S608 - a table of ours

    @override
    def lands(self, value: Any, column: Json) -> Any:
        """What JSON of a row shows: fractions have been floats, and records have declared members alone."""
        if value is None:  # of an array BigQuery itself would make an empty one
            return None
        if is_of(column, "array"):
            return [self.lands(item, column.get("items", {"type": ()})) for item in value]
        if column.get("properties"):
            return {
                name: self.lands(value.get(name), member) for name, member in column["properties"].items()
            }
        return _instant(value) if is_of(column, "date-time") else as_floats(value)

    @override
    def _ready(self, folder: Path) -> None:
        """Credentials of nobody, which are valid for long, so that Google is not asked for a token."""
        file = folder / "credentials.json"
        nobody = {"client_id": "any", "client_secret": "any", "refresh_token": "any"}
        valid = {"token": "any", "expiry": "2100-01-01T00:00:00Z"}
        file.write_text(json.dumps({"type": "authorized_user", **nobody, **valid}), encoding="utf-8")
        self.environment = {
            "GOOGLE_CLOUD_PROJECT": "demo",
            "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{self.port}",
            "GOOGLE_APPLICATION_CREDENTIALS": str(file),
        }


def _instant(value: str) -> str:
    """How DuckDB, which is behind both servers, writes an instant."""
    return value.replace("T", " ").removesuffix("Z") + "+00"


CLOUDS: tuple[Served, ...] = (Snowflake(), BigQuery())
EVERYWHERE: tuple[Warehouse, ...] = (*WAREHOUSES, *CLOUDS)
