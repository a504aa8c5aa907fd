"""Promise 6, never silent: a misspelt name is an error, any other unknown name a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.in_process import BASE, assert_rejected, discover, warnings

if TYPE_CHECKING:
    from support.in_process import Inputs
    from support.tap_cli import Json, Tap


def catalog(**changes: Any) -> Json:
    """Return a catalog with changes to the entry of customers."""
    made: Json = discover()
    for entry in made["streams"]:
        if entry["tap_stream_id"] == "customers":
            entry.update(changes)
    return made


def metadata(column: str, **values: Any) -> list[Json]:
    return [
        {"breadcrumb": [], "metadata": {"selected": True}},
        {"breadcrumb": ["properties", column], "metadata": values},
    ]


def maps(stream: str, **columns: Any) -> Json:
    return {"stream_maps": {stream: columns}}


def options(stream: str, **values: Any) -> Json:
    return {"stream_options": {stream: values}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"concurency": 3}, "concurency: unknown setting. Did you mean concurrency?"),
        ({"Concurrency": 3}, "Did you mean concurrency?"),
        ({"start-date": "2026-01-01"}, "Did you mean start_date?"),
        ({"startDate": "2026-01-01"}, "Did you mean start_date?"),
        ({"stream_map": {}}, "stream_map: unknown setting. Did you mean stream_maps?"),
        ({"token": "x"}, "Did you mean api_token?"),
        (options("ordres"), "stream_options.ordres: unknown stream. Did you mean orders?"),
        (
            options("orders", detials=True),
            "stream_options.orders.detials: unknown setting. Did you mean details",
        ),
        (options("orders", filter={}), "stream_options.orders.filter: unknown setting. Did you mean filters"),
        (
            {"api_token": None, "shops": [{"shop": "acme", "api_token": "x", "api_ulr": "y"}]},
            "shops[0].api_ulr: unknown setting. Did you mean api_url?",
        ),
        (
            {"batch_config": {"encoding": {"compresion": "none"}, "storage": {"root": "x"}}},
            "batch_config.encoding.compresion: unknown setting. Did you mean compression?",
        ),
        (
            options("orders", replication_key="updatd_at"),
            "stream_options.orders.replication_key (updatd_at): unknown column. Did you mean updated_at?",
        ),
        (
            options("decision_intelligence_runs", replication_key="createdat"),
            "stream_options.decision_intelligence_runs.replication_key (createdat): unknown column.",
        ),
        (
            options("attribution", include=["touchpoint"]),
            "stream_options.attribution.include (touchpoint): unknown related resource.",
        ),
        (
            options("orders", filters={"curency": "EUR"}),
            "stream_options.orders.filters.curency: unknown attribute. Did you mean currency?",
        ),
        (
            options("orders", date_filter=["limit", "cursor"]),
            "stream_options.orders.date_filter: must not name a parameter that the tap sets itself.",
        ),
        (maps("custmers", email=None), "stream_maps.custmers: unknown stream. Did you mean customers?"),
        (maps("custmer*", email=None), "stream_maps.custmer*: unknown stream. Did you mean customers?"),
        (maps("people", __source__="custmers"), "stream_maps.people: unknown stream. Did you mean customers"),
        (maps("customers", __alias__="all the people"), "stream_maps.customers.__alias__: must be a valid"),
        (maps("customers", phone=" phone"), "stream_maps.customers.phone: must be a valid Python expression"),
        (maps("customers", __fitler__="True"), "Did you mean __filter__?"),
        (
            {"stream_maps": {"*": {"email": None}, "customers": {"phone": None}}},
            "replaces the map * for customers, so that email would be emitted unchanged.",
        ),
        (
            {"stream_maps": {"customers": {"phone": None}, "cust*": {"email": None}}},
            "replaces the map customers for customers, so that phone would be emitted unchanged.",
        ),
        ({"stream_maps": {"__els__": None}}, "stream_maps.__els__: is not an operator"),
    ],
)
def test_a_misspelt_name_is_an_error(inputs: Inputs, config: Json, message: str) -> None:
    """A map whose `__source__` does not exist was ignored: meltano/sdk#799."""
    assert_rejected(inputs.run({**BASE, **config}), message)


@pytest.mark.parametrize("stream", ["customers", "cust*", "*"])
@pytest.mark.parametrize("value", [None, "__NULL__"])
def test_a_map_that_drops_a_column_which_does_not_exist_is_an_error(
    inputs: Inputs, stream: str, value: str | None
) -> None:
    """It was meant to hide something: an e-mail went out in clear."""
    message = f"stream_maps.{stream}.emial: drops a column that does not exist. Did you mean email?"
    assert_rejected(inputs.run({**BASE, **maps(stream, emial=value)}), message)
    message = f"stream_maps.{stream}.date_of_wedding: drops a column that does not exist."
    assert_rejected(inputs.run({**BASE, **maps(stream, date_of_wedding=value)}), message)
    renamed = {"__source__": "customers", "emial": value}
    assert_rejected(inputs.run({**BASE, **maps("people", **renamed)}), "stream_maps.people.emial: drops")


@pytest.mark.parametrize(
    "config",
    [
        maps("customers", email=None, __alias__="people", __else__=None, id="id", shop="shop"),
        maps("*", email=None),
        maps("cust*", email=None, domain="email.split('@')[1]"),
        {"stream_maps": {"*": {"email": None}, "customers": {"email": None, "phone": None}}},
        {"stream_maps": {"*": {"email": None}, "customers": {"id": "id", "shop": "shop", "__else__": None}}},
        maps("people", __source__="customers", email=None),
        maps("customers", address_json="json.dumps(record['address'])", email_hash="md5(email)"),
        {"stream_maps": {"customers": None, "__else__": None}},
        options("orders", filters={"anything": 1}, include=["anything"]),
        options("orders", replication_key="created_at"),
    ],
)
def test_what_exists_is_accepted_without_a_word(inputs: Inputs, config: Json) -> None:
    log = warnings(inputs.run({**BASE, **config}))
    assert "unknown" not in log
    assert "Did you mean" not in log


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"colour": "red"}, "colour: unknown setting; it has no effect."),
        (options("refunds"), "stream_options.refunds: unknown stream; it has no effect."),
        ({"stream_options": {"refunds": "all"}}, "stream_options.refunds: unknown stream; it has no effect."),
        (options("refunds", filters=["x"]), "stream_options.refunds: unknown stream; it has no effect."),
        (options("orders", colour=1), "stream_options.orders.colour: unknown setting"),
        (maps("refunds", email="md5(email)"), "stream_maps.refunds: unknown stream"),
        (maps("customers", emial="md5(email)"), "stream_maps.customers.emial: adds a column; `email` stays"),
        (
            options("orders", replication_key="updated_at_utc"),
            "replication_key (updated_at_utc): unknown column",
        ),
        (options("orders", replication_key="touched"), "stream_options.orders.replication_key (touched)"),
        ({"api_token": None, "shops": [{"shop": "globex", "api_token": "x"}]}, "shop: has no effect"),
    ],
)
def test_any_other_unknown_name_is_a_warning(inputs: Inputs, config: Json, message: str) -> None:
    assert message in warnings(inputs.run({**BASE, **config}))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tap_stream_id": "custmers"}, "catalog: custmers: unknown stream. Did you mean customers?"),
        (
            {"metadata": metadata("emial", selected=False)},
            "catalog: customers.emial: unknown column. Did you mean email?",
        ),
        (
            {"metadata": metadata("email", selectd=False)},
            "catalog: customers: selectd: unknown key of metadata. Did you mean selected?",
        ),
        (
            {"metadata": metadata("email", **{"replication-method": "FULL_TABLE"})},
            "Did you mean forced-replication-method?",
        ),
        ({"stream": "people"}, "catalog: customers.stream: must be customers."),
        ({"replication_method": "FULLTABLE"}, "Did you mean FULL_TABLE?"),
        (
            {"replication_key": "updatd_at"},
            "catalog: customers.replication_key (updatd_at): unknown column. Did you mean updated_at?",
        ),
    ],
)
def test_a_misspelt_name_in_the_catalog_is_an_error(inputs: Inputs, changed: Json, message: str) -> None:
    assert_rejected(inputs.run(catalog=catalog(**changed)), message)


def test_any_other_unknown_name_in_the_catalog_is_a_warning(inputs: Inputs) -> None:
    log = warnings(inputs.run(catalog=catalog(tap_stream_id="refunds")))
    assert "catalog: refunds: unknown stream; it is not read." in log
    full = metadata("email", **{"replication-method": "FULL_TABLE"})  # as Meltano writes it
    assert "catalog" not in warnings(
        inputs.run(catalog=catalog(replication_method="FULL_TABLE", metadata=full))
    )
    log = warnings(inputs.run(catalog=catalog(metadata=metadata("shoe_size", selected=False))))
    assert "catalog: customers.shoe_size: unknown column" in log
    added = next(one["schema"] for one in catalog()["streams"] if one["stream"] == "customers")
    added["properties"] |= {"shoe_size": {"type": ["string", "null"]}, "emial": {"type": ["string", "null"]}}
    log = warnings(inputs.run(catalog=catalog(schema=added)))
    assert "shoe_size" not in log
    assert "catalog: customers.emial: adds a column; `email` stays" in log


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"replication_method": "LOG_BASED"}, "customers.replication_method"),
        (
            {"metadata": [{"breadcrumb": [], "metadata": {"forced-replication-method": "LOG_BASED"}}]},
            "customers: forced-replication-method",
        ),
    ],
)
def test_an_unknown_replication_method_is_a_warning_with_the_known_ones(
    inputs: Inputs, changed: Json, place: str
) -> None:
    (line,) = warnings(inputs.run(catalog=catalog(**changed))).splitlines()
    effect = "the stream is read incrementally. Use FULL_TABLE or INCREMENTAL."
    assert line.endswith(f"catalog: {place}: unknown replication method; {effect}")


def test_a_replication_key_that_no_row_has_is_named_at_the_end(tap: Tap) -> None:
    chosen = {"orders": {"replication_key": "touched"}}
    output = tap.sync(streams=("orders", "customers"), stream_options=chosen)
    assert output.code == 0
    assert output.counts()["orders"] > 0
    text = "orders: no row has the replication key touched, so each sync reads the whole stream."
    assert output.log.count(text) == 1
    assert "customers: no row" not in output.log


@pytest.mark.parametrize("name", ["jane@example.com", "copt_live_aB3xY9zKqMnPwR2v", "line\nbreak"])
def test_a_private_name_is_not_shown(inputs: Inputs, name: str) -> None:
    given = {**BASE, name: 1, "stream_options": {name: {}, "orders": {name: 1}}, "stream_maps": {name: None}}
    log = warnings(inputs.run(given))
    assert log.count("unknown") == 4
    assert name not in log
