"""Lists of an API without a network, for tests of the engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from support.fake_session import FakeSession, response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.session import RawResponse
    from support.fake_session import Outcome, SentRequest


class Api:
    """Lists of five pages with two rows each, unless a test sets another outcome."""

    def __init__(self) -> None:
        self.session = FakeSession(self.outcome)
        self.outcomes: dict[str, Outcome] = {}

    def outcome(self, request: SentRequest) -> Outcome:
        path = request.url.partition("/api/v1/")[2]
        token = request.authorization.removeprefix("Bearer ")
        for name in (path, token):
            if name in self.outcomes:
                return self.outcomes[name]
        page = int(dict(request.params).get("cursor", "1"))
        rows = [_row(path, page, number) for number in range(2)]
        pagination = {"has_next": page < 5, "next_cursor": str(page + 1) if page < 5 else None}
        return response(200, {"data": rows, "pagination": pagination})


def _row(path: str, page: int, number: int) -> dict[str, Any]:
    return {"id": f"{path}-{page}-{number}", "attributes": {"updated_at": "2026-05-01T00:00:00Z"}}


class Cancelling(FakeSession):
    """Requests for orders end as if they had been cancelled."""

    @override
    async def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> RawResponse:
        if url.endswith("/orders"):
            raise asyncio.CancelledError
        return await super().get(url, params, authorization)
