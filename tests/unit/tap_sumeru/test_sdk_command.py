"""What the command lines of tap and target use of singer-sdk beyond its public promises.

A test fails when the line that uses the name is removed, or when the SDK renames it.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click
import pytest
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand

from tap_sumeru.output.stdout import PrintingCommand
from tap_sumeru.tap import TapSumeru
from target_sumeru.target import TargetSumeru

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.tap_cli import Tap

SECRET = "copt_live_aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g"
Plugin = type[TapSumeru] | type[TargetSumeru]


@pytest.fixture(params=[TapSumeru, TargetSumeru], ids=["tap", "target"])
def plugin(request: pytest.FixtureRequest) -> Plugin:
    """Test both plugins."""
    made: Plugin = request.param
    return made


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore what the SDK's command changes in the process."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(capture=False)


# singer_sdk.plugin_base.SingerCommand


def failing(plugin: Plugin, error: Exception) -> SingerCommand:
    """Return the command of a plugin, whose callback fails."""

    def fail(**_: Any) -> None:
        raise error

    command = plugin.get_singer_command()
    assert isinstance(command, SingerCommand)
    command.callback = fail
    return command


def test_the_command_has_all_that_the_command_of_the_sdk_has(plugin: Plugin) -> None:
    command = plugin.get_singer_command()
    assert isinstance(command, PrintingCommand)
    assert isinstance(command, SingerCommand)
    assert (command.name, command.logger) == (plugin.name, plugin.logger)
    assert command.callback == plugin.invoke
    assert command.context_settings == {"help_option_names": ["--help"]}
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--version", "--about", "--format", "--config"} <= options


def test_each_unusable_setting_is_one_line_of_the_log(
    plugin: Plugin, caplog: pytest.LogCaptureFixture
) -> None:
    error = ConfigValidationError("Config validation failed", errors=["start_date: must be a date."])
    with pytest.raises(SystemExit) as ended:
        failing(plugin, error).main([])
    assert ended.value.code == 1
    assert caplog.messages == ["start_date: must be a date.", "Config validation failed"]


def test_an_unexpected_exception_is_logged_by_the_hook_of_the_command(
    plugin: Plugin, caplog: pytest.LogCaptureFixture
) -> None:
    error = RuntimeError("unexpected")
    command = failing(plugin, error)
    with pytest.raises(RuntimeError):
        command.main([])
    assert sys.excepthook == command.excepthook
    sys.excepthook(RuntimeError, error, None)
    assert [(one.name, one.getMessage()) for one in caplog.records] == [(plugin.logger.name, "unexpected")]


# singer_sdk.tap_base.CliTestOptionValue


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ([], {"schema": False, "checks": False}),
        (["--test"], {"schema": False, "checks": True}),
        (["--test=all"], {"schema": False, "checks": True}),
        (["--test=schema"], {"schema": True, "checks": True}),
    ],
)
def test_the_values_of_the_option_test(
    monkeypatch: pytest.MonkeyPatch, options: list[str], how: dict[str, bool]
) -> None:
    seen: dict[str, bool] = {}

    def execute(_: TapSumeru, **modes: bool) -> int:
        seen.update(modes)
        return 7

    monkeypatch.setattr(TapSumeru, "execute", execute)
    monkeypatch.setenv("TAP_SUMERU_API_TOKEN", SECRET)
    with pytest.raises(SystemExit) as ended:
        TapSumeru.get_singer_command().main(["--config", "ENV", *options])
    assert ended.value.code == 7
    assert {name: seen[name] for name in how} == how


def test_the_options_of_the_sdk_that_are_changed_exist(plugin: Plugin) -> None:
    options = {option.name: option for option in plugin.get_singer_command().params}
    paths = {"catalog", "state"} if plugin is TapSumeru else {"file_input"}
    assert {name for name in paths if options[name].type is click.STRING} == paths
    if plugin is TapSumeru:
        assert options["test"].expose_value
        assert "--check" in str(getattr(options["about_format"], "help", None))


# singer_sdk.plugin_base._ConfigInput


def test_the_command_line_merges_files_and_the_environment(tap: Tap) -> None:
    command = [*tap.command(concurrency="eight"), "--config", "ENV"]
    assert "concurrency: must be" in tap.run(command).log
    environment = {"TAP_SUMERU_CONCURRENCY": SECRET}
    output = tap.run(command, environment)
    assert output.code == 1
    assert "TAP_SUMERU_CONCURRENCY: must be an integer." in output.log
    assert SECRET not in output.log
    # Settings of the SDK itself are known from the start.
    output = tap.run([*tap.command(), "--config", "ENV"], {"TAP_SUMERU_STREAM_MAPS": '{"orders": 5}'})
    assert "stream_maps.orders: must be null or an object" in output.log
