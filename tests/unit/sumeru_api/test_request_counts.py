"""Counts of requests, and paths without ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.request_counts import RequestCounts, template
from tap_sumeru.catalog.streams import STREAMS


@pytest.mark.parametrize("path", [spec.path for spec in STREAMS.values()])
def test_the_paths_of_all_streams_are_shown_without_ids(path: str) -> None:
    assert template(path.format(parent="jrn_1")) == path.replace("{parent}", "{id}")
    assert template(f"{path.format(parent='jrn_1')}/jane%40example.com").endswith("/{id}")


@given(st.text())
def test_no_id_is_ever_shown(text: str) -> None:
    documented = {"launch", *"/".join(spec.path for spec in STREAMS.values()).split("/")}
    assert set(template(f"customers/{text}").split("/")[1:]) <= {"{id}", *documented}


def test_requests_are_counted_by_stream() -> None:
    counts = RequestCounts()
    counts["orders"].add(0.5)
    counts["orders"].add(0.25)
    counts["usage"].add(1.0)
    assert {name: (one.answered, one.seconds) for name, one in counts.items()} == {
        "orders": (2, 0.75),
        "usage": (1, 1.0),
    }
