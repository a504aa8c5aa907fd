"""Keeps values of rows out of the log: describes unexpected exceptions without them, silences libraries."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

# Their messages contain expressions of stream maps, or whole URLs with filters and cursors.
_REVEALING = (
    "aiohttp.client",
    "aiohttp.internal",
    "asyncio",
    "singer_sdk.mapper",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)
# At DEBUG they log the headers of their requests, which hold credentials of the storage of BATCH files.
_STORAGE = ("adlfs", "aiobotocore", "azure", "boto3", "botocore", "fsspec", "gcsfs", "google", "s3fs")


class _ErrorsOnly(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR


def silence_libraries() -> None:
    """Suppress messages of libraries that contain values.

    This uses filters, because a logging configuration of the user would replace levels.
    """
    for name in _REVEALING:
        logging.getLogger(name).addFilter(_ErrorsOnly())
    for name in _STORAGE:
        logging.getLogger(name).setLevel(logging.WARNING)


def describe_fault(error: BaseException) -> str:
    """Return types and code lines of an unexpected exception and its causes, without their texts."""
    return ", after ".join(
        f"{type(cause).__name__} ({' < '.join(reversed(_code_lines(cause)))})" for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, each once."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _code_lines(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:]]
