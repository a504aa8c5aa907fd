"""A value of another type never gets around the stream maps of its column, whatever form they have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.written_pages import discovered, make_stream, page_of, write_pages

Json = dict[str, Any]
CANARY = "jane@canary.example"
KEYS = {"shop": "shop", "id": "id"}


def row(**attributes: Any) -> Json:
    return {"id": "one", "attributes": {"updated_at": "2026-05-10T00:00:00Z", **attributes}}


DRIFTED: list[Any] = [[CANARY], {"value": CANARY}, [{"deep": [CANARY]}]]
DRIFTED_BY_COLUMN: dict[str, list[Any]] = {"address": [CANARY, [CANARY]], "tags": [CANARY, {"value": CANARY}]}
MASKS = [
    None,
    "__NULL__",
    "md5(email) if email else None",
    "'x' + str(email)",
    "email.upper() if email else None",
    "str(sha256(config['seed'] + str(_.get('email'))))",
    "'hidden'",
]
MAPS: list[Json] = [
    {"customers": {"email": None}},
    {"*": {"email": None}},
    {"cust*": {"email": "md5(email) if email else None"}},
    {"c[tu]*": {"email": "'x' + str(email)"}},
    {"customers": {"__alias__": "people", "email": None}},
    {"people": {"__source__": "customers", "email": None}},
    {"customers": None, "people": {"__source__": "customers", "email": None}},
    {"customers": {**KEYS, "extra": "extra", "__else__": None}},
    {"customers": {**KEYS, "extra": "extra", "__else__": "__NULL__", "__alias__": "people"}},
    {"customers": {"email": None, "__filter__": "email is None"}},
    {"customers": {"email": None, "__key_properties__": ["id"]}},
    {"customers": {"email": "'hidden'", "mail": "email"}},
    {"__else__": None, "customers": {"email": None}},
]


@pytest.mark.parametrize("maps", MAPS, ids=str)
@pytest.mark.parametrize(
    "flat", [{}, {"flattening_enabled": True, "flattening_max_depth": 2}], ids=["", "flat"]
)
def test_a_drifted_value_of_a_masked_column_is_not_written(maps: Json, flat: Json) -> None:
    """As in meltano/sdk, a map may name its stream by a pattern, a source or an alias."""
    written = write_pages("customers", [page_of(row(email=[CANARY], new="kept"))], stream_maps=maps, **flat)
    assert written.records
    assert CANARY not in written.text
    assert "kept" in written.text, "other unknown fields stay in `extra`"


OWN = [
    ({"id": "md5(id)"}, row(id=CANARY)),
    ({"id": None, "__key_properties__": ["shop"]}, row(id=CANARY)),
    ({"shop": "'one shop'"}, row(shop=CANARY)),
    ({"relationships": None}, {**row(), "relationships": [CANARY]}),
    ({"extra": None}, row(new=CANARY)),
]


@pytest.mark.parametrize(("maps", "one"), OWN, ids=str)
def test_a_masked_column_of_the_taps_own_has_no_copy_in_extra(maps: Json, one: Json) -> None:
    assert CANARY in write_pages("customers", [page_of(one)]).text
    assert CANARY not in write_pages("customers", [page_of(one)], stream_maps={"customers": maps}).text


def test_an_id_made_of_a_masked_column_does_not_show_it() -> None:
    one = {
        "attributes": {"date": "2026-05-10", "attributed_at": "2026-05-10", "order_id": CANARY, "model": "u"}
    }
    assert write_pages("attribution", [page_of(one)]).record()["id"] == f"{CANARY}:u"
    masked = write_pages("attribution", [page_of(one)] * 2, stream_maps={"*": {"order_id": None}})
    assert CANARY not in masked.text
    (_, first), (_, second) = masked.records
    assert first["id"] == second["id"] == "hash_" + first["id"][5:]


@pytest.mark.parametrize(
    "maps", [{"email": "email"}, {"email": "self"}, {"phone": None}, {"__alias__": "people"}]
)
def test_a_map_that_leaves_a_column_as_it_is_hides_nothing(maps: Json) -> None:
    written = write_pages("customers", [page_of(row(email=[CANARY]))], stream_maps={"customers": maps})
    assert written.record()["extra"] == {"email": [CANARY]}


def test_a_deselected_column_is_not_in_extra_even_if_the_catalogs_schema_lacks_it() -> None:
    catalog, entry = discovered("customers")
    del entry["schema"]["properties"]["email"]
    for item in entry["metadata"]:
        if item["breadcrumb"] == ["properties", "email"]:
            item["metadata"]["selected"] = False
    one = page_of(row(email=CANARY, phone=CANARY))
    assert '"email":' not in write_pages("customers", [one, one], catalog).text


def rules(names: list[str]) -> st.SearchStrategy[Json]:
    """Return maps of columns, each changed or left out."""
    return st.dictionaries(st.sampled_from(names), st.sampled_from(MASKS), min_size=1, max_size=3)


@st.composite
def random_maps(draw: st.DrawFn) -> tuple[Json, set[str]]:
    """Return stream maps of any form, and the columns that one of them masks."""
    columns = draw(rules(["email", "phone", "first_name", "address", "tags", "orders_count", "total_spent"]))
    definition = {**columns}
    if draw(st.booleans()):
        definition |= {**KEYS, "extra": "extra", "__else__": None}
    if draw(st.booleans()):
        definition["__filter__"] = "1 == 1"
    everything = [] if "__else__" in definition else ["*"]  # or other streams would lose their keys
    key = draw(st.sampled_from(["customers", *everything, "cust*", "?ustomers", "[c]*"]))
    form = draw(st.sampled_from(["plain", "alias", "source", "both"]))
    maps: Json = {key: definition}
    if form == "alias":
        maps = {key: {**definition, "__alias__": "people"}}
    elif form in ("source", "both"):
        maps = {"people": {**definition, "__source__": "customers"}}
    if form == "both":
        maps[key] = {"first_name": None}
        columns["first_name"] = None
    if draw(st.booleans()):
        maps["__else__"] = None
    return maps, set(columns)


@settings(max_examples=60)
@given(drawn=random_maps(), depth=st.sampled_from([0, 0, 1, 2]), data=st.data())
def test_no_map_of_any_form_lets_a_drifted_value_through(
    drawn: tuple[Json, set[str]], depth: int, data: st.DataObject
) -> None:
    maps, masked = drawn
    drifted = {
        name: data.draw(st.sampled_from(DRIFTED_BY_COLUMN.get(name, DRIFTED))) for name in sorted(masked)
    }
    flat: Json = {"flattening_enabled": True, "flattening_max_depth": depth} if depth else {}
    written = write_pages(
        "customers",
        [page_of(row(**drifted, new="kept"))],
        stream_maps=maps,
        stream_map_config={"seed": "salt"},
        **flat,
    )
    assert CANARY not in written.text
    assert "kept" in written.text


def test_the_masked_columns_are_those_that_the_sdk_has_resolved() -> None:
    """Pins what is read from the SDK's maps: a renamed rule would let values through."""
    stream = make_stream("customers", stream_maps={"cust*": {"email": None, "phone": "md5(phone)"}})
    assert stream.selection().protected == {"email", "phone"}
    rest = make_stream("customers", stream_maps={"customers": {**KEYS, "__else__": None}}).selection()
    assert rest.protected == set(rest.properties) - {"shop", "id"}
