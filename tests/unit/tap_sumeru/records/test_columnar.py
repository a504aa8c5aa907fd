"""The columnar path gives the same records as the reference path, for any page of any stream."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.json_values import UndecodableError, decode
from sumeru_api.responses import Page, read_page
from support.random_pages import NUMBERS, PAGINATION, TIMESTAMPS, RandomPages, object_of
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records import RecordShaper, ShapedPage
from tap_sumeru.records.columnar import ColumnarPage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_sumeru.records.adaptive_decoder import DecodedPage


def exact(record: object) -> Any:
    """Return a record as a target reads it, with the digits of its numbers."""
    line = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode(record)
    assert not {b"\n", b"\r"} & set(line.splitlines(keepends=True))
    return json.loads(
        line.decode(), parse_float=lambda text: ("number", text), parse_int=lambda text: ("number", text)
    )


def shaper_of(pages: RandomPages, *, columnar: bool) -> RecordShaper:
    selection = replace(pages.selection, columnar=columnar)
    return RecordShaper(STREAMS[pages.stream], selection, pages.key, pages.include)


def reference(body: bytes) -> Page | str:
    """Return the page in a body, or the error that it is."""
    try:
        return read_page(decode(body))
    except (UnexpectedResponse, UndecodableError) as error:
        return str(error)


def columnar_page(shaper: RecordShaper, body: bytes) -> DecodedPage | Page | str:
    """Return the page as a read with the columnar path takes it, or the error that it is."""
    try:
        return shaper.decode(body) or reference(body)
    except UnexpectedResponse as error:
        return str(error)


def assert_same(one: ShapedPage, other: ShapedPage, attributes: Sequence[str]) -> None:
    assert list(map(exact, one.records)) == list(map(exact, other.records))
    assert list(one.ids) == list(other.ids)
    assert list(one.timestamps) == list(other.timestamps)
    assert one.span == other.span
    assert one.mismatches == other.mismatches
    for index in range(len(other.records)):
        assert set(one.other_dates(index)) == set(other.other_dates(index))
        for name in attributes:
            assert one.values(index, [name]) == other.values(index, [name])


def compare(pages: RandomPages) -> Counter[str]:
    """Shape pages with and without the columnar path; return how many pages took which path."""
    with_columnar, without = shaper_of(pages, columnar=True), shaper_of(pages, columnar=False)
    paths: Counter[str] = Counter()
    for body in pages.bodies:
        assert without.decode(body) is None
        expected, page = reference(body), columnar_page(with_columnar, body)
        if isinstance(page, str) or isinstance(expected, str):
            assert page == expected
            continue
        assert page.next_cursor == expected.next_cursor
        shaped = with_columnar.shape_page(page, "acme", pages.parent)
        assert_same(shaped, without.shape_page(expected, "acme", pages.parent), [*pages.selection.properties])
        paths["columnar" if isinstance(shaped, ColumnarPage) else "reference"] += 1
    return paths


@pytest.mark.parametrize("stream", STREAMS)
@settings(max_examples=80)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_page_has_the_same_records_on_both_paths(stream: str, seed: int) -> None:
    compare(RandomPages(stream, seed))


@pytest.mark.parametrize("stream", STREAMS)
def test_random_pages_take_both_paths(stream: str) -> None:
    paths = sum((compare(RandomPages(stream, seed)) for seed in range(40)), Counter())
    assert paths["reference"] > 5
    # The rows of this stream belong to days, which only the reference path knows.
    assert paths["columnar"] > 5 or stream == "usage"


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        *((("created_at", "updated_at", "first_order_at", "last_order_at"), value) for value in TIMESTAMPS),
        *((("total_spent", "orders_count"), value) for value in NUMBERS),
    ],
)
def test_columns_of_equal_values_have_the_same_records_on_both_paths(
    columns: tuple[str, ...], value: str
) -> None:
    attributes = object_of([(json.dumps(name), value) for name in columns])
    rows = ",".join(f'{{"type":"customer","id":"c{i}","attributes":{attributes}}}' for i in range(3))
    pages = RandomPages("customers", 0)
    pages.bodies = [f'{{"data":[{rows}],"pagination":{PAGINATION[0]}}}'.encode()] * 2
    compare(pages)
