"""A shop with fields that no schema knows, through `meltano run`: they land in columns of their own."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from support import unknown_fields
from support.scripted_api import ScriptedApi
from support.unknown_fields import FIELDS, MIXED
from warehouses import documented, targets
from warehouses.conftest import require
from warehouses.meltano_project import Project, reading
from warehouses.warehouse import WAREHOUSES

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Start
    from warehouses.warehouse import Json, Warehouse

pytestmark = pytest.mark.timeout(900)
ORDERS = 250
"""More than are sampled."""
KINDS = ("string", "integer", "number", "boolean", "date-time", "object", "array")
TYPES = {
    "target-duckdb": ("VARCHAR", "HUGEINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "JSON", "JSON"),
    "target-postgres": (
        *("text", "bigint", "numeric", "boolean"),
        *("timestamp without time zone", "jsonb", "jsonb"),
    ),
}


def of_extra(target: str) -> str:
    """Return the query of the page for the fields in `extra`."""
    chapter = documented.page("").partition("## What is in extra\n")[2].partition("\n## ")[0]
    queries = re.findall(r"```sql\n(.+?);\n```", chapter)
    return str(dict(zip(("target-duckdb", "target-postgres"), queries, strict=True))[target])


def columns(catalog: Json) -> Json:
    """Return the learned columns of orders."""
    (entry,) = (one for one in catalog["streams"] if one["tap_stream_id"] == "orders")
    properties = entry["schema"]["properties"]
    return {name: one for name, one in properties.items() if one.get("x-provenance") == "observed"}


@pytest.mark.parametrize("warehouse", WAREHOUSES, ids=lambda one: one.target.removeprefix("target-"))
def test_learned_columns_hold_every_value_and_a_mixed_field_is_in_extra(
    warehouse: Warehouse, start: Start, tmp_path: Path
) -> None:
    start(warehouse)
    require(targets.missing("meltano"))
    with ScriptedApi(partial(unknown_fields.serve, ORDERS)) as api:
        project = Project(tmp_path, warehouse, reading(api.url, "copt_test_1", discover_rows="200"))
        assert project.run("orders") == ORDERS
        catalog = project.catalog()
        project.run("orders")
    assert project.catalog() == catalog
    learned = columns(catalog)
    assert learned.keys() == FIELDS.keys()
    types = {name.lower(): type_ for name, type_ in warehouse.types(project.schema, "orders").items()}
    kinds = dict(zip(KINDS, TYPES[warehouse.target], strict=True))
    assert {name: types[name.lower()] for name in FIELDS} == {
        name: kinds[kind] for name, (_, kind) in FIELDS.items()
    }
    rows = project.pipeline().rows("orders")["orders"]
    assert len(rows) == ORDERS
    assert warehouse.query(project.schema, of_extra(warehouse.target)) == [["mixed"]]
    for number in range(ORDERS):
        sent = json.loads(json.dumps(unknown_fields.values(number)), parse_float=Decimal)
        lands = {name: warehouse.lands(value, learned[name]) for name, value in sent.items()}
        landed = {name.lower(): value for name, value in rows["acme", f"row_{number}"].items()}
        assert {name: landed[name.lower()] for name in FIELDS} == lands
        assert landed["extra"] == {"mixed": MIXED[number % len(MIXED)]}
