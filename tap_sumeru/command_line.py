"""The command line of the tap: its options, its files, its environment variables, its exit codes."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import click
from singer_sdk import Tap
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_sumeru.config_sources import ConfigSources
from tap_sumeru.error_reporting import reported_errors
from tap_sumeru.errors import SettingsError
from tap_sumeru.input_files import load_catalog, load_state
from tap_sumeru.output.encoding import encode
from tap_sumeru.output.messages import MessageWriter
from tap_sumeru.state.reset import WRAPPER, is_wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEST_HELP = "The same as --check. `--test=schema` writes the SCHEMA messages and no records."
_CHECK_HELP = (
    "Check token, clock and each selected stream of each shop with at most three requests per stream, and "
    "print a report. Exit with 1 if a stream cannot be read."
)
_RESET_HELP = (
    "Print the state to use next, with which the next run reads this stream again from its start date; reads "
    "--state. Can be repeated."
)
_SHOP_HELP = "Reset the streams of this shop only."
_SHOPS_HELP = "Print the names of the shops of this run, or of its shard, one a line."
_ESTIMATE_HELP = (
    "Estimate rows, requests and minutes of a first sync of the selected streams, from a few requests, and "
    "print a report. Exit with 1 if a shop cannot be estimated at all."
)


class CommandLine(ConfigSources, Tap):
    """A tap with its command line."""

    message_writer_class = MessageWriter
    message_writer: MessageWriter

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: str | None = None,
        catalog: str | None = None,
        check: bool = False,
        estimate: bool = False,
        test: str = CliTestOptionValue.Disabled.value,
        reset: tuple[str, ...] = (),
        shop: str | None = None,
        shops: bool = False,
    ) -> None:
        """Run the command line. Exit with 0, 1, or 128 plus the number of the signal that stopped it."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        checks = check or test != CliTestOptionValue.Disabled.value
        with reported_errors():
            _check_options(checks=checks, estimate=estimate, reset=reset, shops=shops, shop=shop, state=state)
            cls._check_environment(config or _ConfigInput())
            if reset and state is not None:
                cls._reset(config, load_state(state, required=True), reset, shop)
                return
            tap = cls._load(config, state, catalog, setup_mapper=not shops)  # which may need the API
            if test == CliTestOptionValue.Schema.value:
                tap.write_schemas()
                return
            if shops:
                tap.print_shops()
                return
            json = about_format == "json"
            if estimate:
                sys.exit(tap.estimate(json=json))
            sys.exit(tap.check(json=json) if checks else tap.run())

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the command. It takes paths, because the SDK's open files have the machine's encoding."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name in ("catalog", "state"):
                option.type = click.STRING
            elif isinstance(option, click.Option) and option.name == "test":
                # The SDK's test runs before the catalog is read, and logs an error for each stream.
                option.callback, option.expose_value, option.help = None, True, _TEST_HELP
            elif option.name == "about_format":
                option.help = "Output style of --about, --check and --estimate."
        command.params += [
            click.Option(["--check"], is_flag=True, help=_CHECK_HELP),
            click.Option(["--estimate"], is_flag=True, help=_ESTIMATE_HELP),
            click.Option(["--reset"], multiple=True, metavar="STREAM", help=_RESET_HELP),
            click.Option(["--shop"], metavar="SHOP", help=_SHOP_HELP),
            click.Option(["--shops"], is_flag=True, help=_SHOPS_HELP),
        ]
        return command

    @classmethod
    def _load(
        cls, config: _ConfigInput | None, state: str | None, catalog: str | None, *, setup_mapper: bool
    ) -> Self:
        """Return the tap with its input files loaded."""
        return cls(
            config=config.config if config else None,
            state=None if state is None else load_state(state),
            catalog=None if catalog is None else load_catalog(catalog),
            parse_env_config=config.parse_env if config else False,
            setup_mapper=setup_mapper,
        )

    @classmethod
    def _reset(
        cls, config: _ConfigInput | None, content: dict[str, Any], streams: Sequence[str], shop: str | None
    ) -> None:
        """Print the state to use next, in Meltano's form if it was given so."""
        wrapped = is_wrapped(content)
        tap = cls(
            config=config.config if config else None,
            state=content[WRAPPER] if wrapped else content,
            parse_env_config=config.parse_env if config else False,
            setup_mapper=False,  # it may need the API
        )
        state = tap.reset(streams, shop)
        tap.print_json({**content, WRAPPER: state} if wrapped else state)

    @abstractmethod
    def run(self) -> int:
        """Sync all selected streams; return the exit code."""

    @abstractmethod
    def check(self, *, json: bool) -> int:
        """Check the selected streams of all shops; return the exit code."""

    @abstractmethod
    def reset(self, streams: Sequence[str], shop: str | None) -> dict[str, Any]:
        """Return the state with which the next run reads streams again, of one shop or of all."""

    def print_json(self, content: dict[str, Any]) -> None:
        """Print a JSON object on one line."""
        self.message_writer.write(encode(content) + b"\n")

    @abstractmethod
    def print_shops(self) -> None:
        """Print the names of the shops of a run."""

    @abstractmethod
    def estimate(self, *, json: bool) -> int:
        """Estimate a first sync of the selected streams of all shops; return the exit code."""

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        """Print the catalog."""
        with reported_errors():
            super().cb_discover(ctx, param, value)


def _check_options(
    *,
    checks: bool,
    estimate: bool,
    reset: Sequence[str],
    shops: bool,
    shop: str | None,
    state: str | None,
) -> None:
    """Reject options that do not fit together.

    Raises:
        SettingsError: They do not; the message names one of them.
    """
    if reset and state is None:
        raise SettingsError("--reset: needs the last state. Name its file with --state.")
    if shop is not None and not reset:
        raise SettingsError("--shop: has an effect with --reset only. Set `shop` in the config for a run.")
    options = {"--check": checks, "--estimate": estimate, "--reset": reset, "--shops": shops}
    given = [name for name, one in options.items() if one]
    if len(given) > 1:
        raise SettingsError(f"{given[0]}: cannot be combined with {given[1]}. Remove one of them.")
