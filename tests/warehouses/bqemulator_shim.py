"""bqemulator, with what target-bigquery asks of BigQuery and bqemulator 1.4.0 cannot do yet.

`python bqemulator_shim.py REST_PORT`, run in bqemulator's environment. The target knows nothing of it.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bqemulator import server
from bqemulator.config import Settings
from bqemulator.jobs import executor
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine

if TYPE_CHECKING:
    from bqemulator.api.dependencies import AppContext

_SET = re.compile(r"(?<=UPDATE SET ).+?(?= WHEN NOT MATCHED)", re.DOTALL)
_GZIP = b"\x1f\x8b"

_create_app = server.create_app
_translate = SQLTranslator.translate


def translate(translator: SQLTranslator, sql: str, **kwargs: Any) -> Any:
    """DuckDB's MERGE takes no `target.` before the columns that it sets."""
    return _translate(translator, _SET.sub(lambda update: update[0].replace("target.", ""), sql), **kwargs)


def load_json(path: str, table: str, context: AppContext) -> None:
    """Of a compressed file no row would be loaded, without an error."""
    with Path(path).open("rb") as file:
        compression = "gzip" if file.read(len(_GZIP)) == _GZIP else "none"
    context.engine.execute(f"COPY {table} FROM ? (FORMAT JSON, COMPRESSION {compression})", [path])


class OneByOne:
    """All requests share a connection of DuckDB, which stands still for good when two use it at once."""

    def __init__(self, context: AppContext) -> None:
        self._app = _create_app(context)
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with self._lock:
            await self._app(scope, receive, send)


if __name__ == "__main__":
    SQLTranslator.translate = translate
    executor._LOAD_FORMAT_HANDLERS["NEWLINE_DELIMITED_JSON"] = load_json  # noqa: SLF001 - no other way in
    # It would be downloaded; there is no geography here.
    DuckDBEngine._load_spatial = lambda _: None  # noqa: SLF001 - as above
    server.create_app = OneByOne
    server.run_forever(
        Settings(rest_port=int(sys.argv[1]), grpc_port=0, enable_format_extensions=False, log_level="error")
    )
