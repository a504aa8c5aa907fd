"""Spoilt answers: which request gets one, and what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_sandbox.spec.messages import Answer, Problem, Request
from sumeru_sandbox.world.clock import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.faults.switches import Fault, Switches

_ELSEWHERE = "https://elsewhere.invalid/api/v1"


def _due(fault: Fault, number: int) -> bool:
    """Whether the `number`-th request, counted from 1, is hit."""
    turn, rest = divmod(number - fault.after, fault.every)
    return turn >= 1 and rest == 0 and (fault.times is None or turn <= fault.times)


def _given(fault: Fault, usual: float) -> float:
    return usual if fault.seconds is None else fault.seconds


class Faults:
    """Counts requests, and spoils the answers that the settings say."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count from the start again."""
        self._requests: dict[tuple[str, str], int] = {}
        self._uses: dict[tuple[str, str], int] = {}
        self._expired: set[tuple[str, str, str]] = set()

    def pick(self, shop: str, stream: str, switches: Switches) -> Fault | None:
        """The fault that this request meets."""
        number = self._requests[shop, stream] = self._requests.get((shop, stream), 0) + 1
        return next((fault for fault in switches.faults if _due(fault, number)), None)

    def use_cursor(self, shop: str, stream: str, cursor: str, every: int) -> None:
        """Let each `every`-th use of a cursor find it expired, but each cursor only once.

        Raises:
            Problem: If this is such a use.
        """
        number = self._uses[shop, stream] = self._uses.get((shop, stream), 0) + 1
        if number % every == 0 and (shop, stream, cursor) not in self._expired:
            self._expired.add((shop, stream, cursor))
            raise Problem(422, "cursor expired", field="cursor")


def spoilt(fault: Fault, request: Request, honest: Callable[[], Answer]) -> Answer:
    """What is answered under a fault.

    Raises:
        Problem: If the answer is an error in the documented envelope.
    """
    match fault.kind:
        case "status":
            wait = {} if fault.retry_after is None else {"retry_after": fault.retry_after}
            raise Problem(fault.status, f"made to fail with {fault.status}", fault.code, **wait)
        case "html":
            return Answer(200, {"Content-Type": "text/html"}, b"<html><body>Down for a moment</body></html>")
        case "rubbish":
            return Answer(200, {"Content-Type": "application/json"}, b'{"data": [{"id": ')
        case "redirect":
            return Answer(302, {"Location": f"{_ELSEWHERE}{request.path}"}, b"")
        case "reset" | "hang":
            return Answer(200, {}, b"", fault=fault.kind, seconds=_given(fault, HOUR))
        case "truncate" | "slow":
            return honest()._replace(fault=fault.kind, seconds=_given(fault, 1))
