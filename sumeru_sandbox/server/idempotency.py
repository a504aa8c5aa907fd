"""Responses stored by `Idempotency-Key` for a day, so that a repeated write happens once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sumeru_sandbox.spec.messages import ApiError, invalid_field
from sumeru_sandbox.world.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.spec.messages import Request, Response

_MAX_KEY_LENGTH = 255
_CLIENT_ERROR = 400


class _StoredResponse(NamedTuple):
    fingerprint: tuple[str, str, bytes]
    response: Response
    until: float


class IdempotencyStore:
    """Stores the responses to the writes of each token, and which of them are in progress."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.reset()

    def reset(self) -> None:
        """Discard all stored responses."""
        self._stored: dict[tuple[str, str], _StoredResponse] = {}
        self._in_progress: set[tuple[str, str] | None] = set()

    def begin(self, token: str, request: Request) -> bool:
        """Mark the key of a write as in progress; return False if it is in use."""
        key = _key(token, request)
        if key is not None and (key in self._in_progress or key in self._stored):
            return False
        if key is not None:
            self._in_progress.add(key)
        return True

    def end(self, token: str, request: Request) -> None:
        """Mark the key of a write as no longer in progress."""
        self._in_progress.discard(_key(token, request))

    def respond_once(
        self, token: str, request: Request, respond: Callable[[], Response], *, keep_refusals: bool = True
    ) -> Response:
        """Return the stored response to a repeated write, or call `respond` and store its response.

        Raises:
            ApiError: If the key is invalid, in progress, or was used with a different request.
        """
        key = _key(token, request)
        if key is None:
            return respond()
        if not 1 <= len(key[1]) <= _MAX_KEY_LENGTH:
            message = f"Idempotency-Key must have 1 to {_MAX_KEY_LENGTH} characters"
            raise invalid_field("Idempotency-Key", message)
        if key in self._in_progress and not request.begun:
            raise ApiError(409, "the first request with this Idempotency-Key is still in progress")
        fingerprint = (request.method, request.path, request.body)
        stored = self._stored.get(key)
        if stored is None or self._now() >= stored.until:
            stored = _StoredResponse(fingerprint, respond(), self._now() + DAY)
            if keep_refusals or stored.response.status < _CLIENT_ERROR:
                self._stored[key] = stored
            else:
                self._stored.pop(key, None)
        elif stored.fingerprint != fingerprint:
            raise ApiError(409, "this Idempotency-Key was used with a different request")
        return stored.response._replace(headers=dict(stored.response.headers))


def _key(token: str, request: Request) -> tuple[str, str] | None:
    key = request.headers.get("idempotency-key")
    return None if key is None else (token, key)
