"""Answers kept by `Idempotency-Key`, for a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sumeru_sandbox.spec.messages import Problem, invalid
from sumeru_sandbox.world.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.spec.messages import Answer, Request

_LONGEST = 255


class _Kept(NamedTuple):
    asked: tuple[str, str, bytes]
    answer: Answer
    until: float


class Idempotency:
    """The answers to the writes of each token."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], _Kept] = {}

    def reset(self) -> None:
        """Forget all answers."""
        self._kept.clear()

    def once(self, token: str, request: Request, answer: Callable[[], Answer]) -> Answer:
        """The answer to a write: the first one, if it came before.

        Raises:
            Problem: If the key is no key, or came with another request before.
        """
        key = request.headers.get("idempotency-key")
        if key is None:
            return answer()
        if not 1 <= len(key) <= _LONGEST:
            raise invalid("Idempotency-Key", f"Idempotency-Key must have 1 to {_LONGEST} characters")
        asked = (request.method, request.path, request.body)
        kept = self._kept.get((token, key))
        if kept is None or self._now() >= kept.until:
            kept = self._kept[token, key] = _Kept(asked, answer(), self._now() + DAY)
        elif kept.asked != asked:
            raise Problem(409, "this Idempotency-Key came with another request before")
        return kept.answer._replace(headers=dict(kept.answer.headers))
