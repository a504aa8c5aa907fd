"""The warehouses: how each is started, loaded and read back, and what it makes of a value.

Another one is another class of this form, with its target in `meltano.yml`, and a place in `WAREHOUSES`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from warehouses import targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

Json = dict[str, Any]


class Destination(Protocol):
    """Where a target loads into. `schema` is where the tables of one test are.

    Attributes:
        target: Name of its target in `targets.py`.
        environment: What the target finds in its environment besides ours.
    """

    target: str
    environment: dict[str, str]

    def missing(self) -> str | None:
        """Why it cannot be used here, if it cannot."""

    def install(self, uv: str) -> None:
        """Bring what is missing, if that is possible."""

    def running(self) -> AbstractContextManager[None]:
        """Have it run for as long as the `with` lasts."""

    def config(self, schema: str) -> Json:
        """Settings of the target."""

    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        """What each query gives, as text; each asks for one column."""

    def row(self, table: str) -> str:
        """The query for each row of a table as JSON."""

    def lands(self, value: Any, column: Json) -> Any:
        """What JSON of a row shows of a value that was sent, given the schema of its column."""


class Warehouse(Destination, Protocol):
    """A warehouse whose target is in `meltano.yml`.

    Attributes:
        at_once: How many runs it can take at a time.
    """

    at_once: int

    def text(self, table: str, column: str, ident: str) -> str:
        """The query for a value as text."""

    def types(self, schema: str, table: str) -> dict[str, str]:
        """The type of each column of a table."""


def is_of(column: Json, kind: str) -> bool:
    """Whether a column has a type or a format."""
    return kind in column["type"] or column.get("format") == kind


def asked(target: str, script: str, *arguments: str) -> list[list[str | None]]:
    """What a script prints that runs beside a target, with its driver."""
    command = [str(targets.program(target, "python")), "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    answers: list[list[str | None]] = json.loads(done.stdout)
    return answers


_DUCKDB = """
import duckdb, json, sys
file, schema, *queries = sys.argv[1:]
db = duckdb.connect(file, read_only=True)
db.execute(f"USE {schema}")
print(json.dumps([[value for value, in db.execute(query).fetchall()] for query in queries]))
"""


class DuckDb:
    """A file, read back with the DuckDB of its target."""

    target = "target-duckdb"
    environment: dict[str, str] = {}  # noqa: RUF012 - nobody writes into it
    at_once = 2

    def __init__(self) -> None:
        self._folder = Path()

    def missing(self) -> str | None:
        return targets.missing(self.target)

    def install(self, uv: str) -> None:
        targets.install(self.target, uv)

    @contextmanager
    def running(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory() as folder:
            self._folder = Path(folder)
            yield

    def config(self, schema: str) -> Json:
        own = {"path": str(self._file(schema)), "temp_dir": str(self._folder)}
        return {**targets.defaults(self.target), **own, "default_target_schema": schema}

    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        return asked(self.target, _DUCKDB, str(self._file(schema)), schema, *queries)

    def text(self, table: str, column: str, ident: str) -> str:
        return f"SELECT CAST({column} AS VARCHAR) FROM {table} WHERE id = '{ident}'"  # noqa: S608 - ours

    def types(self, schema: str, table: str) -> dict[str, str]:
        place = f"table_name = '{table}' ORDER BY column_index"
        columns = "SELECT {} FROM duckdb_columns() WHERE " + place  # noqa: S608 - ours
        names, types = self.query(schema, *map(columns.format, ("column_name", "data_type")))
        return dict(zip(map(str, names), map(str, types), strict=True))

    def row(self, table: str) -> str:
        return f'SELECT to_json(one) FROM "{table}" one'  # noqa: S608 - a table of ours

    def lands(self, value: Any, column: Json) -> Any:
        if value is None or value == "":
            return None
        if is_of(column, "date-time"):
            return value.removesuffix("Z").replace("T", " ")
        return as_floats(value)

    def _file(self, schema: str) -> Path:
        return self._folder / f"file_of_{schema}.duckdb"  # its stem must differ from the schema's name


_POSTGRES = """
import json, psycopg, sys
url, schema, *queries = sys.argv[1:]
with psycopg.connect(url, options=f"-c search_path={schema}") as db:
    print(json.dumps([[value for value, in db.execute(query).fetchall()] for query in queries]))
"""


class Postgres:
    """A server of its own, on a free port of this machine."""

    target = "target-postgres"
    environment: dict[str, str] = {}  # noqa: RUF012 - nobody writes into it
    at_once = 2

    def __init__(self) -> None:
        self._url = ""

    def missing(self) -> str | None:
        if programs() is None:
            return "PostgreSQL is not installed: `make warehouses` does it for root, by apt-get"
        return targets.missing(self.target)

    def install(self, uv: str) -> None:
        targets.install(self.target, uv)
        if programs() is None and os.getuid() == 0 and shutil.which("apt-get"):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for step in ("update", "install --yes --no-install-recommends postgresql"):
                subprocess.run(["apt-get", "--quiet", *step.split()], check=True, env=environment)  # noqa: S607 - the one on the PATH

    @contextmanager
    def running(self) -> Iterator[None]:
        found = programs()
        assert found is not None
        folder = Path(tempfile.mkdtemp(prefix="sumeru-postgres-"))
        data, log = folder / "data", folder / "log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"postgresql://postgres:any@127.0.0.1:{port}/postgres"
        pg_ctl: list[str | Path] = [found / "pg_ctl", "--silent", "--wait", "--pgdata", data]
        try:
            initdb = str(found / "initdb")
            _run(folder, initdb, "-A", "trust", "-E", "UTF8", "-U", "postgres", "-N", data)
            options = f"-h 127.0.0.1 -p {port} -F -c unix_socket_directories="
            _run(folder, *pg_ctl, "--log", log, "--options", options, "start")
            try:
                yield
            finally:
                _run(folder, *pg_ctl, "--mode", "immediate", "stop")
        finally:
            shutil.rmtree(folder)

    def config(self, schema: str) -> Json:
        own = {"sqlalchemy_url": self._url, "default_target_schema": schema}
        return {**targets.defaults(self.target), **own}

    def query(self, schema: str, *queries: str) -> list[list[str | None]]:
        return asked(self.target, _POSTGRES, self._url, schema, *queries)

    def text(self, table: str, column: str, ident: str) -> str:
        return f"SELECT CAST({column} AS VARCHAR) FROM {table} WHERE id = '{ident}'"  # noqa: S608 - ours

    def types(self, schema: str, table: str) -> dict[str, str]:
        place = f"attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
        columns = "SELECT {} FROM pg_attribute WHERE " + place  # noqa: S608 - ours
        names, types = self.query(schema, *map(columns.format, ("attname", "format_type(atttypid, NULL)")))
        return dict(zip(map(str, names), map(str, types), strict=True))

    def row(self, table: str) -> str:
        return f'SELECT to_json(one)::text FROM "{table}" AS one'  # noqa: S608 - as above

    def lands(self, value: Any, column: Json) -> Any:
        if value is None:
            return None
        if is_of(column, "date-time"):
            return value.removesuffix("Z")
        # Arrays and objects are jsonb, which keeps numbers as they are.
        return as_floats(value) if is_of(column, "number") else value


def as_floats(value: Any) -> Any:
    """A value of which the fractions have been floats on their way."""
    if isinstance(value, dict):
        return {name: as_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_floats(item) for item in value]
    return Decimal(repr(float(value))) if isinstance(value, Decimal) else value


def programs() -> Path | None:
    """The folder of the newest PostgreSQL; Debian keeps its programs out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
    other = shutil.which("pg_ctl")
    newest = found[-1] if found else Path(other).resolve() if other else None
    return newest.parent if newest else None


def _run(folder: Path, *command: str | Path) -> None:
    """Run a program of PostgreSQL, which refuses to be root's."""
    user: Json = {}
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    # Not a pipe: the server would keep it open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, check=False, cwd=folder, stdout=output, stderr=output, **user)
        output.seek(0)
        assert done.returncode == 0, output.read().decode()


WAREHOUSES: Sequence[Warehouse] = (DuckDb(), Postgres())
