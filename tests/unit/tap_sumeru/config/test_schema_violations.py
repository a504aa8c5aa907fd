"""What a JSON Schema rejects: the place and the keys that are missing, and no value."""

from __future__ import annotations

from typing import Any

import pytest

from tap_sumeru.config.schema_violations import first_violation

SHOP = {
    "type": "object",
    "required": ["shop", "api_token"],
    "properties": {"shop": {"type": "string"}, "mode": {"enum": ["write", "plan", "check"]}},
}
SCHEMA = {"type": "array", "items": SHOP}
VALID = {"shop": "acme", "api_token": "copt_live_secret"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"shop": "acme"}, "must have the key api_token"),
        ({"api_token": "copt_live_secret"}, "must have the key shop"),
        ({"mode": "write"}, "must have the keys shop, api_token"),
    ],
)
def test_only_the_missing_keys_are_named(value: dict[str, Any], text: str) -> None:
    assert first_violation([VALID, value], SCHEMA) == ("[1]", text)


def test_a_wrong_choice_is_not_quoted() -> None:
    value = {**VALID, "mode": "secret"}
    assert first_violation([value], SCHEMA) == ("[0].mode", "must be write, plan or check")


def test_a_valid_value_has_no_violation() -> None:
    assert first_violation([VALID], SCHEMA) is None
