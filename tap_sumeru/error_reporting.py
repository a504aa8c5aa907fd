"""Error reporting: what is logged when the tap fails. No line contains a value."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from singer_sdk.exceptions import ConfigValidationError, StreamMapConfigError

from sumeru_api.redaction import mask
from tap_sumeru.errors import TapError
from tap_sumeru.output.stdout import drop
from tap_sumeru.private_log import describe_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def check_log_level(variable: str = "TAP_SUMERU_LOGLEVEL") -> None:
    """Exit with one line if the environment names a log level that does not exist; an empty one is ignored.

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
def settled_end() -> Iterator[None]:
    """Keep the exit code of a command: neither a log that cannot be written nor a late signal changes it.

    Only for the entry point of a process, because signals are ignored afterwards.
    """
    try:
        yield
    finally:
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
        except OSError:
            drop(sys.stderr)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_IGN)  # Python's exit would restore the default, which kills


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
