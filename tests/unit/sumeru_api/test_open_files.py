"""`connection_settings`: how many connections the limit of open files allows, and how it is raised."""

from __future__ import annotations

import pytest

from sumeru_api import connection_settings


@pytest.mark.parametrize(
    ("limits", "wanted", "allowed", "raised"),
    [
        ((1024, 4096), 100, 100, None),
        ((1024, 4096), 1000, 1000, (2256, 4096)),
        ((1024, 2000), 1000, 872, (2000, 2000)),
        ((1024, -1), 5000, 5000, (10256, -1)),
        ((-1, -1), 5000, 5000, None),
        ((64, 64), 1000, 1, (64, 64)),
    ],
)
def test_the_limit_of_open_files_is_raised_as_needed(
    limits: tuple[int, int],
    wanted: int,
    allowed: int,
    raised: tuple[int, int] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: limits)
    monkeypatch.setattr("resource.setrlimit", lambda _, pair: set_to.append(pair))
    assert connection_settings.allow_connections(wanted) == allowed
    assert set_to == ([raised] if raised else [])


def test_a_limit_of_open_files_that_cannot_be_raised_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr("resource.setrlimit", refuse)
    assert connection_settings.allow_connections(1000) == 384
    monkeypatch.setattr(connection_settings, "_HAS_LIMITS", False)
    assert connection_settings.allow_connections(1000) == 1000
