"""Plans, tokens and their scopes."""

from __future__ import annotations

import string
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from sumeru_sandbox.spec.endpoints import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

PLANS = {"free": 60, "starter": 300, "pro": 600, "agency": 1500, "enterprise": 0}
"""Requests per minute, by plan; the limit of the enterprise plan is an option."""
SCOPES = frozenset(operation.scope for operation in OPERATIONS if operation.scope) | {"orders:write"}
_BASE62 = string.digits + string.ascii_letters


class Token(NamedTuple):
    """A token of a shop; `limit` is in requests per minute, and 0 means none."""

    text: str
    shop: str
    plan: str
    limit: int
    scopes: frozenset[str]


class Accounts:
    """The tokens of all shops."""

    def __init__(self, shops: Iterable[str], seed: int, plan: str, rate_limit: int) -> None:
        self._seed = seed
        self._plan = plan
        self._rate_limit = rate_limit
        self._tokens: dict[str, Token] = {}
        self.default_tokens = {shop: self.issue(shop) for shop in shops}

    @property
    def limit(self) -> int:
        """The limit of requests without a valid token."""
        return self._limit(self._plan)

    def issue(self, shop: str, scopes: Iterable[str] | None = None, plan: str | None = None) -> Token:
        """Return the token of a shop with these scopes (default: all); equal arguments give the same token.

        Raises:
            ValueError: If a scope or the plan is unknown.
        """
        granted = SCOPES if scopes is None else frozenset(scopes)
        if granted - SCOPES:
            raise ValueError(f"unknown scope {min(granted - SCOPES)!r}")
        if plan is not None and plan not in PLANS:
            raise ValueError(f"unknown plan {plan!r}")
        identity = f"{self._seed}/{shop}"
        if granted != SCOPES or plan is not None:
            identity += f"/{sorted(granted)}/{plan}"
        number = int.from_bytes(blake2b(identity.encode()).digest(), "big")
        text = "copt_test_" + "".join(_BASE62[number // 62**place % 62] for place in range(32))
        limit = self._limit(plan or self._plan)
        self._tokens[text] = Token(text, shop, plan or self._plan, limit, granted)
        return self._tokens[text]

    def find(self, authorization: str | None) -> Token | None:
        """Return the token of an `Authorization` header, or None."""
        kind, _, text = (authorization or "").partition(" ")
        return self._tokens.get(text.strip()) if kind.lower() == "bearer" else None

    def _limit(self, plan: str) -> int:
        return self._rate_limit if plan == "enterprise" else PLANS[plan]
