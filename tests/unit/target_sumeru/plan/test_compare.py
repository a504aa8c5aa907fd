"""Values that mean the same are equal, however they are written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from target_sumeru.config.streams import STREAMS
from target_sumeru.plan.compare import changes


@pytest.mark.parametrize(
    ("stream", "column", "wanted", "current", "equal"),
    [
        ("inventory", "unit_cost", Decimal("12.5"), Decimal("12.50"), True),
        ("inventory", "unit_cost", 12, Decimal("12.00"), True),
        ("inventory", "unit_cost", Decimal("0.0000001"), msgspec.Raw(b"1e-7"), True),
        ("inventory", "unit_cost", Decimal("12.5"), Decimal("12.51"), False),
        ("inventory", "unit_cost", Decimal("12.5"), "12.5 EUR", False),
        ("inventory", "available", 0, None, False),
        ("inventory", "available", 1, True, False),
        ("inventory", "tracked", True, True, True),
        ("inventory", "tracked", True, 1, False),
        ("customers", "tags", ["b", "a"], ["a", "b"], True),
        ("customers", "tags", ["a"], ["a", "b"], False),
        ("customers", "tags", ["a"], "a", False),
        ("customers", "tags", [], None, False),
        ("customers", "locale", None, None, True),
        ("customers", "locale", "en", "EN", False),
        ("customers", "first_name", "Ame\u0301lie", "Am\u00e9lie", True),
        ("customers", "first_name", "Amelie", "Am\u00e9lie", False),
        ("campaigns", "scheduled_at", "2026-05-10T14:23:00Z", "2026-05-10T16:23:00.25+02:00", True),
        ("campaigns", "scheduled_at", "2026-05-10T14:23:00Z", "2026-05-10T14:23:01Z", False),
        ("campaigns", "scheduled_at", "2026-05-10T14:23:00Z", "soon", False),
    ],
)
def test_equal_values_are_no_change(stream: str, column: str, wanted: Any, current: Any, equal: bool) -> None:
    found = changes({column: wanted}, {column: current}, STREAMS[stream].columns)
    assert found == ({} if equal else {column: wanted})


def test_an_attribute_that_the_api_does_not_show_differs_unless_that_cannot_be_told() -> None:
    columns = STREAMS["campaigns"].columns
    assert changes({"subject": "Hi"}, {}, columns) == {"subject": "Hi"}
    assert changes({"subject": "Hi"}, {}, columns, missing_is_equal=True) == {}
    assert changes({"subject": None}, {}, columns) == {}


@pytest.mark.parametrize(
    ("add", "remove", "changed"),
    [(["a"], ["x"], False), (["c"], [], True), ([], ["b"], True), ([], [], False)],
)
def test_changes_of_tags_are_compared_with_the_tags(add: list[str], remove: list[str], changed: bool) -> None:
    wanted = {"add_tags": add, "remove_tags": remove}
    found = changes(wanted, {"tags": ["a", "b"]}, STREAMS["customers"].columns)
    assert bool(found) == changed
    assert set(found) <= {name for name in wanted if wanted[name]}
