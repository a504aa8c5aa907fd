"""Discovery with `discover_rows`: fields that no schema knows become typed columns, and a sync fills them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from support import unknown_fields
from support.scripted_api import Reply, Request, ScriptedApi
from support.tap_cli import Tap
from support.unknown_fields import FIELDS, MIXED

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

ORDERS = 3


def serve(request: Request) -> Reply:
    """Return three orders with twelve unknown fields, one of them of mixed types."""
    return unknown_fields.serve(ORDERS, request)


def discovered(tap: Tap, **config: Any) -> Json:
    done = tap.run_text([*tap.command(**config), "--discover"])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def orders(catalog: Json) -> Json:
    (entry,) = (one for one in catalog["streams"] if one["tap_stream_id"] == "orders")
    return dict(entry["schema"]["properties"])


def test_unknown_fields_become_typed_columns_and_a_mixed_one_stays_in_extra(tmp_path: Path) -> None:
    with ScriptedApi(serve) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        known = orders(discovered(tap))
        assert api.requests == []
        catalog = discovered(tap, discover_rows=200)
        assert discovered(tap, discover_rows=200) == catalog
        output = tap.sync(catalog=catalog)
    learned = {name: schema for name, schema in orders(catalog).items() if name not in known}
    assert {name: schema.get("format", schema["type"][0]) for name, schema in learned.items()} == {
        name: type_ for name, (_, type_) in FIELDS.items()
    }
    assert {schema["x-provenance"] for schema in learned.values()} == {"observed"}
    assert learned["contact_phone"]["x-pii"] == "suspected"
    assert output.code == 0, output.log
    records = output.records("orders")
    for name, (values, _) in FIELDS.items():
        sent = [json.loads(json.dumps(value), parse_float=Decimal) for value in values]
        assert [record[name] for record in records] == sent, name
    assert [record["extra"] for record in records] == [{"mixed": value} for value in MIXED]


def test_a_sync_without_a_catalog_has_the_same_columns(tmp_path: Path) -> None:
    with ScriptedApi(serve) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1", "discover_rows": 3})
        output = tap.sync()
    (schema,) = (one for one in output.of_type("SCHEMA") if one["stream"] == "orders")
    assert FIELDS.keys() <= schema["schema"]["properties"].keys()


def test_a_stream_that_cannot_be_sampled_keeps_its_schema_with_a_warning(tmp_path: Path) -> None:
    def refuse(request: Request) -> Reply:
        return Reply({"error": {"code": "forbidden"}}, 403) if request.path == "orders" else serve(request)

    with ScriptedApi(refuse) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        done = tap.run_text([*tap.command(discover_rows=10), "--discover"])
        assert done.returncode == 0
        assert orders(json.loads(done.stdout)) == orders(discovered(tap))
    assert "Shop default: orders: no columns can be learned: 403 forbidden" in done.stderr
