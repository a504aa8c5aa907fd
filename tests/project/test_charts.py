"""The charts of the demo and of the benchmarks, as a reader sees them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

import charts
from benchmarks import document, plots
from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MONTHS = ["2025-11-01", "2025-12-01", "2026-01-01"]
SVG = "{http://www.w3.org/2000/svg}"


def marts(channels: tuple[str, ...], name: str, months: list[str]) -> charts.Marts:
    revenue = [
        {"channel": channel, "order_month": month, "net_revenue": "100.50"}
        for channel in channels
        for month in months
    ]
    cohorts = [
        {"cohort_month": months[0], "months_since_first_order": number, "revenue_per_customer": "7"}
        for number, _ in enumerate(months)
    ]
    step: dict[str, Any] = {"step_number": 1, "step_kind": "wait", "step_channel": None, "journey_name": name}
    fates = {"reached": 1234, "done": 400, "waiting": 400, "converted": 300, "dropped_out": 134}
    return charts.Marts("acme", "EUR", revenue, cohorts, [step | fates])


def texts(svg: str) -> list[str]:
    root = ET.fromstring(svg)  # noqa: S314 - made here
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("months", [MONTHS, MONTHS[:1]])
@pytest.mark.parametrize("name", ["Welcome", "<Save $5, get $10>", "贈り物です 🎁", "_x", r"\frac $\b$"])
def test_names_of_a_shop_are_shown_as_they_are(name: str, months: list[str]) -> None:
    shown = texts(charts.draw(marts(("a & b", "point_of_sale", name), name, months), f"Shop {name}"))
    assert {"a & b", "point of sale", name.replace("_", " "), f"Journey funnel: {name}", f"Shop {name}"} <= {
        *shown
    }
    assert {"EUR a customer so far, by month of first order", "Nov 2025", "1,234", "1. wait"} <= {*shown}


def test_the_same_rows_give_the_same_chart_on_a_white_background() -> None:
    rows = marts(("web",), "Welcome", MONTHS)
    svg = charts.draw(rows, "Sample shop")
    assert svg == charts.draw(rows, "Sample shop")
    assert "fill: #ffffff" in svg
    assert "<title>Sample shop</title>" in svg


def test_the_pictures_of_the_benchmarks_are_drawn_from_the_stored_results(tmp_path: Path) -> None:
    results = document.read(ROOT / "docs")
    drawn = plots.write(tmp_path, results)
    assert set(drawn) == {"benchmarks-cpu.svg", "benchmarks-latency.svg"}
    for name, title in drawn.items():
        svg = (tmp_path / name).read_text(encoding="utf-8")
        assert title in texts(svg)
        assert "this tap" in texts(svg)
        assert "fill: #ffffff" in svg
        assert svg == (ROOT / "docs" / name).read_text(encoding="utf-8"), "run `make bench ARGS=--document`"


@pytest.mark.parametrize("name", ["marts.svg", "benchmarks-cpu.svg", "benchmarks-latency.svg"])
def test_the_pictures_of_the_documentation_have_titles_and_no_dates(name: str) -> None:
    svg = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert "<title>" in svg
    assert "dc:date" not in svg
