"""Stream maps for personal data: no column that the schemas mark reaches the warehouse."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.canary_api import CanaryApi, marked_values, token
from support.scripted_api import END, Reply, ScriptedApi
from support.scripted_api import row as api_row
from tap_sumeru import pii
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output
    from support.tap_cli import Tap as CommandLine

SEED = "a long random text"


def documented_maps(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Return the stream maps that the documented command prints."""
    pii.main(options)
    maps: dict[str, Any] = json.loads(capsys.readouterr().out)
    return maps


def salted(text: str) -> str:
    return hashlib.sha256((SEED + text).encode()).hexdigest()


def read(tap: CommandLine, **config: Any) -> Output:
    with CanaryApi(pages=2) as api:
        shops = [{"shop": one, "api_token": token(one)} for one in ("good", "unknown", "drift")]
        output = tap.sync(api_url=api.url, api_token=None, shops=shops, **config)
    assert output.code == 0, output.log
    assert len(output.counts()) == len(STREAMS)
    return output


def test_without_stream_maps_personal_data_is_in_the_records(tap: CommandLine) -> None:
    records = json.dumps(read(tap).of_type("RECORD"), default=str)
    assert {one for one in marked_values() if one not in records} == set()


@pytest.mark.parametrize("options", [("hash",), ("drop", "--ids")], ids=" ".join)
def test_with_the_documented_stream_maps_no_personal_data_is_in_the_records(
    tap: CommandLine, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    output = read(tap, stream_maps=documented_maps(capsys, *options), stream_map_config={"hash_seed": SEED})
    records = json.dumps(output.of_type("RECORD"), default=str)
    assert {one for one in marked_values() if one in records} == set()
    if "--ids" in options:
        assert "kanari-customers" not in records
        assert "kanari customer_id" not in records


def test_hashes_are_salted_can_be_joined_and_keep_null(
    tap: CommandLine, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.put("acme", "customers", "cus_erased", email=None, address=None)
    catalog = tap.catalog("customers", "orders", deselected=(("orders", "note"),))
    maps = documented_maps(capsys, "hash", "--ids")
    output = tap.sync(catalog=catalog, stream_maps=maps, stream_map_config={"hash_seed": SEED})
    assert output.code == 0, output.log
    truth = {salted(row["id"]): row for row in sandbox.truth("acme", "customers")}
    customers = {record["id"]: record for record in output.records("customers")}
    assert customers.keys() == truth.keys()
    for ident, row in truth.items():
        for name in ("email", "phone", "first_name"):
            assert customers[ident][name] == (salted(row[name]) if row[name] else None)
        assert (customers[ident]["address"] is None) == (row["address"] is None)
    assert {record["customer_id"] for record in output.records("orders")} - {None} <= customers.keys()
    schemas_ = {one["stream"]: one["schema"]["properties"] for one in output.of_type("SCHEMA")}
    assert schemas_["customers"]["address"]["type"] == ["string", "null"]
    assert "extra" not in schemas_["customers"]


def test_without_a_hash_seed_no_record_is_written(
    tap: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tap.sync(streams=("customers",), stream_maps=documented_maps(capsys, "hash"))
    assert output.code == 1
    assert "Correct the expression in `stream_maps`" in output.log
    assert output.ids("customers") == []


@pytest.mark.parametrize(
    "maps",
    [
        {"customers": {"email": None}},
        {"*": {"email": "md5(email) if email else None"}},
        {"cust*": {"email": None}},
        {"customers": {"email": None, "__alias__": "people"}},
        {"people": {"email": None, "__source__": "customers"}, "customers": None},
        {"customers": {"shop": "shop", "id": "id", "extra": "extra", "__else__": None}},
    ],
    ids=str,
)
def test_a_drifted_value_does_not_get_around_a_map_of_any_form(
    tap: CommandLine, maps: dict[str, Any]
) -> None:
    drifted = api_row(1, email=["jane@canary.example"], new="kept")
    with ScriptedApi(lambda _: Reply({"data": [drifted], "pagination": END})) as api:
        plain = tap.sync(streams=("customers",), api_url=api.url, api_token="copt_test_token")
        masked = tap.sync(
            streams=("customers",), api_url=api.url, api_token="copt_test_token", stream_maps=maps
        )
    assert (plain.code, masked.code) == (0, 0), masked.log
    assert "jane@canary.example" in "".join(plain.lines)
    assert "jane@canary.example" not in "".join([*masked.lines, masked.log])
    assert '"new":"kept"' in "".join(masked.lines)


def test_privacy_md_lists_every_marked_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
    for stream, columns in pii.stream_maps("hash").items():
        marked = ", ".join(f"`{name}`" for name in columns if name != "extra")
        assert not marked or f"| `{stream}` | {marked} |" in text
        assert marked or f"| `{stream}` |" not in text
