"""Names that resemble each other: slips of typing are found, other names are not taken for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.config.unknown_names import check_name, resembling
from tap_sumeru.errors import SettingsError

SETTINGS = sorted(CONFIG_SCHEMA["properties"])
KNOWN = [SETTINGS, sorted(STREAMS), sorted(stream_schemas.load("customers")["properties"])]


def slips(name: str) -> set[str]:
    """Return what comes of one slip: a letter left out, doubled, or swapped with the next."""
    places = range(len(name))
    left_out = {name[:i] + name[i + 1 :] for i in places}
    doubled = {name[:i] + name[i] + name[i:] for i in places}
    swapped = {name[:i] + name[i + 1 : i + 2] + name[i] + name[i + 2 :] for i in places}
    return (left_out | doubled | swapped) - {name}


@given(st.data())
def test_a_name_with_one_slip_resembles_it(data: st.DataObject) -> None:
    known = data.draw(st.sampled_from(KNOWN))
    name = data.draw(st.sampled_from([one for one in known if len(one) > 3]))
    slip = data.draw(st.sampled_from(sorted(slips(name))))
    assert slip in known or resembling(slip, known) is not None


@given(st.sampled_from(SETTINGS), st.sampled_from(["-", "_", "", " "]), st.booleans())
def test_case_and_what_stands_between_words_make_no_difference(name: str, between: str, upper: bool) -> None:
    other = name.replace("_", between)
    assert resembling(other.upper() if upper else other.title(), SETTINGS) == name


@pytest.mark.parametrize("name", ["", "x", "colour", "webhook_secret", "page_size", "é" * 5, "a" * 100_000])
def test_other_names_resemble_none(name: str) -> None:
    assert resembling(name, SETTINGS) is None


def test_an_unknown_name_is_an_error_or_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    check_name("orders", "orders", STREAMS, "stream")
    assert caplog.text == ""
    check_name("x.refunds", "refunds", STREAMS, "stream")
    (record,) = caplog.records
    assert record.getMessage() == "x.refunds: unknown stream; it has no effect."
    with pytest.raises(SettingsError, match=r"^x\.ordres: unknown stream\. Did you mean orders\?$"):
        check_name("x.ordres", "ordres", STREAMS, "stream")
