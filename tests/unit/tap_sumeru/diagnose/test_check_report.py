"""The report of a check for people: how it words what the token lacks."""

from __future__ import annotations

import pytest

from tap_sumeru.diagnose.check import ShopCheck, StreamCheck
from tap_sumeru.diagnose.check_report import as_text


@pytest.mark.parametrize(
    ("scopes", "text"),
    [
        (["orders:read"], "The token lacks orders:read: grant it in Settings"),
        (["orders:read", "orders:read"], "The token lacks orders:read: grant it in Settings"),
        (["orders:read", "campaigns:read"], "The token lacks campaigns:read, orders:read: grant them in"),
    ],
)
def test_missing_scopes_are_named_once_each(scopes: list[str], text: str) -> None:
    streams = [StreamCheck(f"stream_{i}", "403", missing_scope=scope) for i, scope in enumerate(scopes)]
    assert text in as_text([ShopCheck("acme", "https://api.sumeru.systems", "600", 0.0, 3, streams)])


def test_a_token_with_all_scopes_lacks_nothing() -> None:
    check = ShopCheck("acme", "https://api.sumeru.systems", "600", 0.0, 3, [StreamCheck("orders")])
    assert "lacks" not in as_text([check])
