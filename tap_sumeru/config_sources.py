"""Where a plugin's config comes from: files in any Unicode encoding, and environment variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import PluginBase, SingerCommand, _ConfigInput
from typing_extensions import override

from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.setting_names import SHOP_SETTINGS, check_variable_names
from tap_sumeru.config.unread_variables import check_dropped_nulls, unread_variables
from tap_sumeru.error_reporting import reported_errors
from tap_sumeru.errors import SettingsError
from tap_sumeru.input_files import load_config
from tap_sumeru.output.stdout import PrintingCommand

if TYPE_CHECKING:
    import click

_ENVIRONMENT = "ENV"
"""Stands for the environment variables in `--config`."""


class _Command(PrintingCommand, SingerCommand):
    """The command of a plugin; it reports an error if the output of an option cannot be written."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; meanwhile the callbacks of some options print."""
        with reported_errors(str(self.name)):
            return super().parse_args(ctx, args)


class ConfigSources(PluginBase):
    """A plugin whose config errors quote no value, unlike the SDK's."""

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command, as a `_Command`."""
        command = super().get_singer_command()
        return _Command(
            command.name,
            logger=cls.logger,
            callback=command.callback,
            context_settings=command.context_settings,
            params=command.params,
        )

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
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        """Read the config files, which may have any Unicode encoding."""
        with reported_errors(cls.name):
            config: dict[str, Any] = {}
            for path in value:
                if path != _ENVIRONMENT:
                    config |= load_config(path)
            return _ConfigInput(config=config, parse_env=_ENVIRONMENT in value)

    @classmethod
    def _check_environment(cls, config: _ConfigInput) -> None:
        """Report environment variables that look like settings, but are not read.

        Raises:
            SettingsError: A variable sets a shop, which the config lacks, or a null that Meltano has dropped.
        """
        if config.parse_env:
            return
        prefix, schema = cls._env_var_prefix, cls.config_jsonschema
        _check_shop(config.config, prefix)
        check_dropped_nulls(os.environ, config.config, prefix)
        cls.append_builtin_config(schema)
        for line in unread_variables(os.environ, config.config, schema, prefix):
            cls.logger.warning("%s", line)


def _check_shop(config: dict[str, Any], prefix: str) -> None:
    """Reject a run without a shop if the environment has one that is not read.

    Raises:
        SettingsError: The option `--config=ENV` is missing.
    """
    if any(config.get(name) for name in SHOP_SETTINGS):
        return
    for name in SHOP_SETTINGS:
        variable = prefix + name.upper()
        if os.environ.get(variable, "").strip():
            raise SettingsError(
                f"{name}: is missing. {variable} is set, but variables are read with --config=ENV only. "
                "Add that option."
            )
