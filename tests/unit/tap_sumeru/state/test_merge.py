"""Merging the states of shards: each bookmark once, the earlier of two, and nothing else lost."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.shops import is_in_shard
from tap_sumeru.state.merge import merge
from tap_sumeru.state.validation import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

SHOPS = ("acme", "globex", "initech", "umbrella", "hooli")
TIMES = ("2025-05-01T00:00:00Z", "2026-05-10T00:00:00Z", "2026-05-10T00:00:00.5Z")

entries = st.fixed_dictionaries(
    {"context": st.fixed_dictionaries({"shop": st.sampled_from(SHOPS)})},
    optional={
        "replication_key_value": st.sampled_from(TIMES),
        "start_date": st.just("2025-01-01T00:00:00Z"),
        "not_unique": st.just(["date"]),
        "reading": st.just({"began": TIMES[0], "query": "q", "cursor": "c"}),
        "watermark": st.integers(),
    },
)


def _shop(entry: Any) -> str:
    return str(entry["context"]["shop"])


contents = st.fixed_dictionaries({}, optional={"partitions": st.lists(entries, max_size=5, unique_by=_shop)})
states = st.fixed_dictionaries(
    {"bookmarks": st.dictionaries(st.sampled_from([*STREAMS, "refunds"]), contents, max_size=4)},
    optional={"version": st.integers(1, 3)},
)


def partitions(*states: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield stream, shop and partition of all partitions."""
    for state in states:
        for stream, content in state["bookmarks"].items():
            for entry in content.get("partitions", []):
                yield stream, entry["context"]["shop"], entry


def by_shop(*states: Json) -> dict[tuple[str, str], list[Json]]:
    found: dict[tuple[str, str], list[Json]] = {}
    for stream, shop, entry in partitions(*states):
        found.setdefault((stream, shop), []).append(entry)
    return found


def value(entry: Json) -> str:
    """How far a partition is read, as a text whose order is that of time."""
    return str(entry.get("replication_key_value", "")).replace("Z", "")


@given(given_states=st.lists(states, min_size=1, max_size=4), count=st.integers(1, 4))
def test_new_shards_have_each_bookmark_once_and_the_earliest(given_states: list[Json], count: int) -> None:
    untouched = deepcopy(given_states)
    merges = [
        merge(given_states, lambda shop, i=i: is_in_shard(shop, f"{i}/{count}"))  # type: ignore[misc]  # the default
        for i in range(1, count + 1)
    ]
    assert given_states == untouched
    before, after = by_shop(*given_states), by_shop(*(one.state for one in merges))
    assert after.keys() == before.keys()
    for key, (entry, *others) in after.items():
        assert others == []
        several = before[key]
        assert value(entry) == min(map(value, several))
        plain = {name: one for name, one in entry.items() if name != "not_unique"}
        kept = [{name: one for name, one in old.items() if name != "not_unique"} for old in several]
        assert plain in kept
        assert ("not_unique" in entry) == any("not_unique" in old for old in several)
    for number, one in enumerate(merges, 1):
        validate(one.state, SHOPS)
        assert all(is_in_shard(shop, f"{number}/{count}") for _, shop, _ in partitions(one.state))
        assert {shop for _, shop, _ in partitions(one.state)} == set(one.shops)
        assert set(one.contested) <= set(one.shops)


@given(states)
def test_one_state_and_equal_ones_stay_as_they_are(state: Json) -> None:
    for given_states in ([state], [state, deepcopy(state)]):
        merged = merge(given_states, lambda _: True)
        expected = deepcopy(state)
        for content in expected["bookmarks"].values():
            content.setdefault("partitions", [])
        assert merged.state == expected
        assert (merged.contested, merged.differing) == ([], [])


def test_what_a_newer_version_has_written_is_taken_from_the_first_state_that_has_it() -> None:
    shop = {"context": {"shop": "acme", "region": "eu"}}
    first: Json = {
        "bookmarks": {"refunds": None, "orders": {"schema": 2, "partitions": [shop]}},
        "version": 3,
    }
    second: Json = {"bookmarks": {"refunds": [1], "orders": {"schema": 3}, "returns": {"partitions": "none"}}}
    merged = merge([first, second | {"version": 4, "ratio": 1}], lambda _: True)
    assert merged.state == {
        "version": 3,
        "ratio": 1,
        "bookmarks": {
            "refunds": None,
            "orders": {"schema": 2, "partitions": [shop]},
            "returns": {"partitions": "none"},
        },
    }
    assert sorted(merged.differing) == ["orders.schema", "refunds", "version"]


def test_a_stream_that_was_reset_in_one_state_stays_reset() -> None:
    reset = {"context": {"shop": "acme"}, "replication_key": "updated_at"}
    read = reset | {"replication_key_value": TIMES[1]}
    states = [{"bookmarks": {"orders": {"partitions": [one]}}} for one in (read, reset)]
    for order in (states, states[::-1]):
        merged = merge(order, lambda _: True)
        assert merged.state["bookmarks"]["orders"]["partitions"] == [reset]
        assert merged.contested == ["acme"]
