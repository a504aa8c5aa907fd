"""Hints at more pages: outside of `pagination`, or under names that are not documented."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from sumeru_api.embedded_errors import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NEXT = re.compile(
    r"(?:odata)?next(?:cursor|token|page(?:url|token|number|cursor)?|url|uri|link|links|href|offset|start|marker|key"
    r"|path|results?|set|batch|scrollid|continuation(?:token)?)?"
)
_MORE = re.compile(
    r"has(?:more|next)(?:pages?|results|items)?|more(?:available|pages|results|items)?|(?:is)?truncated"
)
_TOKEN = re.compile(r"continuation(?:token|key)?|scrollid|after|(?:end)?cursor|marker|pagetoken")
_LAST = re.compile(r"(?:is)?last(?:page)?|(?:at)?end|done|complete|finished|exhausted")
_TOTAL = re.compile(
    r"total(?:count|results|items|rows|records|hits|entries|elements)?|(?:record|result|row)?count"
)
_PAGES = re.compile(r"(?:total|num|numberof)?pages|(?:last|total)page|pagecount")
_LIMIT = re.compile(r"limit|perpage|page(?:size|limit)|maxresults")
_NO = frozenset({"", "0", "false", "no", "null", "none"})
_RANGE_END = re.compile(r"/(\d+)\s*$")
_LINK_NEXT = re.compile(r"""rel\s*=\s*["']?[^"']*\bnext\b""", re.IGNORECASE)
_MAX_DEPTH = 3
_MAX_ITEMS = 20
_MAX_DIGITS = 15
"""A number with more digits is no count of rows or pages."""
_ROWS = frozenset({"data", "included"})


def contradiction(content: Mapping[str, Any]) -> str | None:
    """Return the name of what hints at more pages although `pagination` says that there are none.

    Args:
        content: The response; its rows may be missing.
    """
    return next((name for name, value in _members(content) if _is_next(name, value)), None)


def hint_without_pagination(content: Mapping[str, Any], headers: Mapping[str, str], rows: int) -> str | None:
    """Return the name of what hints at more pages after the first one, in a response without `pagination`.

    Args:
        content: The response.
        headers: Its headers.
        rows: Number of its rows.
    """
    if _LINK_NEXT.search(headers.get("Link", "")):
        return "Link"
    total = _RANGE_END.search(headers.get("Content-Range", ""))
    if total and int(total[1]) > rows:
        return "Content-Range"
    for name, value in (*_members(content), *_own_headers(headers)):
        word, number = folded(name), _number(value)
        more_rows = number > rows and _TOTAL.fullmatch(word)
        more_pages = number > 1 and _PAGES.fullmatch(word)
        full = 0 < number <= rows and _LIMIT.fullmatch(word)
        not_last = value is False and _LAST.fullmatch(word)
        token = isinstance(value, str | int) and _is_yes(value) and _TOKEN.fullmatch(word)
        if more_rows or more_pages or full or not_last or token or _is_next(name, value):
            return name
    return None


def stated_total(content: Mapping[str, Any]) -> int:
    """Return how many rows a list has, as its response states; 0 if it states no number.

    Args:
        content: The response; its rows may be missing.
    """
    inner = [one.items() for name, one in content.items() if isinstance(one, dict) and name not in _ROWS]
    return _highest_total(chain(content.items(), *inner))


def total_of_headers(headers: Mapping[str, str]) -> int:
    """Return how many rows a list has, as the headers of its response state; 0 if they state no number."""
    in_range = _RANGE_END.search(headers.get("Content-Range", ""))
    return max(int(in_range[1]) if in_range else 0, _highest_total(_own_headers(headers)))


def _highest_total(members: Iterable[tuple[str, object]]) -> int:
    totals = (_number(value) for name, value in members if _TOTAL.fullmatch(folded(name)))
    return max(totals, default=0)


def _own_headers(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the non-standard headers, without the prefix `X-`."""
    return ((name[2:], value) for name, value in headers.items() if name.lower().startswith("x-"))


def _members(content: object, depth: int = _MAX_DEPTH) -> Iterator[tuple[str, object]]:
    """Yield the members of a response and of what is in it, without its rows; `rel` in a link names it."""
    if isinstance(content, list) and depth:
        for item in content[:_MAX_ITEMS]:
            yield from _members(item, depth - 1)
    if not isinstance(content, dict):
        return
    if isinstance(content.get("rel"), str):
        yield content["rel"], content.get("href") or content.get("url")
    for name, value in content.items():
        if depth == _MAX_DEPTH and name in _ROWS:
            continue
        yield name, value
        if depth and isinstance(value, dict | list):
            yield from _members(value, depth - 1)


def _is_next(name: str, value: object) -> bool:
    word = folded(name)
    return _is_yes(value) and bool(_MORE.fullmatch(word) or _NEXT.fullmatch(word))


def _is_yes(value: object) -> bool:
    return bool(value) and str(value).strip().lower() not in _NO


def _number(value: object) -> int:
    """Return the number that a value stands for, -1 if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return -1
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else -1
