"""Error reporting: what is logged when the tap fails. No line contains a value."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from singer_sdk.exceptions import ConfigValidationError, StreamMapConfigError
from typing_extensions import override

from sumeru_api.redaction import mask
from tap_sumeru.errors import TapError

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
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


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


def check_log_level(variable: str = "TAP_SUMERU_LOGLEVEL") -> None:
    """Exit with one line if the environment names a log level that does not exist; an empty one is none.

    Args:
        variable: Environment variable of the plugin.
    """
    for name in (variable, "LOGLEVEL"):
        level = os.environ.get(name, "").strip().upper()
        if level and level not in _LEVELS:
            sys.exit(f"{name}: must be {', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}.")
        if not level:
            os.environ.pop(name, None)
        else:
            os.environ[name] = level


@contextmanager
def reported_errors(plugin: str = "tap-sumeru") -> Iterator[None]:
    """Log an exception as one line and exit with code 1.

    There is never a traceback, because the text of an exception can contain a value.

    Args:
        plugin: Name of the plugin, which is that of its logger.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit):
        raise
    except ConfigValidationError as error:
        texts = list(map(str, error.errors))
    except StreamMapConfigError as error:
        texts = [f"stream_maps: {mask(str(error))}"]
    except TapError as error:
        texts = [str(error)]
    except Exception as error:  # noqa: BLE001 - no exception may print its text
        texts = [f"Internal error: {describe_fault(error)}. Please report this line."]
    else:
        return
    for text in texts:
        logging.getLogger(plugin).error("%s", text)
    sys.exit(1)


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
