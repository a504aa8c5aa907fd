"""Describes what a JSON Schema rejects, in one line that names the place and quotes no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from sumeru_api.redaction import mask_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = {"array": "a list", "integer": "an integer", "object": "an object"}


def allowed_types(schema: Mapping[str, Any] | str) -> set[str]:
    """Return the types that a schema allows; in `anyOf` the SDK also writes the bare name of a type."""
    if isinstance(schema, str):
        return {schema}
    declared = schema.get("type", [])
    types = {declared} if isinstance(declared, str) else set(declared)
    return types.union(*map(allowed_types, schema.get("anyOf", ())))


def expected(schema: Mapping[str, Any]) -> str:
    """Return what a schema expects, such as `a list of objects with the keys shop, api_token`."""
    if schema.get("format") == "date-time":
        return "a date, such as 2026-01-01"
    kinds = sorted(allowed_types(schema) - {"null"})
    text = " or ".join(_PLAIN.get(kind, f"a {kind}") for kind in kinds)
    items = schema.get("items")
    if kinds == ["array"] and isinstance(items, dict) and "required" in items:
        return f"{text} of objects with the keys {', '.join(items['required'])}"
    if kinds == ["object"] and "required" in schema:
        return f"{text} with the keys {', '.join(schema['required'])}"
    return text


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
        return "".join(steps).lstrip("."), _describe(
            str(error.validator), error.validator_value, error.schema, error.instance
        )
    return None


def _describe(keyword: str, value: Any, schema: Mapping[str, Any], instance: Any) -> str:  # noqa: ANN401 - any
    if keyword == "required":
        missing = [name for name in value if name not in instance]
        return f"must have the {'key' if len(missing) == 1 else 'keys'} {', '.join(missing)}"
    if keyword == "enum":
        return f"must be {', '.join(map(str, value[:-1]))} or {value[-1]}"
    if keyword == "type":
        return f"must be {expected(schema)}"
    if keyword == "minItems":
        return "must not be empty"
    return "is not valid"
