"""Takes in the input: finds the stream of the target for each stream, and puts the rows into the spool."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog.streams import STREAMS as TAP_STREAMS
from tap_sumeru.config.unknown_names import resembling
from target_sumeru.config.streams import STREAMS
from target_sumeru.errors import InputError
from target_sumeru.input.reader import decode_object
from target_sumeru.input.rows import RowReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_sumeru.config.settings import Settings
    from target_sumeru.input.spool import Spool

logger = logging.getLogger("target-sumeru")

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Intake:
    """Takes in the input of one run.

    Args:
        settings: The settings.
        spool: Holds the rows.
    """

    def __init__(self, settings: Settings, spool: Spool) -> None:
        self._settings = settings
        self._spool = spool
        self._readers: dict[str, RowReader | None] = {}
        self._line = 0

    def schema(self, source: str, columns: Iterable[str]) -> None:
        """Take in the columns of a stream.

        Raises:
            InputError: The stream or a column is unknown.
        """
        if source not in self._readers:
            self._readers[source] = self._reader(source)
        reader = self._readers[source]
        if reader is not None:
            reader.check_columns(columns)

    def record(self, source: str, record: Mapping[str, Any], line: int) -> None:
        """Take in a record.

        Raises:
            InputError: It has an unknown column, or comes before its SCHEMA.
        """
        try:
            reader = self._readers[source]
        except KeyError:
            raise InputError(f"line {line}: a RECORD comes before the SCHEMA of its stream.") from None
        if reader is not None:
            self._spool.put(source, reader.read(record, line), line)

    def state(self, value: object) -> None:
        """Take in a STATE."""
        self._spool.put_state(_encode(value))

    def rows_file(self, given: str) -> None:
        """Take in a file of rows, one JSON object on each line.

        Args:
            given: `STREAM=PATH`.

        Raises:
            InputError: The file cannot be read, or a line of it is not usable.
        """
        source, equals, path = given.partition("=")
        if not equals or not source or not path:
            raise InputError("--rows: must be STREAM=FILE, such as customers=vip.jsonl.")
        if source not in self._readers:
            self._readers[source] = self._reader(source)
        try:
            with Path(path).open("rb") as file:
                for number, line in enumerate(file, 1):
                    content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                    if content.strip():
                        self._line += 1
                        row = decode_object(content, f"--rows: {mask_name(source)}: line {number}")
                        if self._line == 1 or number == 1:
                            self.schema(source, row)
                        self.record(source, row, self._line)
        except OSError as error:
            reason = error.strerror or "no such file"
            raise InputError(f"--rows: {mask_name(source)}: the file cannot be read ({reason}).") from None

    def _reader(self, source: str) -> RowReader | None:
        """Return the reader of a stream, None if it is one that can only be read."""
        mapped = self._settings.streams.get(source)
        if mapped is not None:
            return RowReader(mapped.to, self._settings, source)
        if source in STREAMS:
            return RowReader(source, self._settings, source)
        if source in TAP_STREAMS:
            logger.info("%s: cannot be written and is ignored.", source)
            return None
        meant = resembling(source, STREAMS)
        hint = f"Did you mean {meant}?" if meant else f"There are: {', '.join(STREAMS)}."
        raise InputError(
            f"{mask_name(source)}: is not a stream of the target. {hint} `streams` says where its rows go."
        )
