"""Responses stored by `Idempotency-Key` for a day, so that a repeated write happens once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sumeru_sandbox.spec.messages import ApiError, invalid_field
from sumeru_sandbox.world.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.spec.messages import Request, Response

_MAX_KEY_LENGTH = 255


class _StoredResponse(NamedTuple):
    fingerprint: tuple[str, str, bytes]
    response: Response
    until: float


class IdempotencyStore:
    """Stores the responses to the writes of each token."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._stored: dict[tuple[str, str], _StoredResponse] = {}

    def reset(self) -> None:
        """Discard all stored responses."""
        self._stored.clear()

    def respond_once(self, token: str, request: Request, respond: Callable[[], Response]) -> Response:
        """Return the stored response to a repeated write, or call `respond` and store its response.

        Raises:
            ApiError: If the key is invalid or was used with a different request.
        """
        key = request.headers.get("idempotency-key")
        if key is None:
            return respond()
        if not 1 <= len(key) <= _MAX_KEY_LENGTH:
            message = f"Idempotency-Key must have 1 to {_MAX_KEY_LENGTH} characters"
            raise invalid_field("Idempotency-Key", message)
        fingerprint = (request.method, request.path, request.body)
        stored = self._stored.get((token, key))
        if stored is None or self._now() >= stored.until:
            stored = self._stored[token, key] = _StoredResponse(fingerprint, respond(), self._now() + DAY)
        elif stored.fingerprint != fingerprint:
            raise ApiError(409, "this Idempotency-Key was used with a different request")
        return stored.response._replace(headers=dict(stored.response.headers))
