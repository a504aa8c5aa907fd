"""Promise 5: no token and no customer data in logs, errors, state, metrics or files, at any level."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from support.canary_api import CANARIES, SITUATIONS, CanaryApi, token
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


# Every logger as loud as it goes, those of the libraries by name, each line with all that it carries.
LOUD = """
version: 1
disable_existing_loggers: false
formatters:
  structured: {(): singer_sdk.logging.StructuredFormatter}
  console: {(): singer_sdk.logging.ConsoleFormatter}
handlers:
  structured: {class: logging.StreamHandler, formatter: structured, stream: ext://sys.stderr}
  console: {class: logging.StreamHandler, formatter: console, stream: ext://sys.stderr}
root: {level: DEBUG, handlers: [structured, console]}
loggers:
  urllib3: {level: DEBUG}
  urllib3.connectionpool: {level: DEBUG}
  singer_sdk.mapper: {level: DEBUG}
"""


@dataclass
class Place:
    """Folders for a run: what goes in, and what it may write to."""

    given: Path
    open: Path

    def run(
        self, *options: str, config: Mapping[str, Any] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        command, env = self.command(*options, config=config, **environment)
        return subprocess.run(
            command, env=env, cwd=self.open / "cwd", capture_output=True, text=True, check=False, timeout=120
        )

    def command(
        self, *options: str, config: Mapping[str, Any] | None = None, **environment: str
    ) -> tuple[list[str], dict[str, str]]:
        for name in ("cwd", "home", "tmp"):
            (self.open / name).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tap_sumeru", *options]
        if config is not None:
            command += ["--config", self.file("config.json", json.dumps(config))]
        folders = {"HOME": str(self.open / "home"), "TMPDIR": str(self.open / "tmp")}
        loud = {"LOGLEVEL": "DEBUG", "TAP_SUMERU_LOGLEVEL": "DEBUG"}
        loud["SINGER_SDK_LOG_CONFIG"] = self.file("log.yml", LOUD)
        return command, {**os.environ, **folders, **loud, **environment}

    def file(self, name: str, text: str) -> str:
        self.given.mkdir(exist_ok=True)
        path = self.given / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def left_behind(self) -> str:
        files = [path for path in self.open.rglob("*") if path.is_file()]
        return "".join(f"{path} {path.read_bytes()!r}\n" for path in files)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "given", tmp_path / "open")


@pytest.fixture
def canaries() -> Iterator[CanaryApi]:
    with CanaryApi() as api:
        yield api


def beside_records(stdout: str) -> str:
    """Return what is written to stdout but for records, and but for the opaque places of a STATE."""
    lines = []
    for line in stdout.splitlines():
        message = json.loads(line)
        for stream in message.get("value", {}).get("bookmarks", {}).values():
            for entry in stream["partitions"]:
                entry.get("reading", {}).pop("cursor", None)
                entry.get("reading", {}).pop("after", None)
        lines += [] if message["type"] == "RECORD" else [json.dumps(message)]
    return "\n".join(lines)


def assert_private(*texts: str) -> None:
    for text in texts:
        for line in text.splitlines():
            assert not [one for one in CANARIES if one in line.lower()], line
        assert "Traceback" not in text


def config_of(api: CanaryApi, situation: str = "good", **more: Any) -> dict[str, Any]:
    return {"api_url": api.url, "api_token": token(situation), "max_retries": 0, **more}


def test_whatever_the_api_says_nothing_private_is_written_but_in_records(
    place: Place, canaries: CanaryApi
) -> None:
    with CanaryApi() as elsewhere:
        canaries.elsewhere = elsewhere.url
        shops = [{"shop": f"of_{one}", "api_token": token(one)} for one in SITUATIONS]
        config = {
            "api_url": canaries.url,
            "shops_file": place.file("kanari.json", json.dumps(shops)),
            "user_agent": "kanari",
            "max_retries": 1,
            "concurrency": 2,
            "stream_options": {"customers": {"filters": {"email": "kanari-filter"}}},
        }
        done = place.run(config=config)
    assert done.returncode == 1
    assert_private(done.stderr, beside_records(done.stdout), place.left_behind())
    # Each shop came as far as it was meant to, and the log still says what went wrong.
    for situation in sorted(set(SITUATIONS) - {"good", "drift", "unknown", "429"}):
        assert f"Shop of_{situation}: " in done.stderr, situation
    for situation in ("good", "drift", "unknown", "429"):
        assert f"Shop of_{situation}: " not in done.stderr.replace("trying again", ""), situation
        assert done.stdout.count(f'"record":{{"shop":"of_{situation}"') >= 3 * len(STREAMS) - 2
    assert "kanari" in done.stdout
    assert elsewhere.asked == []
    assert not any("?kanari" in path for _, path, _ in canaries.asked)
    assert {method for method, _, _ in canaries.asked} == {"GET"}


@pytest.mark.parametrize("option", ["--about", "--discover", "--test", "--test=schema"])
def test_no_command_tells_a_setting_or_a_value(place: Place, canaries: CanaryApi, option: str) -> None:
    done = place.run(option, config=config_of(canaries, user_agent="kanari"))
    assert done.returncode == 0, done.stderr
    shown = beside_records(done.stdout) if option.startswith("--test") else done.stdout
    assert_private(done.stderr, shown, place.left_behind())


BAD_SETTINGS: dict[str, dict[str, Any]] = {
    "api_token": {"api_token": "kanari kanari"},
    "api_url": {"api_url": "https://kanari:kanari@127.0.0.1"},
    "shops": {"shops": [{"shop": "acme", "api_token": "kanari", "kanari": 1}]},
    "shops_file": {"api_token": None, "shops_file": "/kanari/kanari.json"},
    "start_date": {"start_date": "kanari"},
    "end_date": {"end_date": "kanari"},
    "lookback_days": {"lookback_days": "kanari"},
    "concurrency": {"concurrency": "kanari"},
    "on_error": {"on_error": "kanari"},
    "stream_options": {"stream_options": {"kanari": {}}},
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


class Refused(Protocol):
    """Runs the command line in this process, as something refuses it, and returns what it says."""

    def __call__(self, *options: str, config: dict[str, Any] | None = None) -> str: ...


@pytest.fixture
def refused(
    place: Place,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Refused:
    monkeypatch.setattr(logging.root, "handlers", [caplog.handler])

    def run(*options: str, config: dict[str, Any] | None = None) -> str:
        if config is not None:
            options += ("--config", place.file("config.json", json.dumps(config)))
        with caplog.at_level("DEBUG"), pytest.raises(SystemExit) as ended:
            TapSumeru.cli.main(options)
        assert ended.value.code == 1
        (said,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
        assert_private(caplog.text, *capsys.readouterr())
        return said

    return run


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_a_bad_setting_is_named_and_not_quoted(setting: str, refused: Refused) -> None:
    assert setting in refused(config={"api_token": token("good"), **BAD_SETTINGS[setting]})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CONCURRENCY", "TAP_SUMERU_CONCURRENCY: must be an integer."),
        ("SHOPS", "TAP_SUMERU_SHOPS: must be JSON."),
        ("SHARD", "shard: must be"),
    ],
)
def test_a_bad_variable_is_named_and_not_quoted(
    name: str, said: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_SUMERU_API_TOKEN", token("good"))
    monkeypatch.setenv(f"TAP_SUMERU_{name}", "kanari")
    assert said in refused("--config=ENV")


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--state", {"bookmarks": {"jane@kanari.example": {"partitions": [{"context": "kanari"}]}}}),
        ("--state", {"bookmarks": {"orders": {"partitions": [
            {"context": {"shop": "jane@kanari.example"}, "replication_key_value": "kanari"}]}}}),
        ("--state", "kanari"),
        ("--catalog", {"streams": [{"kanari": "kanari"}]}),
        ("--catalog", {"streams": "kanari"}),
        ("--catalog", ["kanari"]),
    ],
)  # fmt: skip
def test_a_damaged_file_is_not_quoted(place: Place, refused: Refused, option: str, content: object) -> None:
    file = place.file("damaged.json", json.dumps(content))
    said = refused(option, file, config={"api_token": token("good")})
    assert said.startswith((f"{option[2:]}: ", f"{option[2:]} of "))


def test_a_stream_map_neither_fails_nor_filters_aloud(place: Place, canaries: CanaryApi) -> None:
    maps = {
        "customers": {"email": "int(email)"},
        "orders": {"__filter__": "email != 'jane@kanari.example'"},
        "products": {"title": "1 / 0 if title else title"},
        "campaigns": {"name": "no_such_name"},
    }
    done = place.run(config=config_of(canaries, stream_maps=maps))
    assert done.returncode == 1
    for stream in ("customers", "products", "campaigns"):
        assert f"{stream} failed: a record cannot be written" in done.stderr
    assert_private(done.stderr, beside_records(done.stdout))


FAULTY = """
import tap_sumeru.sync.run, tap_sumeru.tap
def fail(engine, value):
    try:
        {}[value["email"]]
    except KeyError as error:
        raise RuntimeError(f"cannot write {value}") from error
tap_sumeru.sync.run.log_summary = lambda results, *_: fail(results, {"email": "jane@kanari.example"})
tap_sumeru.tap.TapSumeru.cli()
"""


def test_a_fault_of_the_tap_itself_says_where_it_is_and_no_value(place: Place, canaries: CanaryApi) -> None:
    command, env = place.command(config=config_of(canaries))
    command[1:3] = ["-c", FAULTY]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Internal error: RuntimeError (<string>:7 < <string>:8 < run.py:" in done.stderr
    assert ", after KeyError (" in done.stderr
    assert_private(done.stderr, beside_records(done.stdout))


@pytest.mark.parametrize("how", ["SIGTERM", "closed"])
def test_a_run_that_is_cut_off_tells_nothing(place: Place, how: str) -> None:
    log = place.given / "log.txt"
    with CanaryApi(pages=10_000) as api:
        command, env = place.command(config=config_of(api))
        with log.open("w") as stderr:
            process = subprocess.Popen(
                command, env=env, cwd=place.open / "cwd", stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(20)]
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
            lines += process.stdout.readlines()
        process.stdout.close()
        process.wait(timeout=60)
    assert process.returncode == (143 if how == "SIGTERM" else 1)
    assert_private(log.read_text(), beside_records("".join(lines)), place.left_behind())
