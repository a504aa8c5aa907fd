"""The command line of the tap: its options, its files, its environment variables, its exit codes."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.setting_names import check_variable_names
from tap_sumeru.error_reporting import reported_errors
from tap_sumeru.input_files import load_catalog, load_config, load_state

_ENVIRONMENT = "ENV"
"""Stands for the environment variables in `--config`."""
_TEST_HELP = "The same as --check. `--test=schema` writes the SCHEMA messages and no records."
_CHECK_HELP = (
    "Check token, clock and each selected stream of each shop with at most three requests per stream, and "
    "print a report. Exit with 1 if a stream cannot be read."
)
_ESTIMATE_HELP = (
    "Estimate rows, requests and minutes of a first sync of the selected streams, from a few requests, and "
    "print a report. Exit with 1 if a shop cannot be estimated at all."
)


class CommandLine(Tap):
    """A tap with its command line."""

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - a property of the class
        """Settings from the environment. Unlike the SDK's errors, ours quote no value."""
        schema = cls.config_jsonschema
        cls.append_builtin_config(schema)
        as_text = {"properties": {name: {"type": ["string"]} for name in schema["properties"]}}
        found = given_values(
            parse_environment_config(as_text, cls._env_var_prefix), schema, cls._env_var_prefix
        )
        check_variable_names(os.environ, schema, cls._env_var_prefix)
        return found

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
    ) -> None:
        """Run the command line. Exit with 0, 1, or 128 plus the number of the signal that stopped it."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        with reported_errors():
            tap = cls(
                config=config.config if config else None,
                state=None if state is None else load_state(state),
                catalog=None if catalog is None else load_catalog(catalog),
                parse_env_config=config.parse_env if config else False,
            )
            if test == CliTestOptionValue.Schema.value:
                tap.write_schemas()
                return
            if estimate:
                sys.exit(tap.estimate(json=about_format == "json"))
            checks = check or test != CliTestOptionValue.Disabled.value
            sys.exit(tap.check(json=about_format == "json") if checks else tap.run())

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
        command.params.append(click.Option(["--check"], is_flag=True, help=_CHECK_HELP))
        command.params.append(click.Option(["--estimate"], is_flag=True, help=_ESTIMATE_HELP))
        return command

    def run(self) -> int:
        """Sync all selected streams; return the exit code."""
        raise NotImplementedError

    def check(self, *, json: bool) -> int:
        """Check the selected streams of all shops; return the exit code."""
        raise NotImplementedError

    def estimate(self, *, json: bool) -> int:
        """Estimate a first sync of the selected streams of all shops; return the exit code."""
        raise NotImplementedError

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        """Read the config files, which may have any Unicode encoding."""
        with reported_errors():
            config: dict[str, Any] = {}
            for path in value:
                if path != _ENVIRONMENT:
                    config |= load_config(path)
            return _ConfigInput(config=config, parse_env=_ENVIRONMENT in value)

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        """Print the catalog."""
        with reported_errors():
            super().cb_discover(ctx, param, value)
