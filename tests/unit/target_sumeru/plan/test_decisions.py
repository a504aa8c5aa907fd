"""What becomes of a row, from the row, the ledger and the API's rows: the cases, and all at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.target_factories import NOW, settings
from target_sumeru.config.streams import STREAMS, TAG_CHANGES
from target_sumeru.ledger import DONE, REFUSED, SENT, Entry
from target_sumeru.plan.decisions import (
    NeedsList,
    Reject,
    Unchanged,
    Wanted,
    Write,
    with_matches,
    without_list,
)
from target_sumeru.plan.items import Current, Operation

if TYPE_CHECKING:
    from target_sumeru.plan.decisions import Decision

CUSTOMERS, PRODUCTS, CAMPAIGNS = (STREAMS[name] for name in ("customers", "products", "campaigns"))
HOUR = 3600


def wanted(
    attributes: dict[str, Any], entry: Entry | None = None, *, given_id: str = "", external: bool = False
) -> Wanted:
    identity = ("external_id",) if external else ("id",)
    return Wanted(attributes, b"content", identity, "" if external else given_id or "x_1", entry)


def entry(
    status: str, content: bytes | None = b"content", api_id: str = "", age: float = 0, generation: int = 0
) -> Entry:
    return Entry(status, generation, content, api_id, NOW - age)


def decide(row: Wanted, *matches: Current, stream: str = "campaigns", **config: Any) -> Decision:
    return with_matches(STREAMS[stream], row, matches, settings(**config), NOW)


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        (wanted({"tags": ["a"]}), {}, Write(Operation.UPDATE, {"tags": ["a"]}, "x_1")),
        (wanted({"tags": ["a"]}, entry(DONE)), {}, Unchanged()),
        (wanted({"tags": ["a"]}, entry(DONE)), {"compare": "api"}, NeedsList()),
        (
            wanted({"tags": ["a"]}, entry(DONE)),
            {"compare": "none"},
            Write(Operation.UPDATE, {"tags": ["a"]}, "x_1"),
        ),
        (wanted({"tags": ["a"]}, entry(DONE, b"old")), {}, Write(Operation.UPDATE, {"tags": ["a"]}, "x_1")),
        (wanted({"tags": ["a"]}, entry(DONE, None)), {}, Write(Operation.UPDATE, {"tags": ["a"]}, "x_1")),
        (wanted({}), {}, Unchanged()),
        (wanted({"add_tags": ["a"]}), {}, NeedsList()),
        (wanted({"email": "a@b.c"}), {}, NeedsList()),
        (
            wanted({"email": "a@b.c"}),
            {"allow": ["email"]},
            Write(Operation.UPDATE, {"email": "a@b.c"}, "x_1"),
        ),
    ],
)
def test_changes_without_the_list(row: Wanted, config: dict[str, Any], expected: Decision) -> None:
    assert without_list(CUSTOMERS, row, settings(**config)) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (wanted({"name": "N", "audience_id": "s"}, external=True), NeedsList()),
        (wanted({"name": "N"}, external=True), Reject("required", "audience_id")),
        (wanted({"name": "N", "audience_id": "s"}, entry(DONE, api_id="cam_1"), external=True), Unchanged()),
        (wanted({"name": "N", "audience_id": "s"}, entry(SENT), external=True), NeedsList()),
        (wanted({"name": "M"}, entry(DONE, b"old", "cam_1"), external=True), NeedsList()),
        (wanted({"name": "M"}), NeedsList()),
    ],
)
def test_creations_without_the_list(row: Wanted, expected: Decision) -> None:
    assert without_list(CAMPAIGNS, row, settings()) == expected


ROW = {"name": "N", "audience_id": "s"}
SAME = Current("cam_1", {"name": "N", "audience_id": "s", "status": "draft"})
OTHER = Current("cam_2", {"name": "N", "audience_id": "t"})


@pytest.mark.parametrize(
    ("known", "matches", "expected"),
    [
        (None, (), Write(Operation.CREATE, ROW)),
        (None, (SAME,), Write(Operation.ADOPT, {}, "cam_1")),
        (None, (OTHER,), Reject("cannot_update", "audience_id")),
        (None, (SAME, OTHER), Reject("ambiguous", "name")),
        (entry(SENT, age=22 * HOUR), (SAME,), Write(Operation.CREATE, ROW, sent_before=True)),
        (entry(SENT, b"old", age=HOUR), (), Write(Operation.CREATE, ROW)),
        (entry(SENT, age=23 * HOUR), (SAME,), Write(Operation.ADOPT, {}, "cam_1")),
        (entry(SENT, age=23 * HOUR), (), Write(Operation.CREATE, ROW, sent_before=True)),
        (entry(REFUSED, None, generation=2), (), Write(Operation.CREATE, ROW, generation=2)),
        (entry(REFUSED, None, generation=2), (SAME,), Write(Operation.ADOPT, {}, "cam_1")),
    ],
)
def test_creations_with_the_rows_of_the_same_name(
    known: Entry | None, matches: tuple[Current, ...], expected: Decision
) -> None:
    assert decide(wanted(ROW, known, external=True), *matches) == expected


def test_a_product_that_is_adopted_is_changed_to_what_is_wanted() -> None:
    row = wanted({"title": "T", "vendor": "new"}, external=True)
    current = Current("prd_1", {"title": "T", "vendor": "old"})
    assert decide(row, current, stream="products") == Write(Operation.UPDATE, {"vendor": "new"}, "prd_1")


@pytest.mark.parametrize(
    ("attributes", "allow", "expected"),
    [
        ({"email": "a", "locale": "en"}, [], Write(Operation.UPDATE, {"locale": "en"}, "x_1")),
        ({"email": "b", "locale": "en"}, [], Reject("not_allowed", "email")),
        ({"email": "b", "locale": "fr"}, ["email"], Write(Operation.UPDATE, {"email": "b"}, "x_1")),
        ({"email": "a", "locale": "fr"}, [], Unchanged(confirmed=True)),
    ],
)
@pytest.mark.parametrize("compare", ["ledger", "api"])
def test_protected_columns(
    attributes: dict[str, Any], allow: list[str], expected: Decision, compare: str
) -> None:
    current = Current("x_1", {"email": "a", "locale": "fr"})
    assert decide(wanted(attributes), current, stream="customers", allow=allow, compare=compare) == expected


def test_without_comparing_all_columns_are_written_but_protected_ones() -> None:
    current = Current("x_1", {"email": "a", "locale": "fr"})
    row = wanted({"email": "a", "locale": "fr"})
    expected = Write(Operation.UPDATE, {"locale": "fr"}, "x_1")
    assert decide(row, current, stream="customers", compare="none") == expected


@pytest.mark.parametrize(("matches", "reason"), [((), "not_found"), ((SAME, OTHER), "ambiguous")])
def test_a_change_needs_exactly_one_row(matches: tuple[Current, ...], reason: str) -> None:
    assert decide(wanted({"tags": []}), *matches, stream="customers") == Reject(reason)


def test_what_the_api_does_not_show_is_a_change_only_if_the_ledger_says_so() -> None:
    row = {"name": "N", "audience_id": "s", "subject": "Hi"}
    known = entry(DONE, b"content", "cam_1")
    assert decide(wanted(row, known, external=True), SAME) == Unchanged(confirmed=True)
    changed = entry(DONE, b"old", "cam_1")
    assert decide(wanted(row, changed, external=True), SAME) == Reject("cannot_update", "subject")


ENTRIES = st.none() | st.builds(
    entry,
    st.sampled_from([SENT, DONE, REFUSED]),
    st.sampled_from([None, b"content", b"old"]),
    st.sampled_from(["", "cam_1"]),
    st.floats(0, 100 * HOUR),
    st.integers(0, 3),
)


@given(known=ENTRIES, matches=st.sampled_from([[], [SAME], [OTHER], [SAME, OTHER]]))
def test_nothing_is_created_if_the_row_may_exist(known: Entry | None, matches: list[Current]) -> None:
    """A creation goes out only with a key that the API still knows, or if no row has its name."""
    row = wanted(ROW, known, external=True)
    decision = without_list(CAMPAIGNS, row, settings())
    if isinstance(decision, NeedsList):
        decision = with_matches(CAMPAIGNS, row, matches, settings(), NOW)
    if isinstance(decision, Write) and decision.operation is Operation.CREATE:
        assert not row.known_id
        assert decision.generation == (known.generation if known else 0)
        recent = known is not None and known.status == SENT and NOW - known.sent_at < 23 * HOUR
        assert recent or not matches


ANYTHING = (
    st.none()
    | st.text(max_size=3)
    | st.integers()
    | st.dictionaries(st.text(max_size=2), st.none(), max_size=2)
)


@given(tags=ANYTHING | st.lists(ANYTHING, max_size=3), shown=st.booleans(), name=st.sampled_from(TAG_CHANGES))
def test_tags_are_changed_one_by_one_only_if_the_api_shows_them(tags: Any, name: str, *, shown: bool) -> None:
    current = Current("x_1", {"tags": tags} if shown else {})
    decision = decide(wanted({name: ["vip"]}), current, stream="customers")
    texts = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    readable = shown and (tags is None or texts)
    assert (decision == Reject("tags_unreadable", "tags")) != readable
