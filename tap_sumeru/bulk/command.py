"""The command `tap-sumeru-bulk`: its options, its exit codes, and what it logs."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import msgspec

from tap_sumeru.bulk.chunks import MAX_RECORDS
from tap_sumeru.bulk.staged_files import collect
from tap_sumeru.bulk.state_output import StateOutput
from tap_sumeru.errors import SettingsError, TapError
from tap_sumeru.output import stdout
from tap_sumeru.private_log import describe_fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

logger = logging.getLogger("tap-sumeru-bulk")

_BUFFER = 1 << 20
_STATE = click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the state of the tap, replaced after each commit. Default: print it, one line each.",
)
_STATE_AFTERWARDS = click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the state to use once the statements have run.",
)
_BATCH_SIZE = click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=MAX_RECORDS,
    show_default=True,
    help="Records of a transaction, at most.",
)
_DELETE_FILES = click.option("--delete-files", is_flag=True, help="Delete BATCH files once all are loaded.")


class _Bulk(stdout.PrintingCommand, click.Group):
    """The group of the commands."""

    command_class = stdout.PrintingCommand


@click.group(cls=_Bulk, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tap-sumeru")
def bulk() -> None:
    """Load the output of tap-sumeru from standard input, faster than a Singer target, or print SQL for it."""


@bulk.command()
@click.option(
    "--config",
    default="ENV",
    help="Config file of target-postgres. Default: its environment variables, TARGET_POSTGRES_….",
)
@_STATE
@_BATCH_SIZE
@_DELETE_FILES
def postgres(config: str, state: Path | None, batch_size: int, *, delete_files: bool) -> None:
    """Load rows into the tables of meltanolabs-target-postgres."""
    from tap_sumeru.bulk import postgres as warehouse  # noqa: PLC0415 - other commands do without psycopg
    from tap_sumeru.bulk import postgres_settings, run  # noqa: PLC0415 - as above

    content = postgres_settings.from_environment() if config == "ENV" else _config(config)
    settings = postgres_settings.PostgresSettings.of(content)
    with closing(warehouse.Postgres(settings)) as opened:
        write_state = StateOutput(state).write
        run.run(_input(), opened, write_state, batch_size=batch_size, delete_files=delete_files)


@bulk.command()
@click.argument("folder")
@_STATE
@_BATCH_SIZE
@_DELETE_FILES
def parquet(folder: str, state: Path | None, batch_size: int, *, delete_files: bool) -> None:
    """Append rows to Parquet files in FOLDER, a path or a URL, with money as DECIMAL(38, 9)."""
    from tap_sumeru.bulk import parquet as files  # noqa: PLC0415 - other commands do without pyarrow
    from tap_sumeru.bulk import run  # noqa: PLC0415 - as above

    write_state = StateOutput(state).write
    run.run(_input(), files.Parquet(folder), write_state, batch_size=batch_size, delete_files=delete_files)


@bulk.command()
@click.option("--database", envvar="TARGET_SNOWFLAKE_DATABASE", required=True, help="Database of the tables.")
@click.option("--schema", envvar="TARGET_SNOWFLAKE_SCHEMA", default="sumeru", show_default=True)
@click.option("--storage-integration", help="Storage integration with which Snowflake reads your bucket.")
@_STATE_AFTERWARDS
def snowflake(database: str, schema: str, storage_integration: str | None, state: Path | None) -> None:
    """Print SQL that loads BATCH files into the tables of meltanolabs-target-snowflake."""
    from tap_sumeru.bulk import snowflake_statements as sql  # noqa: PLC0415 - other commands do without

    staged, last = collect(_input())
    _print_script(
        sql.statements(staged, database, schema, datetime.now(UTC), storage_integration), last, state
    )


@bulk.command()
@click.option("--dataset", envvar="TARGET_BIGQUERY_DATASET", default="sumeru", show_default=True)
@click.option("--location", envvar="TARGET_BIGQUERY_LOCATION", default="US", show_default=True)
@_STATE_AFTERWARDS
def bigquery(dataset: str, location: str, state: Path | None) -> None:
    """Print SQL that loads BATCH files in Cloud Storage into the tables of z3-target-bigquery."""
    from tap_sumeru.bulk import bigquery_statements as sql  # noqa: PLC0415 - other commands do without

    staged, last = collect(_input())
    _print_script(sql.statements(staged, dataset, location, datetime.now(UTC)), last, state)


def _print_script(statements: Iterable[str], last: bytes | None, state: Path | None) -> None:
    script = "".join([f"{statement};\n" for statement in statements])  # all or none
    if script:
        stdout.write(script.encode())
    if last is not None and state is not None:
        StateOutput(state).write(last)


def main() -> None:
    """Run the command line."""
    level = os.environ.get("LOGLEVEL", "").strip().upper() or "INFO"
    if level not in logging.getLevelNamesMapping():
        sys.exit("LOGLEVEL: must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    logging.basicConfig(level=level, format="%(asctime)s | %(levelname)-7s | %(name)s | %(message)s")
    signal.signal(signal.SIGINT, _on_first_interrupt)
    try:
        bulk.main()
    except Exception as error:  # noqa: BLE001 - no exception may print its text
        logger.error("%s", _describe(error))  # noqa: TRY400 - nor a traceback
        sys.exit(1)


def _describe(error: Exception) -> str:
    """Return what to print of an error: one line, without a value of a row."""
    if isinstance(error, TapError):
        return str(error)
    if isinstance(error, ImportError):
        package = error.name or "A package"
        return f"{package} is not installed. In a clone of the tap, run: pip install '.[bulk]'."
    return f"Internal error: {describe_fault(error)}. Please report this line."


def _on_first_interrupt(_number: int, _frame: FrameType | None) -> None:
    """Go on until the input ends: Ctrl-C stops the tap as well, which then writes a last state."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logger.info("Loading what the tap has written. Press Ctrl-C again to stop at once.")


def _input() -> BinaryIO:
    return open(0, "rb", buffering=_BUFFER, closefd=False)


def _config(path: str) -> dict[str, Any]:
    """Return the content of a config file."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise SettingsError(f"config: the file cannot be read ({error.strerror}).") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SettingsError("config: must be a JSON object.") from None
