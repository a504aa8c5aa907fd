"""The setting `pii`: no personal column reaches the warehouse, whatever else is set."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from support.canary_api import CanaryApi, marked_values, token
from support.scripted_api import END, Reply, Request, ScriptedApi
from support.scripted_api import row as api_row
from tap_sumeru import pii
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output
    from support.tap_cli import Tap as CommandLine

Json = dict[str, Any]
SEED = "a long random text"
SALT: Json = {"stream_map_config": {"hash_seed": SEED}}
CANARY = "jane@canary.example"
MODES = ("hash", "drop")


def salted(text: str) -> str:
    return hashlib.sha256((SEED + text).encode()).hexdigest()


def assert_alike(output: Output) -> None:
    """Check that every RECORD has the keys of its SCHEMA, and text where that has text."""
    schemas = {one["stream"]: one["schema"]["properties"] for one in output.of_type("SCHEMA")}
    for message in output.of_type("RECORD"):
        properties, record = schemas[message["stream"]], message["record"]
        assert record.keys() == properties.keys()
        for name, value in record.items():
            if "string" in properties[name]["type"]:
                assert isinstance(value, str | None), name


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"flattening_enabled": True, "flattening_max_depth": 2},
        {"stream_maps": {"*": {"hidden": "'new'"}}},
        {"stream_maps": {"people": {"__source__": "customers"}, "ord*": {"__alias__": "sales"}}},
    ],
    ids=["plain", "flattened", "wildcard", "aliases"],
)
@pytest.mark.parametrize("how", MODES)
def test_no_personal_data_is_in_the_records(tap: CommandLine, how: str, more: Json) -> None:
    """Of streams with marked columns, drifted values and unknown fields."""
    with CanaryApi(pages=2) as api:
        shops = [{"shop": one, "api_token": token(one)} for one in ("good", "unknown", "drift")]
        output = tap.sync(api_url=api.url, api_token=None, shops=shops, pii=how, **SALT, **more)
    assert output.code == 0, output.log
    assert len(output.counts()) >= len(STREAMS)
    written = json.dumps(output.of_type("RECORD"), default=str)
    assert {one for one in marked_values() if one in written} == set()
    assert_alike(output)


def test_hashes_are_salted_those_of_the_recipe_and_null_stays_null(
    tap: CommandLine, sandbox: Sandbox
) -> None:
    sandbox.put("acme", "customers", "cus_erased", email=None, address=None)
    streams = ("customers", "orders")
    output = tap.sync(streams=streams, pii="hash", **SALT)
    recipe = tap.sync(streams=streams, stream_maps=pii.stream_maps("hash"), **SALT)
    assert (output.code, recipe.code) == (0, 0), output.log
    truth = {row["id"]: row for row in sandbox.truth("acme", "customers")}
    customers = {record["id"]: record for record in output.records("customers")}
    assert customers.keys() == truth.keys()
    for ident, row in truth.items():
        for name in ("email", "phone", "first_name"):
            assert customers[ident][name] == (salted(row[name]) if row[name] else None)
        assert (customers[ident]["address"] is None) == (row["address"] is None)
    for stream in streams:
        assert output.records(stream) == recipe.records(stream)
    assert_alike(output)
    assert "pii: hash: 9 columns of 2 streams (customers: email, phone" in output.log


def test_a_run_says_what_it_drops_and_other_columns_stay(tap: CommandLine) -> None:
    plain = tap.sync()
    output = tap.sync(pii="drop")
    assert output.code == 0, output.log
    assert "pii: drop: 9 columns of 2 streams (customers: email, phone" in output.log
    assert "pii:" not in plain.log
    maps = pii.stream_maps("drop")
    for stream in STREAMS:
        kept = [
            {name: value for name, value in record.items() if name not in maps[stream]}
            for record in plain.records(stream)
        ]
        assert sorted(output.records(stream), key=str) == sorted(kept, key=str)


@pytest.mark.parametrize("config", [{}, {"stream_map_config": {}}, {"stream_map_config": {"hash_seed": " "}}])
def test_hash_without_a_seed_is_an_error_that_says_what_to_set(tap: CommandLine, config: Json) -> None:
    output = tap.sync(streams=("customers",), pii="hash", **config)
    assert (output.code, output.lines) == (1, [])
    assert "Set `stream_map_config.hash_seed` to a long random text" in output.last_line


def test_another_word_is_an_error(tap: CommandLine) -> None:
    output = tap.sync(streams=("customers",), pii="encrypt")
    assert (output.code, output.lines) == (1, [])
    assert "pii: must be keep, hash or drop." in output.last_line


FIELDS: Json = {
    "contact_phone": "+49 170 1234567",
    "reach_via": CANARY,
    "visits": [{"ip_address": "192.0.2.1", "mail": CANARY}],
    "birthday_gift": {"to": CANARY},
    "email": [CANARY],
    "mixed": CANARY,
}


@pytest.fixture
def contacts(tap: CommandLine) -> Iterator[ScriptedApi]:
    """Serve orders with fields that no schema knows; the tap has their addresses."""

    def serve(request: Request) -> Reply:
        if request.path != "orders":
            return Reply()
        rows = [api_row(1, **FIELDS, loyalty_tier="gold"), api_row(2, mixed=1)]
        return Reply({"data": rows, "pagination": END})

    with ScriptedApi(serve) as api:
        tap.config.update(api_url=api.url, api_token="copt_test_1", **SALT)
        yield api


def discovered(tap: CommandLine, **config: Any) -> Json:
    done = tap.run_text([*tap.command(**config), "--discover"])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def columns(catalog: Json, stream: str = "orders") -> Json:
    (entry,) = (one for one in catalog["streams"] if one["tap_stream_id"] == stream)
    properties: Json = entry["schema"]["properties"]
    return properties


@pytest.mark.parametrize("how", MODES)
@pytest.mark.parametrize("with_file", [True, False], ids=["catalog", "no catalog"])
@pytest.mark.usefixtures("contacts")
def test_learned_columns_are_covered(tap: CommandLine, how: str, *, with_file: bool) -> None:
    """The SDK removes the marks of a catalog, so they are read from the file."""
    catalog = discovered(tap, discover_rows=10, pii=how)
    assert catalog == discovered(tap, discover_rows=10), "a discovery marks, and hides nothing"
    assert columns(catalog)["reach_via"]["x-pii"] == "suspected"
    output = tap.sync(catalog=catalog, pii=how) if with_file else tap.sync(discover_rows=10, pii=how)
    assert output.code == 0, output.log
    first, second = output.records("orders")
    assert first["loyalty_tier"] == "gold"
    written = json.dumps(output.messages, default=str)
    assert {one for one in (CANARY, "192.0.2.1", "1234567") if one in written} == set()
    assert_alike(output)
    if how == "hash":
        assert first["reach_via"] == salted(CANARY)
        assert second["reach_via"] is None
        assert first["visits"] == salted(json.dumps(FIELDS["visits"], sort_keys=True))


def without_marks(properties: Json) -> Json:
    """Return columns as a version without marks would have written them."""
    return {
        name: {key: value for key, value in column.items() if key != "x-pii"}
        for name, column in properties.items()
    }


@pytest.mark.parametrize("how", MODES)
def test_a_catalog_of_an_older_version_leaves_nothing_uncovered(
    tap: CommandLine, how: str, contacts: ScriptedApi
) -> None:
    """It lacks a column that is marked now, and knows others without the mark."""
    assert not contacts.requests
    catalog = tap.catalog("orders")
    properties = columns(catalog)
    aged = without_marks(properties)
    del aged["email"]
    properties.clear()
    properties.update(aged, reach_via={"type": ["string", "null"], "x-pii": True})
    properties["contact_phone"] = {"type": ["string", "null"]}
    output = tap.sync(catalog=catalog, pii=how)
    assert output.code == 0, output.log
    written = json.dumps(output.messages, default=str)
    assert {one for one in (CANARY, "1234567") if one in written} == set()
    assert ("reach_via" in output.records("orders")[0]) == (how == "hash")


@pytest.mark.usefixtures("contacts")
def test_the_catalog_can_say_that_a_column_of_its_own_is_not_personal(tap: CommandLine) -> None:
    catalog = tap.catalog("orders")
    unmarked = {"type": ["string", "null"], "x-pii": False}
    columns(catalog).update(contact_phone=unmarked, note={**columns(catalog)["note"], "x-pii": False})
    output = tap.sync(catalog=catalog, pii="drop")
    assert output.records("orders")[0]["contact_phone"] == FIELDS["contact_phone"]
    assert "note" not in output.records("orders")[0]


@pytest.mark.parametrize("how", MODES)
def test_a_marked_part_hides_its_column(tap: CommandLine, sandbox: Sandbox, how: str) -> None:
    catalog = tap.catalog("attribution")
    column = columns(catalog, "attribution")["touchpoints"]
    next(iter(column["items"]["properties"].values()))["x-pii"] = True
    output = tap.sync(catalog=catalog, pii=how, **SALT)
    assert output.code == 0, output.log
    assert any(row["touchpoints"] for row in sandbox.truth("acme", "attribution"))
    assert_alike(output)
    for record in output.records("attribution"):
        assert isinstance(record["touchpoints"], str) if how == "hash" else "touchpoints" not in record


def test_a_map_of_the_user_wins_with_a_line(tap: CommandLine, sandbox: Sandbox) -> None:
    maps = {"customers": {"email": "email", "phone": None, "domain": "(email or '@').split('@')[1]"}}
    output = tap.sync(streams=("customers",), pii="hash", stream_maps=maps, **SALT)
    assert output.code == 0, output.log
    truth = {row["id"]: row for row in sandbox.truth("acme", "customers")}
    for record in output.records("customers"):
        row = truth[record["id"]]
        assert record["email"] == row["email"]
        assert record["domain"] == (row["email"] or "@").split("@")[1]
        assert record["last_name"] == (salted(row["last_name"]) if row["last_name"] else None)
        assert "phone" not in record
    assert "pii: customers: your stream maps derive `email`, `domain` from personal columns" in output.log


def test_drop_does_not_leave_out_a_key(tap: CommandLine) -> None:
    maps = {"customers": {"__key_properties__": ["shop", "email"]}}
    output = tap.sync(streams=("customers",), pii="drop", stream_maps=maps)
    assert (output.code, output.lines) == (1, [])
    assert "pii: cannot leave out `email`, a key of customers." in output.last_line
    hashed = tap.sync(streams=("customers",), pii="hash", stream_maps=maps, **SALT)
    assert hashed.code == 0, hashed.log


@pytest.mark.parametrize("how", MODES)
def test_a_deselected_column_does_not_come_back(tap: CommandLine, how: str) -> None:
    catalog = tap.catalog("orders", deselected=(("orders", "note"), ("orders", "extra")))
    output = tap.sync(catalog=catalog, pii=how, **SALT)
    assert output.code == 0, output.log
    assert "note" not in output.records("orders")[0]
    assert_alike(output)


@pytest.mark.parametrize("how", MODES)
def test_batch_files_and_full_reads_are_covered(tap: CommandLine, sandbox: Sandbox, how: str) -> None:
    catalog = tap.catalog("customers")
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    batches = {
        "encoding": {"format": "jsonl", "compression": "none"},
        "storage": {"root": (tap.folder / "files").as_uri()},
    }
    direct = tap.sync(catalog=catalog, pii=how, **SALT)
    files = tap.sync(catalog=catalog, pii=how, batch_config=batches, **SALT)
    assert (direct.code, files.code) == (0, 0), files.log
    assert direct.of_type("ACTIVATE_VERSION")
    text = "".join(path.read_text() for path in (tap.folder / "files").iterdir())
    assert direct.records("customers") == [
        json.loads(line, parse_float=Decimal) for line in text.splitlines()
    ]
    emails = [row["email"] for row in sandbox.truth("acme", "customers") if row["email"]]
    assert not [email for email in emails if email in text]


@pytest.mark.usefixtures("contacts")
def test_a_check_finds_the_same_with_the_setting(tap: CommandLine) -> None:
    reports = []
    for how in ("keep", *MODES):
        done = tap.run_text([*tap.command(streams=("orders",), pii=how), "--check", "--format", "json"])
        assert done.returncode == 0, done.stderr
        (shop,) = json.loads(done.stdout)["shops"]
        reports.append(shop["streams"])
    assert reports[0] == reports[1] == reports[2]
    assert "reach_via" in json.dumps(reports[0])
    done = tap.run_text([*tap.command(streams=("orders",), pii="drop"), "--check"])
    assert 'reach_via: {"type": ["string", "null"], "x-pii": "suspected"}' in done.stdout, "what to paste"
