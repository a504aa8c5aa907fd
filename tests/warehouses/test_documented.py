"""What docs/warehouses.md says of a value is what lands, letter by letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from conftest import Tap

from sumeru_sandbox import Sandbox
from warehouses import targets
from warehouses.conftest import Pipeline
from warehouses.warehouse import WAREHOUSES

if TYPE_CHECKING:
    from warehouses.warehouse import Warehouse

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "warehouses.md").read_text(encoding="utf-8")
_LINE = re.compile(r"^\| `(\w+)\.(\w+)` \| `([^`]+)` \| `([^`]+)` \| (`[^`]+`|NULL) \|$", re.MULTILINE)
_CENTS = re.compile(r"`([^`]+)`\s+gives\s+an\s+amount\s+its\s+cents\s+back")


class Line(NamedTuple):
    """A line of a table: what the API sends in a column of some type, and what lands."""

    stream: str
    column: str
    kind: str
    sent: str
    lands: str


def chapter(target: str) -> str:
    """What the document says of a target, from its table on."""
    return TEXT.partition(f"<!-- {target} -->")[2].partition("<!-- target-")[0]


def lines(target: str) -> list[Line]:
    table = chapter(target).partition(f"<!-- /{target} -->")[0]
    found = [Line(*columns) for columns in _LINE.findall(table)]
    assert len(found) == table.strip().count("\n") - 1, "a line of the table cannot be read"
    return found


@pytest.mark.parametrize("target", [warehouse.target for warehouse in WAREHOUSES])
def test_the_document_names_the_pinned_versions(target: str) -> None:
    for pin in targets.PINS[target].split():
        assert pin.replace("==", " ") in TEXT


def test_what_is_documented_is_what_lands(warehouse: Warehouse, tmp_path: Path) -> None:
    documented = lines(warehouse.target)
    queries = []
    with Sandbox(["acme"], customers=100) as sandbox:
        for number, line in enumerate(documented):
            sandbox.put(
                "acme", line.stream, f"doc_{number}", **{line.column: msgspec.Raw(line.sent.encode())}
            )
            source = f"FROM {line.stream} WHERE id = 'doc_{number}'"
            queries += [f"SELECT CAST({line.column} AS VARCHAR) {source}"]
            queries += [f"SELECT {warehouse.kind(line.column)} {source}"]
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme")})
        pipeline = Pipeline(tap, warehouse, "documented")
        run = pipeline.run(streams=tuple({line.stream for line in documented}))
    assert (run.code, run.target_code) == (0, 0), run.log + run.target_log
    cents = _CENTS.search(chapter(warehouse.target))
    assert cents
    total = next(n for n, line in enumerate(documented) if line.sent == "487.20")
    queries.append(f"SELECT CAST({cents[1]} AS VARCHAR) FROM orders WHERE id = 'doc_{total}'")  # noqa: S608 - ours
    *answers, [amount] = warehouse.query("documented", *queries)
    assert amount == "487.20"
    for line, [landed], [kind] in zip(documented, answers[::2], answers[1::2], strict=True):
        assert (line, landed) == (line, None if line.lands == "NULL" else line.lands.strip("`"))
        assert landed is None or kind == line.kind


def test_a_nul_that_nothing_replaces_stops_the_target_and_a_stream_map_helps(
    postgres: Warehouse, tmp_path: Path
) -> None:
    with Sandbox(["acme"], customers=100) as sandbox:
        sandbox.put("acme", "campaigns", "odd", name="a\0b")
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
        pipeline = Pipeline(tap, postgres, "with_nul")
        as_it_is = {"sanitize_null_text_characters": False}
        stopped = pipeline.run(streams=("campaigns",), target=as_it_is)
        assert (stopped.target_code, stopped.state) == (1, {})
        helped = pipeline.run(
            streams=("campaigns",), target=as_it_is, stream_maps={"campaigns": {"name": "__NULL__"}}
        )
        assert (helped.code, helped.target_code) == (0, 0)
        held = {("acme", row["id"]) for row in sandbox.truth("acme", "campaigns")}
        assert set(pipeline.rows("campaigns")["campaigns"]) == held
