"""State and settings disagree: one line says what will happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.in_process import BASE, TOKEN, Inputs, assert_rejected, partition, run_text, state
from support.tap_cli import Output

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Json, Tap

EARLIER = "`start_date` is earlier than in the runs before; reading it again from there, for 1 shop."
NOTHING_LEFT = (
    "`end_date` is not after the bookmark, so nothing is left to read; remove or raise it to read on, for 1 "
    "shop."
)
GONE = (
    "The state has bookmarks of shops that are not in the settings: old name. They are passed through "
    "unchanged. A shop that was renamed is read from its start date, and its old rows stay."
)
STARTED: Json = {"start_date": "2025-01-01T00:00:00Z"}


def streams(*names: str, **more: Any) -> Json:
    parts = {name: {"partitions": [partition("acme", **{**STARTED, **more})]} for name in names}
    return {"bookmarks": parts}


@pytest.mark.parametrize(
    ("config", "given", "line"),
    [
        (
            {"start_date": "2024-01-01"},
            streams("customers", "orders"),
            f"customers, orders: {EARLIER}",
        ),
        ({"start_date": "2025-06-01"}, streams("customers", "orders"), None),
        (
            {"end_date": "2026-01-01"},
            streams("customers", "orders", start_date="0001-01-01T00:00:00Z"),
            f"customers, orders: {NOTHING_LEFT}",
        ),
        (
            {"stream_options": {"orders": {"filters": {"status": "paid"}}}},
            streams("orders"),
            "orders: `filters` has changed since the last run; reading it again from the start, for 1 shop.",
        ),
        (
            {},
            state(partition("acme"), partition("old name")),
            GONE,
        ),
    ],
    ids=["start earlier", "start later", "end before bookmark", "other filters", "shop gone or renamed"],
)
def test_one_line_says_what_will_happen(inputs: Inputs, config: Json, given: Json, line: str | None) -> None:
    output = inputs.run({**BASE, **config}, state=given)
    assert output.code == 0, output.log
    warned = [one.split(" | ")[-1].strip() for one in output.log.splitlines() if " WARNING " in one]
    assert warned == ([] if line is None else [line])


def test_the_same_token_twice_is_one_error_that_names_both_shops(inputs: Inputs) -> None:
    shops = [{"shop": name, "api_token": TOKEN} for name in ("acme", "globex")]
    output = inputs.run({"shops": shops}, state=state(partition()))
    assert_rejected(output, "the shops acme and globex have the same token. Remove one.")


def test_a_field_whose_column_the_catalog_no_longer_has_is_in_extra_again(tap: Tap, sandbox: Sandbox) -> None:
    """The state knows no columns, so nothing can be said of it; nothing is lost either."""
    sandbox.configure({"*": {"rows": [{"kind": "unknown_field"}]}})
    learned = tap.catalog("customers")
    (entry,) = [one for one in learned["streams"] if one["stream"] == "customers"]
    entry["schema"]["properties"]["loyalty_tier"] = {"type": ["object", "null"]}
    first = tap.sync(catalog=learned)
    assert first.code == 0, first.log
    value = first.records("customers")[0]["loyalty_tier"]
    assert value is not None
    later = tap.sync(streams=("customers",), lookback_days=3650, state=first.state)
    assert later.code == 0, later.log
    kept = {row["id"]: row["extra"]["loyalty_tier"] for row in later.records("customers")}
    assert kept[first.records("customers")[0]["id"]] == value


@pytest.mark.parametrize(
    ("variable", "setting"),
    [
        ("TAP_SUMERU_API_TOKEN", "api_token"),
        ("TAP_SUMERU_SHOPS", "shops"),
        ("TAP_SUMERU_SHOPS_FILE", "shops_file"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--check",), ("--shops",)])
def test_a_token_of_the_environment_that_is_not_read_is_explained(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch, variable: str, setting: str, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv(variable, TOKEN)
    for given in ((), ("--config", inputs.file("config", {"start_date": "2026-01-01"}))):
        code, out, log = run_text(*given, *options)
        assert_rejected(Output(code, out.splitlines(), log), f"{setting}: is missing. {variable} is set")
        assert "--config=ENV" in log


def test_an_empty_variable_is_none(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_SUMERU_API_TOKEN", " ")
    assert_rejected(inputs.run({"start_date": "2026-01-01"}), "Set api_token, shops or shops_file.")
