"""Rows that several streams have for one key have together the effect of one after the other."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.target_factories import spooled
from target_sumeru.plan.compare import with_tag_changes
from target_sumeru.plan.merge import changed_tags, combine, merged

TAGS = st.lists(st.sampled_from("abcde"), max_size=4)
COLUMNS = st.dictionaries(st.sampled_from(["locale", "first_name"]), st.text(max_size=2), max_size=2)


def changes_of_tags() -> st.SearchStrategy[dict[str, Any]]:
    both = st.fixed_dictionaries({}, optional={"add_tags": TAGS, "remove_tags": TAGS})
    return both.filter(lambda row: not set(row.get("add_tags", ())) & set(row.get("remove_tags", ())))


ROWS = st.builds(
    lambda columns, tags: {**columns, **tags},
    COLUMNS,
    st.one_of(changes_of_tags(), st.fixed_dictionaries({"tags": TAGS})),
)


def applied(row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return a customer after a row was written."""
    columns = {name: value for name, value in body.items() if name not in ("add_tags", "remove_tags")}
    tags = columns.get("tags", row["tags"])
    if "tags" not in body:
        tags = with_tag_changes(body, tags)
    return {**row, **columns, "tags": sorted(set(tags))}


@given(tags=TAGS, first=ROWS, second=ROWS, third=ROWS)
def test_combined_rows_have_the_effect_of_one_after_the_other(
    tags: list[str], first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    customer: dict[str, Any] = {"tags": tags}
    one_by_one = applied(applied(applied(customer, first), second), third)
    assert applied(customer, combine(combine(first, second), third)) == one_by_one


def test_changed_tags_keep_their_order_and_stand_once() -> None:
    assert changed_tags(["b", "a", "b"], ["c", "a"], ["x"]) == ["b", "a", "c"]
    assert changed_tags(None, ["a"], ["a"]) == []


def test_rows_of_one_key_become_one_that_stands_for_all_their_lines() -> None:
    first = spooled("id", ["1"], {"tags": ["a"]}, line=3)
    second = spooled("id", ["1"], {"add_tags": ["b"]}, line=9)
    other = spooled("id", ["2"], {"tags": []}, line=5)
    (both, alone) = merged([first, second, other])
    assert (both.first_line, both.line, both.body) == (3, 9, b'{"tags":["a","b"]}')
    assert alone == other


def test_a_rejected_row_rejects_all_of_its_key() -> None:
    first = spooled("id", ["1"], {})._replace(reason="wrong_type", column="tags")
    (row,) = merged([first, spooled("id", ["1"], {"tags": []}, line=2)])
    assert (row.reason, row.column) == ("wrong_type", "tags")
