"""A row of the shop that the input names in several ways ends as the last input says, or is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.target_cli import record, schema, state

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target


@pytest.fixture
def names(sandbox: Sandbox) -> list[Json]:
    """The two ways to name one row of the stock."""
    row = next(row for row in sandbox.truth("acme", "inventory") if row["sku"] and row["location_id"])
    return [{"id": row["id"]}, {"sku": row["sku"], "location_id": row["location_id"]}]


def available(sandbox: Sandbox, row_id: str) -> int:
    return next(int(row["available"]) for row in sandbox.truth("acme", "inventory") if row["id"] == row_id)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("compare", ["ledger", "api", "none"])
def test_the_last_run_wins_however_it_names_the_row(
    sandbox: Sandbox, target: Target, names: list[Json], compare: str, first: int
) -> None:
    one, other = names[first], names[1 - first]
    for name, value in ((one, 7001), (other, 7002), (one, 7001)):
        output = target.write("inventory", [{**name, "available": value}], compare=compare)
        assert output.code == 0, output.log
        assert available(sandbox, names[0]["id"]) == value


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_a_row_that_one_run_names_in_two_ways_is_rejected(
    sandbox: Sandbox, target: Target, names: list[Json], first: int, *, known: bool
) -> None:
    if known:
        assert target.write("inventory", [{**names[first], "available": 7001}]).code == 0
    before = available(sandbox, names[0]["id"])
    rows = [{**names[first], "available": 7001}, {**names[1 - first], "available": 7002}]
    columns = ("id", "sku", "location_id", "available")
    output = target.run(
        [schema("inventory", *columns), *(record("inventory", **row) for row in rows), state(1)]
    )
    assert (output.code, output.states) == (1, [])
    assert set(output.reasons("inventory")) == {"several_names"}
    assert available(sandbox, names[0]["id"]) == before


def test_a_product_is_changed_by_its_id_and_by_its_external_id(sandbox: Sandbox, target: Target) -> None:
    assert target.write("products", [{"external_id": "chair", "title": "Chair 7001"}]).code == 0
    product = next(row["id"] for row in sandbox.truth("acme", "products") if row["title"] == "Chair 7001")
    assert target.write("products", [{"id": product, "title": "Chair 7002"}]).code == 0
    assert target.write("products", [{"external_id": "chair", "title": "Chair 7001"}]).code == 0
    titles = {row["id"]: row["title"] for row in sandbox.truth("acme", "products")}
    assert titles[product] == "Chair 7001"


def test_a_shop_of_the_same_name_elsewhere_is_another_shop(
    sandbox: Sandbox, shops: Sandbox, target: Target
) -> None:
    for place in (sandbox, shops, sandbox):
        config = {"api_url": place.url, "api_token": place.token("acme")}
        customer = place.truth("acme", "customers")[0]["id"]
        rows = [{"id": customer, "tags": ["a"]}]
        changes = 1 if "a" not in row_tags(place, customer) else 0
        output = target.write("customers", rows, **config)
        assert (output.code, len(output.statuses("customers"))) == (0, changes), output.log
        assert row_tags(place, customer) == ["a"]


def row_tags(sandbox: Sandbox, customer: str) -> list[str]:
    return next(row["tags"] for row in sandbox.truth("acme", "customers") if row["id"] == customer)
