"""Faulty responses: which requests receive one, and what it contains."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from sumeru_sandbox.spec.messages import ApiError, Request, Response
from sumeru_sandbox.world.clock import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.faults.switches import ResponseFault, Switches

_CHANGED = ("truncate", "slow")
"""Faults that send the normal response, but not as a whole."""
_REDIRECT_TARGET = "https://elsewhere.invalid/api/v1"


def _is_due(fault: ResponseFault, number: int) -> bool:
    """Whether the fault applies to the `number`-th request, counted from 1."""
    turn, rest = divmod(number - fault.after, fault.every)
    return turn >= 1 and rest == 0 and (fault.times is None or turn <= fault.times)


def _seconds(fault: ResponseFault, usual: float) -> float:
    return usual if fault.seconds is None else fault.seconds


class FaultSchedule:
    """Counts requests and decides which of them meet a fault."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Set all counters back to zero."""
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._cursor_uses: dict[tuple[str, str], int] = {}
        self._expired: set[tuple[str, str, str]] = set()

    def next_fault(self, shop: str, stream: str, switches: Switches, method: str) -> ResponseFault | None:
        """Count a request, and return the fault that applies to it, if any."""
        kinds = ("all", "reads" if method == "GET" else "writes")
        self._requests.update((shop, stream, kind) for kind in kinds)
        numbers = {kind: self._requests[shop, stream, kind] for kind in kinds}
        due = (one for one in switches.faults if one.on in numbers and _is_due(one, numbers[one.on]))
        return next(due, None)

    def check_cursor(self, shop: str, stream: str, cursor: str, switches: Switches) -> None:
        """Let every `cursor_expires_every`-th use of a cursor fail as expired, but each cursor only once.

        Raises:
            ApiError: If the cursor has expired.
        """
        number = self._cursor_uses[shop, stream] = self._cursor_uses.get((shop, stream), 0) + 1
        every, times = switches.cursor_expires_every, switches.cursor_expires_times
        if every is None or number % every or (times is not None and len(self._expired) >= times):
            return
        if (shop, stream, cursor) not in self._expired:
            self._expired.add((shop, stream, cursor))
            raise ApiError(422, "cursor expired", field="cursor")


def faulty_response(
    fault: ResponseFault, request: Request, normal_response: Callable[[], Response]
) -> Response:
    """Return the response to a request that meets a fault.

    Raises:
        ApiError: If the fault is an error in the documented envelope.
    """
    normal = normal_response() if fault.applied or fault.kind in _CHANGED else None
    match fault.kind:
        case "status":
            wait = {} if fault.retry_after is None else {"retry_after": fault.retry_after}
            raise ApiError(fault.status, f"made to fail with {fault.status}", fault.code, **wait)
        case "html":
            return Response(
                200, {"Content-Type": "text/html"}, b"<html><body>Down for a moment</body></html>"
            )
        case "rubbish":
            return Response(200, {"Content-Type": "application/json"}, b'{"data": [{"id": ')
        case "failure":
            end = {"next_cursor": None, "has_next": False}
            body = msgspec.json.encode({"data": [], "pagination": end, **fault.body})
            return Response(200, {"Content-Type": "application/json"}, body)
        case "redirect":
            return Response(302, {"Location": f"{_REDIRECT_TARGET}{request.path}"}, b"")
        case "reset" | "hang":
            return Response(200, {}, b"", fault=fault.kind, seconds=_seconds(fault, HOUR))
        case "truncate" | "slow":
            assert normal is not None  # noqa: S101 - for the type checker
            return normal._replace(fault=fault.kind, seconds=_seconds(fault, 1))
