"""Progress of a command: where nobody watches, lines say how far it is."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from tap_sumeru.diagnose import command_progress

if TYPE_CHECKING:
    import pytest


def test_a_line_says_how_far_a_command_is_while_it_waits(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged, report = threading.Semaphore(0), command_progress.CommandProgress.report
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(command_progress, "_INTERVAL_SECONDS", 0.0)

    def report_and_release(shown: command_progress.CommandProgress) -> None:
        report(shown)
        logged.release()

    monkeypatch.setattr(command_progress.CommandProgress, "report", report_and_release)
    with command_progress.CommandProgress("Checking", 11) as running:
        running.done()
        while logged.acquire(blocking=False):
            pass
        for _ in range(2):  # the first may have begun before the step was done
            assert logged.acquire(timeout=60)
    assert "Checking: 1 of 11 done; waiting for the API." in caplog.messages


def test_a_command_that_is_quick_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with command_progress.CommandProgress("Checking", 1) as running:
        running.done()
    assert caplog.messages == []
