"""Groups of shops: each shop once, a token in one group, sizes balanced."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspark_sumeru.groups import SHOPS_PER_GROUP, group_shops
from sumeru_api.shop import Shop


def shops(tokens: list[int]) -> list[Shop]:
    return [Shop(f"shop-{i}", f"token-{token}") for i, token in enumerate(tokens)]


@given(st.lists(st.integers(0, 30), max_size=60), st.one_of(st.none(), st.integers(1, 70)))
def test_each_shop_is_in_one_group_with_all_others_of_its_token(
    tokens: list[int], partitions: int | None
) -> None:
    given_shops = shops(tokens)
    groups = group_shops(given_shops, partitions)
    assert Counter(shop.name for group in groups for shop in group) == Counter(
        shop.name for shop in given_shops
    )
    assert all(groups), "an empty group costs the start of a task"
    tokens_of = [{shop.token for shop in group} for group in groups]
    assert sum(map(len, tokens_of)) == len(set(tokens))
    assert len(groups) <= (partitions or len(tokens))


@given(st.integers(1, 500), st.integers(1, 50))
def test_the_groups_differ_by_one_shop_at_most(number: int, partitions: int) -> None:
    sizes = list(map(len, group_shops(shops(list(range(number))), partitions)))
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == min(number, partitions)


@pytest.mark.parametrize(("number", "groups"), [(0, 0), (1, 1), (50, 1), (51, 2), (1000, 20)])
def test_by_default_there_is_a_group_for_every_50_shops(number: int, groups: int) -> None:
    assert SHOPS_PER_GROUP == 50
    assert len(group_shops(shops(list(range(number))))) == groups


def test_hosts_are_told_apart_by_token_and_url() -> None:
    two = [Shop("a", "token", "https://one"), Shop("b", "token", "https://two")]
    assert len(group_shops(two, 2)) == 2
