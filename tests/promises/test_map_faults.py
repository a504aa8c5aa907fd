"""A stream map that fails for a record: the error names the stream and the column, and holds no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap

ADVICE = "Correct the expression in `stream_maps`; it must work for null, and for numbers as decimals."


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"net": "float(total_price) / 0"}, "orders.net fails for a record (ZeroDivisionError): float(to"),
        ({"total_price": "None + self"}, "orders.total_price fails for a record (TypeError): None + self"),
        ({"net": "no_such_column"}, "orders.net fails for a record (NameNotDefined): no_such_column"),
        ({"net": "nothing(total_price)"}, "orders.net fails for a record (FunctionNotDefined): nothing("),
        ({"ok": "shop", "net": "int('secret')"}, "orders.net fails for a record (ValueError)."),
        ({"net": "1234567 / 0"}, "orders.net fails for a record (ZeroDivisionError)."),
        ({"__filter__": "total_price > 'secret'"}, "orders.__filter__ fails for a record (TypeError)."),
        ({"__alias__": "sales", "net": "1 / 0"}, "sales.net fails for a record (ZeroDivisionError): 1 / 0."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_column_is_named_and_other_streams_are_complete(
    tap: Tap, sandbox: Sandbox, columns: dict[str, Any], told: str
) -> None:
    output = tap.sync(streams=("orders", "campaigns"), stream_maps={"orders": columns})
    assert output.code == 1
    (error,) = output.errors
    assert error.startswith(f"Shop acme: orders failed: the stream map {told}")
    assert error.endswith(ADVICE)
    assert "secret" not in output.log
    assert "1234567" not in output.log
    assert "replication_key_value" not in output.bookmark("orders")
    assert len(output.ids("campaigns")) == sandbox.counts()["acme"]["campaigns"]
