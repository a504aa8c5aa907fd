"""Promise 5, private: an error about a setting, a variable or an input file names it and quotes no value."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from support.canary_api import token
from support.isolated_run import assert_private
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from support.isolated_run import IsolatedRun

BAD_SETTINGS: dict[str, dict[str, Any]] = {
    "api_token": {"api_token": "kanari kanari"},
    "api_url": {"api_url": "https://kanari:kanari@127.0.0.1"},
    "shops": {"shops": [{"shop": "acme", "api_token": "kanari"}]},
    "shops_file": {"api_token": None, "shops_file": "/kanari/kanari.json"},
    "start_date": {"start_date": "kanari"},
    "end_date": {"end_date": "kanari"},
    "lookback_days": {"lookback_days": "kanari"},
    "concurrency": {"concurrency": "kanari"},
    "on_error": {"on_error": "kanari"},
    "pii": {"pii": "kanari"},
    "stream_map_config": {"pii": "hash", "stream_map_config": {"hash_seed": ["kanari"]}},
    "stream_options": {"stream_options": ["kanari"]},
    "stream_options.ordres": {"stream_options": {"ordres": {"filters": "kanari"}}},
    "filters": {"stream_options": {"orders": {"filters": {"email": ["kanari"]}}}},
    "shard": {"shard": "kanari"},
    "user_agent": {"user_agent": "kan\u00e4ri kanari"},
    "stream_maps.customers.email": {"stream_maps": {"customers": {"email": "sha256('kanari' + ("}}},
    "stream_maps.customers.__filter__": {"stream_maps": {"customers": {"__filter__": "'kanari' +"}}},
    "stream_maps.customers.__else__": {"stream_maps": {"customers": {"__else__": "kanari"}}},
    "stream_maps.customers.phone": {"stream_maps": {"customers": {"phone": ["kanari"]}}},
    "stream_maps.customers": {"stream_maps": {"customers": "kanari"}},
    "stream_maps.__else__": {"stream_maps": {"__else__": "kanari"}},
    "stream_maps": {"stream_maps": "kanari"},
    "batch_config": {"batch_config": {"encoding": {"format": "kanari"}, "storage": {"root": "kanari"}}},
    "batch_config.encoding.compression": {
        "batch_config": {"encoding": {"compression": "kanari"}, "storage": {"root": "kanari"}}
    },
    "batch_config.storage.prefix": {"batch_config": {"storage": {"root": "kanari", "prefix": ["kanari"]}}},
    "batch_config.storage.params": {"batch_config": {"storage": {"root": "kanari", "params": "kanari"}}},
}


class RejectedRun(Protocol):
    """Runs the command line in this process, expects it to fail, and returns the error message."""

    def __call__(self, *options: str, config: dict[str, Any] | None = None) -> str: ...


@pytest.fixture
def rejected(
    isolated: IsolatedRun,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> RejectedRun:
    monkeypatch.setattr(logging.root, "handlers", [caplog.handler])

    def run(*options: str, config: dict[str, Any] | None = None) -> str:
        if config is not None:
            options += ("--config", isolated.file("config.json", json.dumps(config)))
        with caplog.at_level("DEBUG"), pytest.raises(SystemExit) as ended:
            TapSumeru.cli.main(options)
        assert ended.value.code == 1
        (message,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
        assert_private(caplog.text, *capsys.readouterr())
        return message

    return run


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_an_invalid_setting_is_named_and_its_value_is_not(setting: str, rejected: RejectedRun) -> None:
    assert setting in rejected(config={"api_token": token("good"), **BAD_SETTINGS[setting]})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CONCURRENCY", "TAP_SUMERU_CONCURRENCY: must be an integer."),
        ("SHOPS", "TAP_SUMERU_SHOPS: must be JSON: "),
        ("SHARD", "shard: must be"),
    ],
)
def test_an_invalid_environment_variable_is_named_and_its_value_is_not(
    name: str, message: str, rejected: RejectedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_SUMERU_API_TOKEN", token("good"))
    monkeypatch.setenv(f"TAP_SUMERU_{name}", "kanari")
    assert message in rejected("--config=ENV")


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--state", {"bookmarks": {"orders": {"partitions": [{"context": "kanari"}]}}}),
        ("--state", {"bookmarks": {"orders": {"partitions": [
            {"context": {"shop": "default"}, "replication_key_value": "kanari"}]}}}),
        ("--state", "kanari"),
        ("--catalog", {"streams": [{"kanari": "kanari"}]}),
        ("--catalog", {"streams": "kanari"}),
        ("--catalog", ["kanari"]),
    ],
)  # fmt: skip
def test_an_invalid_file_is_not_quoted(
    isolated: IsolatedRun, rejected: RejectedRun, option: str, content: object
) -> None:
    file = isolated.file("damaged.json", json.dumps(content))
    message = rejected(option, file, config={"api_token": token("good")})
    assert message.startswith((f"{option[2:]}: ", f"{option[2:]} of "))
