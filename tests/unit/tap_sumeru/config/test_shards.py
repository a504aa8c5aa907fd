"""Shards: each shop is in one, they are balanced, and one shard more moves as few shops as possible."""

from __future__ import annotations

import re
from collections import Counter
from math import sqrt
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumeru_api.shop import Shop
from tap_sumeru.config.shops import is_in_shard, select_shard, shard_of

PAGE = (Path(__file__).parents[4] / "docs" / "shards.md").read_text(encoding="utf-8")
SHOPS = [f"shop-{i}" for i in range(1000)]


def within(found: int, chance: float, of: int) -> bool:
    """Whether a number of shops is within six standard deviations of what chance makes of it."""
    return abs(found - chance * of) <= 6 * sqrt(of * chance * (1 - chance))


@given(st.text(min_size=1), st.integers(1, 40))
def test_a_shop_is_in_one_shard_and_moves_to_the_new_one_only(shop: str, count: int) -> None:
    before, after = shard_of(shop, count), shard_of(shop, count + 1)
    assert 1 <= before <= count
    assert after in {before, count + 1}
    assert [i for i in range(1, count + 1) if is_in_shard(shop, f"{i}/{count}")] == [before]
    assert is_in_shard(shop, "")


@given(st.sets(st.text(min_size=1, max_size=20), max_size=60), st.integers(1, 8))
def test_the_shards_of_any_shops_hold_each_once_in_their_order(names: set[str], count: int) -> None:
    shops = tuple(Shop(name, f"token of {name}", "https://api.example.com", None) for name in names)
    parts = [select_shard(f"{i}/{count}", shops)[0] for i in range(1, count + 1)]
    assert sorted(sum(parts, ()), key=shops.index) == list(shops)
    assert all(sorted(part, key=shops.index) == list(part) for part in parts)


@settings(max_examples=20)
@given(st.text(max_size=10), st.text(max_size=10), st.integers(1, 16))
def test_names_of_any_kind_are_balanced_and_about_one_in_n_plus_1_moves(
    prefix: str, suffix: str, count: int
) -> None:
    names = [f"{prefix}{i}{suffix}" for i in range(4000)]
    sizes = Counter(shard_of(name, count) for name in names)
    assert all(within(sizes[shard], 1 / count, 4000) for shard in range(1, count + 1))
    moved = sum(shard_of(name, count) != shard_of(name, count + 1) for name in names)
    assert within(moved, 1 / (count + 1), 4000)


@pytest.mark.parametrize(("before", "after", "moved"), [(4, 5, 209), (4, 8, 532)])
def test_how_many_of_a_thousand_shops_move(before: int, after: int, moved: int) -> None:
    assert re.search(rf"{moved} (?:move )?from {before} to {after}", " ".join(PAGE.split()))
    assert sum(shard_of(name, before) != shard_of(name, after) for name in SHOPS) == moved


def larger(shops: int, count: int) -> str:
    """How much larger than the average the largest shard is: the median, and the worst, of 20 tries."""
    found = []
    for turn in range(20):
        sizes = Counter(shard_of(f"{turn}-{i}", count) for i in range(shops))
        found.append(max(sizes.values()) * count / shops - 1)
    return f"{median(found):.0%}, {max(found):.0%}"


@pytest.mark.parametrize("shops", [100, 1000])
def test_how_even_the_shards_are(shops: int) -> None:
    row = " | ".join(f"{larger(shops, count)}" for count in (2, 4, 8, 16))
    assert f"\n| {shops:,} | {row} |\n" in PAGE


def test_the_shard_of_a_shop_never_changes() -> None:
    """It decides where the state of a shop is: another result would have many shops read again."""
    assert [shard_of(name, 8) for name in SHOPS[:6]] == [2, 5, 8, 7, 2, 8]
    assert shard_of("Köln & Söhne", 8) == 8
