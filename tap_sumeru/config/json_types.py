"""Describes what a JSON Schema rejects, in one line that names the place and quotes no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from sumeru_api.redaction import mask_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = {"array": "a list", "integer": "an integer", "object": "an object"}


def first_violation(value: object, schema: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the place and the description of the first violation, None if there is none.

    Args:
        value: Any JSON.
        schema: JSON Schema of it.
    """
    for error in Draft202012Validator(schema).iter_errors(value):
        steps = (
            f"[{step}]" if isinstance(step, int) else f".{mask_name(step)}" for step in error.absolute_path
        )
        return "".join(steps).lstrip("."), _describe(str(error.validator), error.validator_value)
    return None


def _describe(keyword: str, expected: Any) -> str:  # noqa: ANN401 - the value of any keyword
    if keyword == "required":
        return f"must have the keys {', '.join(expected)}"
    if keyword == "enum":
        return f"must be {' or '.join(map(str, expected))}"
    if keyword == "type":
        kinds = [expected] if isinstance(expected, str) else expected
        return "must be " + " or ".join(_PLAIN.get(kind, f"a {kind}") for kind in kinds if kind != "null")
    if keyword == "minItems":
        return "must not be empty"
    return "is not valid"
