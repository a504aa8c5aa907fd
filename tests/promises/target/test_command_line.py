"""The command line: files of rows, the check, settings, stream maps, and errors before the first request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.target_cli import state, stream_of

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target


def tags(sandbox: Sandbox, row_id: str) -> list[str]:
    return next(list(row["tags"]) for row in sandbox.truth("acme", "customers") if row["id"] == row_id)


def writes(sandbox: Sandbox) -> int:
    return sum(number for method, number in sandbox.stats()["methods"].items() if method != "GET")


def lines(path: Path, rows: list[Json]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8-sig")
    return str(path)


def test_rows_of_files_are_written_without_a_tap(sandbox: Sandbox, target: Target, tmp_path: Path) -> None:
    first, second = (row["id"] for row in sandbox.truth("acme", "customers")[:2])
    product = sandbox.truth("acme", "products")[0]["id"]
    rows = [{"id": first, "tags": ["a"]}, {"id": second, "tags": ["b"]}]
    files = [
        f"customers={lines(tmp_path / 'vip.jsonl', rows)}",
        f"products={lines(tmp_path / 'products.jsonl', [{'id': product, 'title': 'New'}])}",
    ]
    output = target.run("", "--rows", files[0], "--rows", files[1])
    assert (output.code, output.stdout) == (0, ""), output.log
    assert (tags(sandbox, first), tags(sandbox, second)) == (["a"], ["b"])
    assert output.statuses("products") == ["written"]


def test_rows_of_a_file_can_be_renamed_and_planned(sandbox: Sandbox, target: Target, tmp_path: Path) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    path = lines(tmp_path / "vip.jsonl", [{"cus": customer, "tags": ["a"]}])
    mapped = {"marts-vip": {"to": "customers", "columns": {"cus": "id"}}}
    output = target.run("", "--rows", f"marts-vip={path}", "--plan", streams=mapped)
    assert (output.code, writes(sandbox)) == (0, 0)
    assert "Shop acme: customers: 1 row: 1 to change." in output.stdout


@pytest.mark.parametrize(
    ("given", "content", "message"),
    [
        ("customers", None, "--rows: must be STREAM=FILE, such as customers=vip.jsonl."),
        (
            "customers=missing.jsonl",
            None,
            "--rows: customers: the file cannot be read (No such file or directory).",
        ),
        (
            "custmers=rows.jsonl",
            [{"id": "c"}],
            "custmers: is not a stream of the target. Did you mean customers?",
        ),
        (
            "customers=rows.jsonl",
            [{"id": "c", "tgas": []}],
            "customers: unknown column tgas. Did you mean tags?",
        ),
        ("customers=rows.jsonl", ["kanari"], "--rows: customers: line 1: must be a JSON object."),
    ],
)
def test_a_file_that_cannot_be_used_is_one_error(
    sandbox: Sandbox, target: Target, given: str, content: Any, message: str
) -> None:
    if content is not None:
        lines(target.folder / "rows.jsonl", content)
    output = target.run("", "--rows", given)
    assert output.code == 1
    assert len(output.errors) == 1
    assert output.errors[0].startswith(message)
    assert sandbox.stats()["requests"] == 0


def test_a_check_names_what_is_missing_and_writes_nothing(sandbox: Sandbox, target: Target) -> None:
    before = {
        stream: sandbox.truth("acme", stream)
        for stream in ("customers", "products", "campaigns", "inventory")
    }
    output = target.run("", "--check")
    assert output.code == 0, output.log
    assert output.stdout.count("can be written") == 6
    token = sandbox.token(
        "acme", scopes=["customers:read", "products:read", "campaigns:read", "customers:write"]
    )
    output = target.run("", "--check", api_token=token)
    assert output.code == 1
    assert "  customers: can be written" in output.stdout
    for scope in ("products:write", "campaigns:write", "journeys:read"):
        assert any(scope in error for error in output.errors), scope
    assert before == {stream: sandbox.truth("acme", stream) for stream in before}


def test_a_check_names_a_wrong_address_in_one_line(sandbox: Sandbox, target: Target) -> None:
    output = target.run("", "--check", api_url=f"{sandbox.url}/api")
    assert output.code == 1
    assert output.stdout.count("cannot be written") == 6
    (line,) = output.errors
    assert "products, inventory, customers, campaigns, journeys, campaign_launches: 404" in line
    assert "Check `api_url`" in line


def test_a_check_names_a_bad_token_and_a_bad_ledger(sandbox: Sandbox, target: Target, tmp_path: Path) -> None:
    output = target.run("", "--check", api_token="copt_test_wrong")
    assert output.code == 1
    assert "  all streams: cannot be written" in output.stdout
    assert len(output.errors) == 1
    assert "api_token" in output.errors[0]
    (tmp_path / "notes.txt").write_text("notes " * 1000)
    output = target.run("", "--check", ledger_path=str(tmp_path / "notes.txt"))
    assert (output.code, sandbox.stats()["errors"]) == (1, sandbox.stats()["errors"])
    assert output.errors == ["ledger_path: is not a ledger of this target. Choose another path."]


def test_about_describes_every_setting(target: Target) -> None:
    output = target.run("", "--about", "--format", "json")
    about = json.loads(output.stdout)
    assert about["name"] == "target-sumeru"
    settings = about["settings"]["properties"]
    assert {"compare", "ledger_path", "launch", "stream_maps"} <= set(settings)
    assert all(one.get("description") for one in settings.values())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"compare": "both"}, "compare: must be ledger, api or none."),
        ({"max_writes": -1}, "max_writes: must be a number of at least 0."),
        ({"max_changed_share": 2}, "max_changed_share: must be a number from 0 to 1."),
        ({"batch_size": 101}, "batch_size: must be a number from 1 to 100."),
        ({"ledger_pth": "x"}, "ledger_pth: unknown setting. Did you mean ledger_path?"),
        ({"allow": ["emial"]}, "allow[0]: is not a protected column. Did you mean email?"),
        (
            {"match_on": {"customers": "tags"}},
            "match_on.customers: must be id or email or phone or shopify_customer_id.",
        ),
        ({"match_on": {"orders": "id"}}, "match_on.orders: is not a stream."),
        ({"streams": {"a": {"to": "custmers"}}}, "streams.a.to: unknown stream. Did you mean customers?"),
        ({"streams": {"a": {"to": "weather"}}}, "streams.a.to: is not a stream."),
        ({"streams": {"a": {"colums": {}}}}, "streams.a.colums: unknown setting. Did you mean columns?"),
        ({"report_path": "/missing/report"}, "report_path: cannot be written (No such file or directory)."),
        ({"ledger_path": "/missing/ledger"}, "ledger_path: cannot be opened (No such file or directory)."),
        ({"api_token": ""}, "api_token: is missing."),
        (
            {"launch": {"max_campaigns": 1, "max_recipients": "many"}},
            "launch.max_recipients: must be an integer.",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_error(
    sandbox: Sandbox, target: Target, config: Json, message: str
) -> None:
    output = target.write("customers", [{"id": "c", "tags": []}], **config)
    assert output.code == 1
    assert output.errors[0].startswith(message), output.errors
    assert sandbox.stats()["requests"] == 0


def test_settings_can_come_from_the_environment(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    environment = {"TARGET_SUMERU_MAX_WRITES": "0", "TARGET_SUMERU_STREAMS": '{"vip": {"to": "customers"}}'}
    output = target.run(
        stream_of("vip", [{"id": customer, "tags": ["a"]}]), "--config=ENV", environment=environment
    )
    assert (output.code, writes(sandbox)) == (3, 0), output.log


def test_stream_maps_apply_before_anything_else(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    maps = {
        "marts-vip": {
            "__alias__": "customers",
            "id": "cus",
            "cus": None,
            "loaded_at": None,
            "locale": "'en-GB'",
        }
    }
    rows = [{"cus": customer, "loaded_at": "x", "tags": ["a"]}]
    output = target.write("marts-vip", rows, stream_maps=maps)
    assert (output.code, tags(sandbox, customer)) == (0, ["a"]), output.log


@pytest.mark.parametrize(
    ("stream", "row", "message"),
    [
        ("custmers", {"id": "c"}, "custmers: is not a stream of the target. Did you mean customers?"),
        ("customers", {"id": "c", "tgas": []}, "customers: unknown column tgas. Did you mean tags?"),
        ("customers", {"tags": []}, "customers: needs the column `id` to tell rows apart."),
        ("inventory", {"sku": "s"}, "inventory: needs the column `id` or `sku` and `location_id`"),
    ],
)
def test_an_unknown_stream_or_column_is_an_error_before_any_write(
    sandbox: Sandbox, target: Target, stream: str, row: Json, message: str
) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    good = stream_of("products", [{"id": customer, "title": "x"}])
    output = target.run([*good, *stream_of(stream, [row]), state(1)])
    assert (output.code, output.stdout, sandbox.stats()["requests"]) == (1, "", 0)
    assert output.errors[0].startswith(message)


def test_an_empty_input_releases_its_state(sandbox: Sandbox, target: Target) -> None:
    output = target.run([state({"a": 1}), state({"a": 2})])
    assert (output.code, output.states, sandbox.stats()["requests"]) == (0, [{"a": 2}], 0)
    assert target.run("").code == 0
