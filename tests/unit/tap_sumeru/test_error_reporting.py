"""Log levels: which are accepted, and which libraries may not log at DEBUG."""

from __future__ import annotations

import logging
import os

import pytest

from tap_sumeru.error_reporting import check_log_level
from tap_sumeru.private_log import silence_libraries


@pytest.mark.parametrize("name", ["botocore.endpoint", "s3fs", "google.auth.transport", "azure.core"])
def test_the_storage_of_batch_files_logs_no_headers_at_debug(
    caplog: pytest.LogCaptureFixture, name: str
) -> None:
    silence_libraries()
    caplog.set_level(logging.DEBUG)
    logging.getLogger(name).debug("X-Amz-Security-Token: s3cret")
    logging.getLogger(name).warning("the bucket does not exist")
    assert caplog.messages == ["the bucket does not exist"]


@pytest.mark.parametrize(
    ("level", "seen"), [("debug", "DEBUG"), (" Warning ", "WARNING"), ("", None), ("  ", None)]
)
def test_a_log_level_is_made_what_the_sdk_accepts(
    monkeypatch: pytest.MonkeyPatch, level: str, seen: str | None
) -> None:
    monkeypatch.setenv("LOGLEVEL", level)
    check_log_level()
    assert os.environ.get("LOGLEVEL") == seen


@pytest.mark.parametrize("level", ["loud", "10", "NOTSET", "DEBUG,INFO"])
def test_a_log_level_that_does_not_exist_ends_the_tap(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv("LOGLEVEL", level)
    with pytest.raises(SystemExit, match=r"^LOGLEVEL: must be DEBUG, "):
        check_log_level()
