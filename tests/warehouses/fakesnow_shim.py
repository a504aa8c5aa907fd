"""fakesnow's server, with what target-snowflake asks of Snowflake and fakesnow 0.12.1 cannot do yet.

`python fakesnow_shim.py PORT`, run in fakesnow's environment. The target knows nothing of it: each statement
below is put into words that fakesnow understands, and does what Snowflake documents of it.
"""

from __future__ import annotations

import re
import shutil
import sys
from typing import Any

import uvicorn
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.server import app
from fakesnow.transforms import stage

HOME = "USERS.PUBLIC.HOME"
"""A named stage in place of the user stage `@~`, which fakesnow does not have."""

_PUT = re.compile(r"put ('[^']+') '@~/([^']+)'", re.IGNORECASE)
_REMOVE = re.compile(r"remove '@~/([^']+)'", re.IGNORECASE)
_DROP_FORMAT = re.compile(r"drop file format if exists .+", re.IGNORECASE)
_DROP_STAGE = re.compile(r"drop stage if exists (\S+)", re.IGNORECASE)
_MERGE = re.compile(
    r"(?P<into>merge into (?P<schema>\S+\.\S+)\.\S+ d using \()(?P<select>select .+?)"
    r" from '@~/(?P<folder>[^']+)'\s*\(file_format => [^)]+\)(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_COPY = re.compile(
    r"copy into (?P<table>\S+) from \(select \$1, metadata\$filename, metadata\$file_row_number"
    r" from @(?P<stage>[^)\s]+)\) .+",
    re.IGNORECASE,
)
_COPIED = """
insert into {} select json, filename, row_number() over (partition by filename)
from read_json_objects(?, format = 'newline_delimited', filename = true)
"""
_STAGED = """
create or replace temp table _STAGED as
select row_number() over () as N, json as V from read_json_objects(?, format = 'newline_delimited')
"""

_execute = FakeSnowflakeCursor.execute


def execute(cursor: FakeSnowflakeCursor, command: str, *args: Any, **kwargs: Any) -> FakeSnowflakeCursor:
    """Put a statement into fakesnow's words, and have it executed."""
    sql = command.strip()
    if put := _PUT.fullmatch(sql):
        # fakesnow wants a stage that exists, and without quotes.
        _execute(cursor, f"create stage if not exists {HOME}")
        sql = f"put {put[1]} @{HOME}/{put[2]}"
    elif remove := _REMOVE.fullmatch(sql):
        # It would take this for a syntax error, as it would the next one.
        shutil.rmtree(stage.internal_dir(HOME, remove[1]))
        sql = f"select '{remove[1]}' as name, 'removed' as result"
    elif drop := _DROP_STAGE.fullmatch(sql):
        shutil.rmtree(stage.internal_dir(drop[1]))
        sql = "select 'successfully dropped' as status"
    elif _DROP_FORMAT.fullmatch(sql):
        sql = "select 'successfully dropped' as status"
    elif merge := _MERGE.fullmatch(sql):
        sql = _merge(cursor, merge)
    elif copy := _COPY.fullmatch(sql):
        # It knows neither of these columns of metadata.
        files = stage.internal_dir(copy["stage"]) + "/*"
        cursor._duck_conn.execute(_COPIED.format(copy["table"]), [files])  # noqa: SLF001 - no other way in
        sql = "select 'LOADED' as status"
    return _execute(cursor, sql, *args, **kwargs)


def _merge(cursor: FakeSnowflakeCursor, merge: re.Match[str]) -> str:
    """A MERGE from a table that holds the lines of staged files, which fakesnow cannot read by itself.

    It also wants a current schema, names in place of `$1` and `seq8()`, and no alias inside of QUALIFY.
    A cast to VARIANT, which a path gives anyway, would make SQL's NULL of JSON's null.
    """
    _execute(cursor, f"use schema {merge['schema']}")
    files = stage.internal_dir(HOME, merge["folder"]) + "/*"
    cursor._duck_conn.execute(_STAGED, [files])  # noqa: SLF001 - no other way in
    rest = re.sub(r"seq8\(\)", "N", merge["rest"], flags=re.IGNORECASE)
    select = merge["select"].replace("$1:", "V:").replace("::VARIANT as", " as") + ", N from _STAGED"
    return f"{merge['into']}select * from ({select}){rest}"  # noqa: S608 - put together by the target


if __name__ == "__main__":
    FakeSnowflakeCursor.execute = execute
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
