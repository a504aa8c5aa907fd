"""Requests and answers, as the API's core sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Request(NamedTuple):
    """What a client sent; header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answer(NamedTuple):
    """What goes back: after `delay` seconds, and if `fault` says so, not as it should."""

    status: int
    headers: dict[str, str]
    body: bytes
    delay: float = 0
    fault: str | None = None
    seconds: float = 0
