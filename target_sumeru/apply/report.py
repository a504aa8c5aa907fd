"""The report: what became of each row, as Singer messages, without any value of a row."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Self

import msgspec

from sumeru_api import timestamps
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from types import TracebackType

    from target_sumeru.apply.outcomes import Outcome
    from target_sumeru.plan.items import Item

STREAM = "sumeru_writes"
_TEXT = {"type": ["string", "null"]}
_INTEGER = {"type": ["integer", "null"]}
_COLUMNS: dict[str, Any] = {
    "run_id": {**_TEXT, "description": "The run."},
    "shop": {**_TEXT, "description": "The shop, null if the row names an unknown one."},
    "stream": {**_TEXT, "description": "Stream of the target."},
    "key": {
        **_TEXT,
        "description": "Keyed hash of what identifies the row; the same in all runs with one ledger.",
    },
    "line": {**_INTEGER, "description": "Line of the row in the input."},
    "operation": {**_TEXT, "description": "`update`, `create`, `adopt` or `launch`."},
    "status": {
        **_TEXT,
        "description": "`planned`, `written`, `adopted`, `rejected`, `held` or `unknown`.",
    },
    "reason": {**_TEXT, "description": "Why the row is not written."},
    "http_status": {**_INTEGER, "description": "HTTP status of the response."},
    "code": {**_TEXT, "description": "The API's error code."},
    "fields": {
        "type": ["array", "null"],
        "items": {"type": ["string", "null"]},
        "description": "Names of the columns that are written, or of the one that is to blame.",
    },
    "request_id": {**_TEXT, "description": "The API's id of the request, for Sumeru's support."},
    "at": {**_TEXT, "format": "date-time", "description": "When it happened."},
}
_SCHEMA = {
    "type": "SCHEMA",
    "stream": STREAM,
    "schema": {"type": "object", "properties": _COLUMNS},
    "key_properties": ["run_id", "stream", "key", "line"],
}


class Report:
    """The report of one run, written line by line, so that a killed run leaves a valid one.

    Args:
        path: Path of the file, which is replaced; empty for no report.
        run_id: Name of the run.

    Raises:
        SettingsError: The file cannot be written.
    """

    def __init__(self, path: str, run_id: str) -> None:
        self._run_id = run_id
        self._file: IO[bytes] | None = None
        if path:
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            except (OSError, ValueError) as error:
                raise _fault(error) from None
            self._file = os.fdopen(handle, "wb", buffering=0)
            self._write(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, item: Item, outcome: Outcome | None = None) -> None:
        """Add what became of a row.

        Args:
            item: The row.
            outcome: What the API answered, None if it was not asked.
        """
        if self._file is None:
            return
        record = {
            "run_id": self._run_id,
            "shop": item.shop or None,
            "stream": item.stream,
            "key": item.row.hex(),
            "line": item.line,
            "operation": item.operation.value,
            "status": item.status.value,
            "reason": item.reason or None,
            "http_status": (outcome and outcome.http_status) or None,
            "code": (outcome and outcome.code) or None,
            "fields": list(item.columns),
            "request_id": (outcome and outcome.request_id) or None,
            "at": timestamps.text(datetime.now(UTC)),
        }
        self._write({"type": "RECORD", "stream": STREAM, "record": record})

    def _write(self, message: dict[str, Any]) -> None:
        if self._file is not None:
            try:
                self._file.write(msgspec.json.encode(message) + b"\n")
            except OSError as error:
                raise _fault(error) from None


def _fault(error: OSError | ValueError) -> SettingsError:
    reason = getattr(error, "strerror", None) or "not a valid path"
    return SettingsError(f"report_path: cannot be written ({reason}).")
