"""What the target writes is what the shop has afterwards, for each stream and each way to name a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.target_cli import record, schema, state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target


def row_of(sandbox: Sandbox, stream: str, row_id: str, shop: str = "acme") -> Json:
    return next(row for row in sandbox.truth(shop, stream) if row["id"] == row_id)


def writes(sandbox: Sandbox) -> int:
    """Return the requests that are no reads."""
    return sum(
        number
        for methods in sandbox.stats()["methods"].values()
        for method, number in methods.items()
        if method != "GET"
    )


def test_tags_replace_the_tags_of_a_customer(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    output = target.write("customers", [{"id": customer, "tags": ["vip", "wholesale"]}])
    assert (output.code, output.states) == (0, [{"done": True}]), output.log
    assert row_of(sandbox, "customers", customer)["tags"] == ["vip", "wholesale"]


def test_changes_of_tags_keep_the_other_tags(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    sandbox.put("acme", "customers", customer, tags=["old", "kept"])
    output = target.write("customers", [{"id": customer, "add_tags": ["vip"], "remove_tags": ["old"]}])
    assert output.code == 0, output.log
    assert row_of(sandbox, "customers", customer)["tags"] == ["kept", "vip"]


def test_changes_of_tags_that_are_there_already_write_nothing(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    sandbox.put("acme", "customers", customer, tags=["vip"])
    output = target.write("customers", [{"id": customer, "add_tags": ["vip"], "remove_tags": ["old"]}])
    assert (output.code, output.statuses("customers"), output.states) == (0, [], [{"done": True}])
    assert "customers: 1 row: 1 unchanged." in output.log


@pytest.mark.parametrize("column", ["email", "phone", "shopify_customer_id"])
def test_a_customer_can_be_matched_on_another_column(sandbox: Sandbox, target: Target, column: str) -> None:
    customer = next(row for row in sandbox.truth("acme", "customers") if row[column])
    given = customer[column].upper() if column == "email" else customer[column]
    rows = [{column: given, "tags": ["matched"]}]
    output = target.write("customers", rows, match_on={"customers": column})
    assert output.code == 0, output.log
    assert row_of(sandbox, "customers", customer["id"])["tags"] == ["matched"]


def test_an_ambiguous_match_is_rejected(sandbox: Sandbox, target: Target) -> None:
    first, second, *_ = (row for row in sandbox.truth("acme", "customers") if row["email"])
    sandbox.put("acme", "customers", second["id"], email=first["email"])
    rows = [{"email": first["email"], "tags": ["matched"]}]
    output = target.write("customers", rows, match_on={"customers": "email"})
    assert (output.code, output.reasons("customers"), output.states) == (1, ["ambiguous"], [])
    assert row_of(sandbox, "customers", first["id"])["tags"] == first["tags"]


def test_stock_is_written_by_sku_and_location_in_bulk(sandbox: Sandbox, target: Target) -> None:
    stock = [row for row in sandbox.truth("acme", "inventory") if row["sku"] and row["location_id"]]
    rows = [
        {"sku": row["sku"], "location_id": row["location_id"], "available": 1000 + i}
        for i, row in enumerate(stock)
    ]
    output = target.write("inventory", rows, batch_size=20)
    assert output.code == 0, output.log
    assert [row_of(sandbox, "inventory", row["id"])["available"] for row in stock] == [
        1000 + i for i in range(len(stock))
    ]


def test_a_product_is_created_once_and_then_changed(sandbox: Sandbox, target: Target) -> None:
    before = sandbox.counts()["acme"]["products"]
    for title in ("Kettle", "Kettle", "Kettle 2"):
        output = target.write("products", [{"external_id": "k-1", "title": title, "tags": ["kitchen"]}])
        assert (output.code, output.states) == (0, [{"done": True}]), output.log
    assert sandbox.counts()["acme"]["products"] == before + 1
    assert [row["title"] for row in sandbox.truth("acme", "products") if "Kettle" in row["title"]] == [
        "Kettle 2"
    ]


@pytest.mark.parametrize("stream", ["campaigns", "journeys"])
def test_a_created_row_that_changes_is_rejected(sandbox: Sandbox, target: Target, stream: str) -> None:
    before = sandbox.counts()["acme"][stream]
    row = {
        "external_id": "x",
        "name": "Spring 2031",
        **({"audience_id": "seg"} if stream == "campaigns" else {}),
    }
    assert target.write(stream, [row]).code == 0
    output = target.write(stream, [{**row, "channels": ["sms"]}])
    assert (output.code, output.reasons(stream), output.states) == (1, ["cannot_update"], [])
    assert sandbox.counts()["acme"][stream] == before + 1


def test_the_last_row_of_a_key_wins_within_a_run_and_across_runs(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    a, b = ({"id": customer, "tags": [name]} for name in "ab")
    assert target.write("customers", [a, b, a]).code == 0
    assert row_of(sandbox, "customers", customer)["tags"] == ["a"]
    for row in (b, a):
        assert target.write("customers", [row]).code == 0
    assert row_of(sandbox, "customers", customer)["tags"] == ["a"]


def test_a_change_of_unknown_outcome_does_not_leave_the_row_unchanged_next_time(
    sandbox: Sandbox, target: Target
) -> None:
    """The ledger knew A. B was written, although its answer was cut off: A must be written again."""
    customer = sandbox.truth("acme", "customers")[3]["id"]
    a, b = ({"id": customer, "tags": [name]} for name in "ab")
    assert target.write("customers", [a]).code == 0
    sandbox.configure({"acme/customers": {"faults": [{"kind": "truncate"}]}})
    output = target.write("customers", [b], max_retries=0)
    assert (output.code, output.statuses("customers"), output.states) == (1, ["unknown"], [])
    sandbox.configure({"acme/customers": {"faults": None}})
    assert row_of(sandbox, "customers", customer)["tags"] == ["b"]
    assert target.write("customers", [a]).code == 0
    assert row_of(sandbox, "customers", customer)["tags"] == ["a"]


def test_rows_are_routed_by_their_shop(shops: Sandbox, targets: Target) -> None:
    rows = [
        {"shop": shop, "id": shops.truth(shop, "customers")[1]["id"], "tags": [shop]}
        for shop in ("acme", "globex")
    ]
    unknown = {"shop": "hooli", "id": "cus_1", "tags": ["x"]}
    output = targets.write("customers", [*rows, unknown])
    assert (output.code, output.reasons("customers"), output.states) == (1, ["unknown_shop"], [])
    for row in rows:
        assert row_of(shops, "customers", row["id"], row["shop"])["tags"] == [row["shop"]]


def test_several_streams_of_the_input_can_change_one_customer(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    sandbox.put("acme", "customers", customer, tags=[])
    messages = [
        *stream_of("marts-vip", [{"cus_id": customer, "add_tags": ["vip"]}]),
        *stream_of(
            "marts-lapsed", [{"id": customer, "add_tags": ["lapsed"], "locale": "en-GB", "loaded": 1}]
        ),
    ]
    mapped = {
        "marts-vip": {"to": "customers", "columns": {"cus_id": "id"}},
        "marts-lapsed": {"to": "customers", "columns": {"loaded": ""}},
    }
    output = target.run(messages, streams=mapped)
    assert output.code == 0, output.log
    found = row_of(sandbox, "customers", customer)
    assert (found["tags"], found["locale"]) == (["vip", "lapsed"], "en-GB")


@pytest.mark.parametrize("compare", ["ledger", "api", "none"])
def test_protected_columns_change_only_if_allowed(sandbox: Sandbox, target: Target, compare: str) -> None:
    customer = sandbox.truth("acme", "customers")[3]
    row = {"id": customer["id"], "accepts_sms": not customer["accepts_sms"], "locale": "fr-FR"}
    output = target.write("customers", [row], compare=compare)
    assert (output.code, output.reasons("customers"), output.states) == (1, ["not_allowed"], [])
    assert row_of(sandbox, "customers", customer["id"]) == customer
    output = target.write("customers", [row], compare=compare, allow=["accepts_*"])
    assert output.code == 0, output.log
    assert row_of(sandbox, "customers", customer["id"])["accepts_sms"] is row["accepts_sms"]


def test_a_protected_column_that_does_not_change_needs_no_permission(
    sandbox: Sandbox, target: Target
) -> None:
    customer = sandbox.truth("acme", "customers")[3]
    output = target.write(
        "customers", [{"id": customer["id"], "email": customer["email"], "locale": "fr-FR"}]
    )
    assert output.code == 0, output.log
    assert row_of(sandbox, "customers", customer["id"])["locale"] == "fr-FR"


@pytest.mark.parametrize(("nulls", "locale"), [("ignore", "en-GB"), ("clear", None)])
def test_nulls_are_ignored_unless_they_are_to_clear(
    sandbox: Sandbox, target: Target, nulls: str, locale: str | None
) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    sandbox.put("acme", "customers", customer, locale="en-GB")
    output = target.write("customers", [{"id": customer, "locale": None, "tags": ["t"]}], nulls=nulls)
    assert output.code == 0, output.log
    found = row_of(sandbox, "customers", customer)
    assert (found["locale"], found["tags"]) == (locale, ["t"])


def test_compare_api_notices_changes_made_elsewhere(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    row = {"id": customer, "tags": ["mine"]}
    assert target.write("customers", [row]).code == 0
    sandbox.put("acme", "customers", customer, tags=["theirs"])
    assert target.write("customers", [row]).statuses("customers") == []
    assert target.write("customers", [row], compare="api").statuses("customers") == ["written"]
    assert row_of(sandbox, "customers", customer)["tags"] == ["mine"]


def test_a_row_with_a_wrong_type_is_rejected_and_all_others_are_written(
    sandbox: Sandbox, target: Target
) -> None:
    first, second, *_ = sandbox.truth("acme", "inventory")
    rows = [{"id": first["id"], "available": "many"}, {"id": second["id"], "available": 4}]
    output = target.write("inventory", rows)
    assert (output.code, output.reasons("inventory"), output.states) == (1, ["wrong_type"], [])
    assert row_of(sandbox, "inventory", second["id"])["available"] == 4


def test_only_the_guilty_rows_of_a_bulk_request_are_rejected(sandbox: Sandbox, target: Target) -> None:
    stock = sandbox.truth("acme", "inventory")
    rows = [{"id": row["id"], "available": 5} for row in stock[:50]]
    rows[17]["id"] = "inv_missing"
    messages = [schema("inventory", "id", "available")]
    for i, row in enumerate(rows):
        messages += [record("inventory", **row), state({"row": i})]
    output = target.run(messages)
    assert (output.code, output.reasons("inventory")) == (1, ["refused"]), output.log
    assert output.states[-1] == {"row": 16}
    assert output.statuses("inventory").count("written") == 49


@pytest.mark.parametrize(("compare", "written"), [("api", ["written"]), ("ledger", [])])
def test_a_tag_that_was_removed_in_the_shop_is_added_again_if_the_shop_is_compared(
    sandbox: Sandbox, target: Target, compare: str, written: list[str]
) -> None:
    customer = sandbox.truth("acme", "customers")[3]["id"]
    rows = [{"id": customer, "add_tags": ["late"]}]
    assert target.write("customers", rows, compare=compare).statuses("customers") == ["written"]
    sandbox.put("acme", "customers", customer, tags=[])
    assert target.write("customers", rows, compare=compare).statuses("customers") == written
    assert row_of(sandbox, "customers", customer)["tags"] == (["late"] if written else [])
