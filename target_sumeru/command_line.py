"""The command line of the target: its options, its files, its exit codes."""

from __future__ import annotations

import sys
from abc import abstractmethod
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
from singer_sdk import Target
from singer_sdk.plugin_base import _ConfigInput
from typing_extensions import override

from tap_sumeru.config_sources import ConfigSources
from tap_sumeru.error_reporting import reported_errors
from tap_sumeru.output import stdout
from target_sumeru.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_PLAN_HELP = (
    "Write nothing and emit no STATE; print what would be written, launches by name. As `mode: plan`."
)
_CHECK_HELP = (
    "Check token, scopes and ledger, and print a report. Nothing is written: the requests that test a scope "
    "for writing have no content. Exit with 1 if something is missing."
)
_ROWS_HELP = (
    "Write the rows of a file with one JSON object on each line, without a tap: `customers=vip.jsonl`. "
    "Can be repeated. Stream maps do not apply."
)


class CommandLine(ConfigSources, Target):
    """A target with its command line."""

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's settings of stream maps and flattening; its others have no effect here."""
        super(Target, cls).append_builtin_config(config_jsonschema)

    @classmethod
    @override
    def invoke(  # type: ignore[override]  # it has further options
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: str | None = None,
        plan: bool = False,
        check: bool = False,
        rows: tuple[str, ...] = (),
    ) -> None:
        """Run the command line. Exit with 0, 1, 3, or 128 plus the number of the signal that stopped it."""
        if about:
            with reported_errors(cls.name), stdout.printed_whole():
                cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        given = config or _ConfigInput()
        with reported_errors(cls.name):
            cls._check_environment(given)
            if file_input and rows:
                raise InputError("--input: cannot be combined with --rows. Remove one of them.")
            target = cls(config=given.config, parse_env_config=given.parse_env)
            if check:
                sys.exit(target.check())
            sys.exit(target.run(file_input, rows, plan=plan))

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the command. It takes paths, because the SDK's open files have the machine's encoding."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name == "file_input":
                option.type = click.STRING
        command.params += [
            click.Option(["--plan"], is_flag=True, help=_PLAN_HELP),
            click.Option(["--check"], is_flag=True, help=_CHECK_HELP),
            click.Option(["--rows"], multiple=True, metavar="STREAM=FILE", help=_ROWS_HELP),
        ]
        return command

    @abstractmethod
    def run(self, file_input: str | None, rows: Sequence[str], *, plan: bool) -> int:
        """Write the rows of the input; return the exit code."""

    @abstractmethod
    def check(self) -> int:
        """Check token, scopes and ledger; return the exit code."""


def open_input(path: str) -> IO[bytes]:
    """Open a file of Singer messages.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise InputError(f"--input: the file cannot be read ({reason}).") from None
