"""Path and parameters of the lists of a stream."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.factories import stream_options
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.queries import Query, fields_to_request
from tap_sumeru.extract.slices import Kind, Slice
from tap_sumeru.extract.windows import Window

DAY = datetime(2026, 5, 10, tzinfo=UTC)
LIMIT = ("limit", "100")


def query(stream: str = "orders", fields: tuple[str, ...] = (), **options: Any) -> Query:
    return Query(STREAMS[stream], stream_options(**options), fields)


def test_all_rows_are_requested_with_the_limit_alone() -> None:
    assert query().of(Slice()) == ("orders", (LIMIT,))


def test_every_option_becomes_a_parameter() -> None:
    full = query(
        fields=("number", "updated_at"),
        filters=(("status", "paid"), ("channel", "web")),
        include=("customer", "items"),
    )
    assert full.of(Slice(window=Window(DAY, DAY + timedelta(days=1)))) == (
        "orders",
        (
            LIMIT,
            ("filter[status]", "paid"),
            ("filter[channel]", "web"),
            ("filter[date_from]", "2026-05-09"),
            ("filter[date_to]", "2026-05-12"),
            ("include", "customer,items"),
            ("fields", "number,updated_at"),
        ),
    )


def test_an_open_window_is_requested_by_both_days() -> None:
    one = query(date_filter=("from", "to"))
    window = Window(DAY, None, DAY + timedelta(days=1))
    params = (LIMIT, ("from", "2026-05-09"), ("to", "2026-05-12"))
    assert one.of(Slice(window=window)) == ("orders", params)


def test_without_a_date_filter_no_window_is_requested() -> None:
    assert query(date_filter=None).of(Slice(window=Window(DAY, None))) == ("orders", (LIMIT,))


@pytest.mark.parametrize(
    ("parent", "path"),
    [
        ("jrn_1", "journeys/jrn_1/enrollments"),
        ("a/b?c=1#d", "journeys/a%2Fb%3Fc%3D1%23d/enrollments"),
        ("..", "journeys/../enrollments"),
        (None, "journeys//enrollments"),
    ],
)
def test_the_id_of_a_parent_is_one_segment_of_the_path(parent: str | None, path: str) -> None:
    assert query("enrollments").of(Slice(parent=parent)) == (path, (LIMIT,))


def test_parents_are_listed_without_options() -> None:
    enrollments = query("enrollments", ("state",), filters=(("state", "active"),))
    assert enrollments.of(Slice(Kind.PARENTS)) == ("journeys", (LIMIT,))


def test_a_probe_requests_the_same_with_all_fields() -> None:
    one = query("enrollments", ("state",), filters=(("fields", "x"),), include=("customer",))
    assert one.of(Slice(Kind.PROBE, Window(DAY, None), "jrn_1")) == (
        "journeys/jrn_1/enrollments",
        (
            LIMIT,
            ("filter[fields]", "x"),
            ("filter[date_from]", "2026-05-09"),
            ("filter[date_to]", "2026-05-11"),
            ("include", "customer"),
        ),
    )


def test_dropped_fields_keep_the_fingerprint() -> None:
    """The API may reject `fields`; the position of the read stays valid."""
    one = query(fields=("number",))
    before = one.fingerprint(None, None)
    one.fields = ()
    assert one.of(Slice()) == ("orders", (LIMIT,))
    assert one.fingerprint(None, None) == before


def test_different_reads_have_different_fingerprints() -> None:
    reads = [
        query().fingerprint(None, None),
        query().fingerprint(DAY, None),
        query().fingerprint(None, DAY),
        query("customers").fingerprint(None, None),
        query(fields=("number",)).fingerprint(None, None),
        query(filters=(("status", "paid"),)).fingerprint(None, None),
        query(include=("customer",)).fingerprint(None, None),
        Query(STREAMS["orders"], stream_options("placed_at")).fingerprint(None, None),
    ]
    assert all(one != other for one, other in itertools.combinations(reads, 2))
    assert query().fingerprint(DAY, DAY) == query().fingerprint(DAY, DAY)
    assert {len(read) for read in reads} == {16}


def requested_fields(
    stream: str, deselected: set[str] | None, key: str = "", include: tuple[str, ...] = ()
) -> set[str]:
    """Return the fields to request if these columns are deselected; the `id` is always the first."""
    spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
    selected = tuple(name for name in properties if name not in (deselected or ()))
    selection = StreamSelection(stream, properties, selected)
    fields = fields_to_request(spec, selection, key or spec.replication_key, include)
    assert fields == () or (fields[0] == "id" and list(fields[1:]) == sorted(fields[1:]))
    return set(fields)


HIDDEN = ("extra", "relationships")
"""Columns that hold what `fields` cannot name, beside related resources."""


def dates(stream: str) -> set[str]:
    properties = stream_schemas.load(stream)["properties"]
    return {name for name, one in properties.items() if one.get("format") in ("date", "date-time")}


@pytest.mark.parametrize("stream", STREAMS)
def test_no_fields_are_requested_if_all_attributes_are_selected(stream: str) -> None:
    spec = STREAMS[stream]
    assert requested_fields(stream, None) == set()
    # Columns of the tap's own, related resources and the parent's id are no attributes.
    own = {*stream_schemas.OWN_COLUMNS, *HIDDEN}
    assert requested_fields(stream, {*own, *spec.include, spec.parent_column}) == set()


@pytest.mark.parametrize("stream", STREAMS)
def test_every_date_and_the_natural_key_are_requested_even_if_deselected(stream: str) -> None:
    properties = set(stream_schemas.load(stream)["properties"])
    spec = STREAMS[stream]
    fields = requested_fields(stream, properties)
    assert fields == {"id", spec.replication_key, *spec.natural_key, *dates(stream)}


def test_a_deselected_attribute_is_not_requested() -> None:
    everything = set(stream_schemas.load("orders")["properties"]) - stream_schemas.OWN_COLUMNS
    assert requested_fields("orders", {"email", *HIDDEN}) == {"id", *everything} - {"email"}


@pytest.mark.parametrize("selected", [*HIDDEN, "touchpoints"])
def test_no_fields_are_requested_if_a_column_is_selected_that_they_would_empty(selected: str) -> None:
    """Unknown attributes, links and related resources cannot be named."""
    deselected = {"model", *HIDDEN, "touchpoints"}
    assert requested_fields("attribution", deselected)
    assert requested_fields("attribution", deselected - {selected}) == set()


def test_no_fields_are_requested_with_related_resources() -> None:
    assert requested_fields("orders", {"email", *HIDDEN}, include=("customer",)) == set()


def test_the_replication_key_in_use_is_requested() -> None:
    assert "new_key" in requested_fields("orders", {"email", *HIDDEN}, "new_key")


@pytest.mark.parametrize("kind", ["date", "date-time"])
def test_a_date_that_is_deselected_is_requested_whatever_its_form(kind: str) -> None:
    properties = {"number": {}, "note": {}, "due": {"type": "string", "format": kind}}
    selection = StreamSelection("orders", properties, ("number",))
    assert fields_to_request(STREAMS["orders"], selection, "updated_at", ()) == (
        "id",
        "due",
        "number",
        "updated_at",
    )
