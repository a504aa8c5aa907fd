"""The command line of the tap: its options, its files, its environment variables, its exit codes."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self, cast

import click
from singer_sdk import Tap
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_sumeru.config_sources import ConfigSources
from tap_sumeru.error_reporting import reported_errors
from tap_sumeru.errors import SettingsError, StateError
from tap_sumeru.input_files import load_catalog, load_state
from tap_sumeru.output import stdout
from tap_sumeru.output.encoding import encode
from tap_sumeru.output.messages import MessageWriter
from tap_sumeru.state.reset import WRAPPER, is_wrapped
from tap_sumeru.state.validation import validate
from tap_sumeru.state_commands import merge_states, reset_streams, shop_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_sumeru.config.settings import Settings
    from tap_sumeru.state.bookmarks import State
_TEST_HELP = "The same as --check. `--test=schema` writes the SCHEMA messages and no records."
_CHECK_HELP = (
    "Check token, clock and each selected stream of each shop with at most three requests per stream, and "
    "print a report. Exit with 1 if a stream cannot be read."
)
_RESET_HELP = (
    "Print a state with which the next run reads this stream again from its start date. Needs the last "
    "state in --state. Can be repeated."
)
_SHOP_HELP = "Reset the streams of this shop only."
_MERGE_HELP = (
    "Merge the states of all shards and print the result, for a change of the number of shards. With the "
    "setting `shard`, keep only the bookmarks of its shops. Can be repeated."
)
_SHOPS_HELP = "Print the names of the shops of this run, or of its shard, one per line."
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
    def invoke(  # type: ignore[override]  # it has further options
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: str | None = None,
        catalog: str | None = None,
        discover: bool = False,
        check: bool = False,
        estimate: bool = False,
        test: str = CliTestOptionValue.Disabled.value,
        reset: tuple[str, ...] = (),
        shop: str | None = None,
        shops: bool = False,
        merge: tuple[str, ...] = (),
    ) -> None:
        """Run the command line. Exit with 0, 1, or 128 plus the number of the signal that stopped it."""
        if about:
            with reported_errors(cls.name), stdout.printed_whole():
                cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        tests = test != CliTestOptionValue.Disabled.value
        with reported_errors():
            modes = {"--check": check, "--test": tests, "--estimate": estimate, "--reset": reset}
            modes |= {"--merge": merge, "--shops": shops, "--discover": discover}
            _check_options([name for name, given in modes.items() if given], shop=shop, state=state)
            if discover:
                cls._discover()
            cls._check_environment(config or _ConfigInput())
            if reset and state is not None:
                cls._reset(config, load_state(state, required=True), reset, shop)
            elif merge:
                cls._merge(config, merge)
            else:
                tap = cls._load(config, state, catalog, setup_mapper=not shops)  # which may need the API
                schema, json = test == CliTestOptionValue.Schema.value, about_format == "json"
                checks = check or tests
                sys.exit(tap.execute(schema=schema, shops=shops, checks=checks, estimate=estimate, json=json))

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
                option.type = click.Choice([one.value for one in CliTestOptionValue])
            elif option.name == "discover":
                # The SDK's discovery ignores all options but --config.
                option.callback, option.expose_value = None, True
            elif option.name == "about_format":
                option.help = "Output style of --about, --check and --estimate."
        command.params += [
            click.Option(["--check"], is_flag=True, help=_CHECK_HELP),
            click.Option(["--estimate"], is_flag=True, help=_ESTIMATE_HELP),
            click.Option(["--reset"], multiple=True, metavar="STREAM", help=_RESET_HELP),
            click.Option(["--shop"], metavar="SHOP", help=_SHOP_HELP),
            click.Option(["--merge"], multiple=True, metavar="STATE", help=_MERGE_HELP),
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

    def execute(self, *, schema: bool, shops: bool, checks: bool, estimate: bool, json: bool) -> int:
        """Run the mode that the options choose, by default a sync; return the exit code."""
        if schema:
            self.write_schemas()
            return 0
        if shops:
            self.message_writer.write(shop_lines(self.settings))
            return 0
        if estimate:
            return self.estimate(json=json)
        return self.check(json=json) if checks else self.run()

    @classmethod
    def _reset(
        cls, config: _ConfigInput | None, content: dict[str, Any], streams: Sequence[str], shop: str | None
    ) -> None:
        """Print the state to use next, in Meltano's form if it was given so."""
        wrapped = is_wrapped(content)
        tap = cls._prepare(config, content[WRAPPER] if wrapped else content)
        state = reset_streams(tap.settings, cast("State", tap.state), streams, shop)
        tap.print_json({**content, WRAPPER: state} if wrapped else state)

    @classmethod
    def _merge(cls, config: _ConfigInput | None, paths: Sequence[str]) -> None:
        """Print one state made of several, in Meltano's form if one of them has it."""
        tap = cls._prepare(config)
        wrappers: dict[str, Any] = {}
        states: list[State] = []
        for number, path in enumerate(paths, 1):
            try:
                content = load_state(path, required=True)
                if is_wrapped(content):
                    wrappers |= content
                    content = content[WRAPPER]
                validate(content, tap.settings.configured)
            except StateError as error:
                raise StateError(f"--merge, file {number}: {error}") from None
            states.append(content)
        state = merge_states(tap.settings, states)
        tap.print_json({**wrappers, WRAPPER: state} if wrappers else state)

    @classmethod
    def _prepare(cls, config: _ConfigInput | None, state: State | None = None) -> Self:
        """Return the tap for a command that needs neither the API nor the stream maps."""
        return cls(
            config=config.config if config else None,
            state=state,
            parse_env_config=config.parse_env if config else False,
            setup_mapper=False,
        )

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """The settings, validated."""

    @abstractmethod
    def run(self) -> int:
        """Sync all selected streams; return the exit code."""

    @abstractmethod
    def check(self, *, json: bool) -> int:
        """Check the selected streams of all shops; return the exit code."""

    def print_json(self, content: dict[str, Any]) -> None:
        """Print a JSON object on one line."""
        self.message_writer.write(encode(content) + b"\n")

    @abstractmethod
    def estimate(self, *, json: bool) -> int:
        """Estimate a first sync of the selected streams of all shops; return the exit code."""

    @classmethod
    def _discover(cls) -> None:
        """Print the catalog and exit."""
        with stdout.printed_whole():
            cls.cb_discover(click.get_current_context(), click.Option(["--discover"]), value=True)


def _check_options(given: Sequence[str], *, shop: str | None, state: str | None) -> None:
    """Reject options that do not fit together.

    Args:
        given: The given options, of which only one is allowed.
        shop: The value of `--shop`.
        state: The value of `--state`.

    Raises:
        SettingsError: Options do not fit together; the message names one of them.
    """
    if len(given) > 1:
        raise SettingsError(f"{given[0]}: cannot be combined with {given[1]}. Remove one of them.")
    if "--reset" in given and state is None:
        raise SettingsError("--reset: needs the last state. Name its file with --state.")
    if "--merge" in given and state is not None:
        raise SettingsError("--state: has no effect with --merge. Name its file with --merge too.")
    if shop is not None and "--reset" not in given:
        raise SettingsError("--shop: has an effect with --reset only. Set `shop` in the config for a run.")
