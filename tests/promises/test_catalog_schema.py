"""The catalog's schema is obeyed: columns that it adds, types that it sets, and what it does not know.

See meltano/sdk#2930 and singer-io/tap-github#153: schemas of a catalog that reached SCHEMA or RECORD alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from support.scripted_api import Reply, ScriptedApi
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
MAPPED = {"stream_maps": {"orders": {"shop": "shop"}}}
OPTIONS = pytest.mark.parametrize("options", [{}, MAPPED, FLAT], ids=["direct", "mapped", "flattened"])


def sync(folder: Path, attributes: str, edit: Callable[[Json], None], **config: Any) -> Output:
    """Sync one order, with a catalog that a test has changed."""
    date = '"updated_at":"2026-05-10T00:00:00Z"'
    body = (
        f'{{"data":[{{"id":"one","attributes":{{{date},{attributes}}}}}],'
        '"pagination":{"has_next":false,"next_cursor":null}}'
    )
    with ScriptedApi(lambda _: Reply(body)) as api:
        tap = Tap(folder, {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme"})
        catalog = tap.catalog("orders")
        edit(next(one for one in catalog["streams"] if one["stream"] == "orders"))
        return tap.sync(catalog=catalog, **config)


def set_type(**columns: Json) -> Callable[[Json], None]:
    """Change a catalog as Meltano's extra `schema` does: the whole schema of a column, and its metadata."""

    def edit(entry: Json) -> None:
        entry["schema"]["properties"] |= columns
        known = {tuple(item["breadcrumb"]) for item in entry["metadata"]}
        for name in columns:
            if ("properties", name) not in known:
                item = {"breadcrumb": ["properties", name], "metadata": {"inclusion": "automatic"}}
                entry["metadata"].append(item)

    return edit


def remove(*columns: str) -> Callable[[Json], None]:
    """Change a catalog into one of an older version, which lacks columns."""

    def edit(entry: Json) -> None:
        for name in columns:
            del entry["schema"]["properties"][name]
        entry["metadata"] = [item for item in entry["metadata"] if item["breadcrumb"][-1:] != list(columns)]

    return edit


def record(output: Output) -> tuple[Json, dict[str, msgspec.Raw]]:
    """Return the properties of the only SCHEMA, and the values of the only RECORD as JSON text."""
    assert output.code == 0, output.log
    (schema,) = output.of_type("SCHEMA")
    (line,) = (line for line in output.lines if line.startswith('{"type":"RECORD"'))
    texts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    values = texts(texts(line)["record"])
    assert values.keys() == schema["schema"]["properties"].keys()
    return schema["schema"]["properties"], values


NUMBER_TO_STRING = ({"type": ["string", "null"]}, "487.20", '"487.20"')
TYPES = [
    NUMBER_TO_STRING,
    ({"type": "string"}, "487.20", '"487.20"'),
    ({"type": ["null", "number"]}, '"487.20"', "487.20"),
    ({"type": "integer"}, '"42"', "42"),
    ({"type": "boolean"}, '"true"', "true"),
    ({"type": "string", "format": "date-time"}, '"2026-05-10 02:00:00+02:00"', '"2026-05-10T00:00:00Z"'),
    ({"anyOf": [{"type": "number"}, {"type": "null"}]}, '"1.50"', "1.50"),
]


@OPTIONS
@pytest.mark.parametrize("name", ["gift_note", "total_price", "note"], ids=["added", "money", "text"])
@pytest.mark.parametrize(("column", "sent", "written"), TYPES, ids=str)
def test_a_column_has_the_type_that_the_catalog_sets(
    tmp_path: Path, options: Json, name: str, column: Json, sent: str, written: str
) -> None:
    properties, values = record(sync(tmp_path, f'"{name}":{sent}', set_type(**{name: column}), **options))
    assert bytes(values[name]).decode() == written
    assert "null" in properties[name]["type"]
    assert bytes(values["extra"]) == b"null"


@OPTIONS
def test_a_value_that_cannot_be_converted_is_kept_in_extra_and_counted(tmp_path: Path, options: Json) -> None:
    edit = set_type(total_price={"type": "integer"})
    output = sync(tmp_path, '"total_price":487.20', edit, **options)
    _, values = record(output)
    assert bytes(values["total_price"]) == b"null"
    assert b"487.20" in bytes(values["extra"])
    assert "orders.total_price: 1 value of an unexpected type" in output.log
    assert "orders: the catalog sets the type of `total_price`" in output.log


@OPTIONS
def test_a_field_that_an_older_catalog_does_not_know_is_kept_in_extra(tmp_path: Path, options: Json) -> None:
    output = sync(tmp_path, '"note":"by hand","brand_new":[1]', remove("note"), **options)
    _, values = record(output)
    assert "note" not in values
    for text in (b"by hand", b"brand_new"):
        assert text in bytes(values["extra"])
    assert (
        "orders: the catalog does not know `note`; such values go into `extra`, unless that is left out."
        in output.log
    )


@OPTIONS
def test_a_deselected_column_stays_out(tmp_path: Path, options: Json) -> None:
    def edit(entry: Json) -> None:
        set_type(note={"type": "integer"})(entry)
        for item in entry["metadata"]:
            if item["breadcrumb"] == ["properties", "note"]:
                item["metadata"]["selected"] = False

    output = sync(tmp_path, '"note":"by hand"', edit, **options)
    _, values = record(output)
    assert "note" not in values
    assert "by hand" not in "".join(output.lines)


@OPTIONS
def test_a_column_that_the_tap_needs_is_restored(tmp_path: Path, options: Json) -> None:
    output = sync(tmp_path, '"brand_new":1', remove("extra"), **options)
    _, values = record(output)
    assert b"brand_new" in bytes(values["extra"])
    assert "orders: the catalog lacks `extra`, which the tap needs and has added." in output.log


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"total_price": {"type": "money"}}, "catalog: orders.total_price: unknown type money."),
        ({"note": {"type": "string", "const": "x"}}, "catalog: orders.note: `const` is not supported."),
        ({"note": {"type": "array", "items": {"$ref": "#/x"}}}, "catalog: orders.note.items: `$ref` is not"),
        ({"id": {"type": "integer"}}, "catalog: orders.id: is a key, and must be a string."),
        ({"total_*": {"type": "string"}}, "catalog: orders.total_*: is not the name of a column."),
    ],
)
def test_a_type_that_cannot_be_honoured_is_an_error_at_the_start(
    tmp_path: Path, column: Json, message: str
) -> None:
    output = sync(tmp_path, '"note":"x"', set_type(**column))
    assert output.code == 1
    assert output.lines == []
    assert output.last_line.startswith(message)


def test_a_key_that_is_no_column_is_an_error_at_the_start(tmp_path: Path) -> None:
    output = sync(tmp_path, '"note":"x"', lambda entry: entry.update(key_properties=["shop", "ident"]))
    assert output.code == 1
    assert output.last_line == "catalog: orders: the key property ident is not a column."


def test_no_loader_meets_the_marks_of_what_a_write_may_set(tmp_path: Path) -> None:
    """They say nothing about a record, and each keyword is one more that a loader may stumble over."""
    with ScriptedApi(lambda _: Reply('{"data":[],"pagination":{"has_next":false}}')) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme"})
        catalog = tap.catalog("customers", "products", "inventory", "campaigns", "journeys")
        done = tap.sync(catalog=catalog)
    assert done.code == 0, done.log
    assert len([message for message in done.messages if message["type"] == "SCHEMA"]) == 5
    assert "x-writable" not in str(catalog)
    assert "x-writable" not in str(done.messages)
