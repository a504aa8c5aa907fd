"""What the process says when it ends, and what libraries may say meanwhile: never a value."""

from __future__ import annotations

import logging
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

logger = logging.getLogger("tap-sumeru")

# Their messages hold whole URLs, and with them filters and cursors, or expressions of stream maps.
_TALKATIVE = (
    "singer_sdk.mapper",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)


class _ErrorsOnly(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR


def silence_libraries() -> None:
    """Keep loggers of libraries from telling values, whatever level a logging configuration gives them.

    A filter stays where a level would be replaced.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_ErrorsOnly())


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn what goes wrong into a line on stderr and exit code 1.

    There is no traceback, not even for a fault of our own: the text of an exception may hold a value.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit):
        raise
    except ConfigValidationError as error:
        texts = [str(one) for one in error.errors]
    except StreamMapConfigError as error:
        texts = [f"stream_maps: {mask(str(error))}"]
    except TapError as error:
        texts = [str(error)]
    except Exception as error:  # noqa: BLE001 - it ends the process either way
        texts = [f"The tap has failed: {describe_fault(error)}. Please report this line."]
    else:
        return
    for text in texts:
        logger.error("%s", text)
    sys.exit(1)


def describe_fault(error: BaseException) -> str:
    """Return where an unexpected exception came from, and that of each cause; its text may hold a value."""
    return ", after ".join(
        f"{type(one).__name__} ({' < '.join(reversed(_places(one)))})" for one in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:]]
