"""Promise 6, never silent: a part of a catalog that would not count is an error that names it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.in_process import BASE, Inputs, assert_rejected, discover, warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.tap_cli import Json

COLUMN = ["properties", "email"]


def catalog(change: Callable[[Json], Any]) -> Json:
    """Return a catalog, after a change to its entry of customers."""
    made: Json = copy.deepcopy(discover())
    change(next(one for one in made["streams"] if one["tap_stream_id"] == "customers"))
    return made


def metadata(entry: Json, *breadcrumb: str) -> Json:
    """Return the metadata of a stream's entry, or of one of its columns."""
    found: Json = next(one for one in entry["metadata"] if one["breadcrumb"] == list(breadcrumb))
    return found


def email(entry: Json) -> Json:
    """Return the schema of a column."""
    found: Json = entry["schema"]["properties"]["email"]
    return found


def city(entry: Json) -> Json:
    """Return the schema of a member of a column."""
    found: Json = entry["schema"]["properties"]["address"]["properties"]["city"]
    return found


def _listed_again(entry: Json, **changes: Any) -> None:
    entry["metadata"].append({**copy.deepcopy(metadata(entry, *COLUMN)), **changes})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entry: entry.update(selected=False), "customers.selected: has no effect here."),
        (lambda entry: email(entry).update(selected=False), "customers.email.selected: has no effect here."),
        (lambda entry: entry["schema"].update(selected=False), "customers.selected: has no effect here."),
        (
            lambda entry: city(entry).update(selected=False),
            "customers.address.city.selected: has no effect here. Set `selected` in the metadata instead.",
        ),
        (
            lambda entry: (
                metadata(entry, *COLUMN)["metadata"].update(selected=False),
                email(entry).update(selected=True),
            ),
            "customers.email.selected: has no effect here. Set `selected` in the metadata instead.",
        ),
        (
            lambda entry: metadata(entry)["metadata"].update({"replication-key": "created_at"}),
            "customers: replication-key: has no effect here. Set `replication_key` of the stream instead.",
        ),
        (
            lambda entry: metadata(entry)["metadata"].update({"table-key-properties": ["id"]}),
            "customers: table-key-properties: has no effect here. Set `key_properties` of the stream",
        ),
        (
            lambda entry: _listed_again(entry, breadcrumb=["email"]),
            'customers: the breadcrumb of email must be ["properties", COLUMN], or [] for the stream.',
        ),
    ],
)
def test_what_would_not_count_is_an_error(
    inputs: Inputs, change: Callable[[Json], Any], message: str
) -> None:
    """A column that was meant to stay away was loaded, and a breadcrumb of one name ended in a traceback."""
    assert_rejected(inputs.run(catalog=catalog(change)), f"catalog: {message}")


def test_of_two_entries_of_a_column_the_last_one_counts_with_a_warning(inputs: Inputs) -> None:
    output = inputs.run(catalog=catalog(lambda entry: _listed_again(entry, metadata={"selected": False})))
    (line,) = warnings(output).splitlines()
    assert "customers: two entries of metadata have the breadcrumb of email; the last one counts." in line


def test_a_stream_with_two_different_entries_is_an_error(inputs: Inputs) -> None:
    made = catalog(lambda _: None)
    made["streams"].append({**made["streams"][0], "metadata": []})
    name = made["streams"][0]["tap_stream_id"]
    assert_rejected(inputs.run(catalog=made), f"catalog: {name}: two entries have this tap_stream_id.")


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.update(selected=True),
        lambda entry: city(entry).update(selected=True),
        lambda entry: (entry.update(selected=False), metadata(entry)["metadata"].update(selected=False)),
        lambda entry: entry.update(replication_key="created_at"),
        lambda entry: (
            entry.update(replication_key="created_at"),
            metadata(entry)["metadata"].update({"replication-key": "created_at"}),
        ),
        lambda entry: entry.update(key_properties=["id"]),
        _listed_again,
    ],
)
def test_what_says_the_same_twice_works(inputs: Inputs, change: Callable[[Json], Any]) -> None:
    """Meltano writes `selected` and the replication key of a stream into its entry and its metadata."""
    assert "catalog" not in warnings(inputs.run(catalog=catalog(change)))


@given(st.lists(st.sampled_from(["properties", "email", "address", "", "items"]), max_size=4), st.booleans())
@settings(max_examples=60)
def test_a_deselected_breadcrumb_counts_or_is_named(
    tmp_path_factory: pytest.TempPathFactory, breadcrumb: list[str], selected: bool
) -> None:
    def deselect(entry: Json) -> None:
        entry["metadata"] = [one for one in entry["metadata"] if one["breadcrumb"] != breadcrumb]
        entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"selected": selected}})

    output = Inputs(tmp_path_factory.mktemp("random")).run(BASE, catalog=catalog(deselect))
    assert "Internal error" not in output.log, output.log
    if breadcrumb and (len(breadcrumb) == 1 or breadcrumb[0] != "properties"):
        assert_rejected(output, "catalog: customers: the breadcrumb of ")
    else:
        assert len(output.errors) == output.code, output.log
