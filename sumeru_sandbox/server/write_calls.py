"""Answers writes: once for each key, and as the switches say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sumeru_sandbox.server import writes
from sumeru_sandbox.server.idempotency import IdempotencyStore
from sumeru_sandbox.server.query import Query
from sumeru_sandbox.server.rendering import Renderer
from sumeru_sandbox.server.write_log import WriteLog, WrittenRow
from sumeru_sandbox.spec.messages import ApiError, Request, Response, invalid_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.faults.switches import Switches
    from sumeru_sandbox.server.accounts import Token
    from sumeru_sandbox.server.routes import Call
    from sumeru_sandbox.server.shop import Shop

_CREATED, _OK = 201, 200


class WriteCalls:
    """Applies the writes of all shops.

    Args:
        now: Returns the time of the sandbox's clock, in Unix seconds.
        error_response: Returns the response that stands for an error.

    Attributes:
        log: The writes that were applied.
    """

    def __init__(self, now: Callable[[], float], error_response: Callable[[ApiError], Response]) -> None:
        self._now = now
        self._error_response = error_response
        self._idempotency = IdempotencyStore(now)
        self.log = WriteLog()

    def reset(self) -> None:
        """Discard the stored responses and the log."""
        self._idempotency.reset()
        self.log.reset()

    def begin(self, request: Request, token: Token, switches: Switches) -> float:
        """Return the seconds for which a write is in progress before it is applied."""
        if not switches.write_ms or switches.keys == "ignored":
            return switches.write_ms / 1000
        return switches.write_ms / 1000 if self._idempotency.begin(token.text, request) else 0

    def end(self, request: Request, token: Token) -> None:
        """Record that a write which has begun is no longer in progress."""
        self._idempotency.end(token.text, request)

    def respond(self, request: Request, call: Call, token: Token, shop: Shop, switches: Switches) -> Response:
        """Apply a write and return its response, or the stored response to a repeated one.

        Raises:
            ApiError: If the key cannot be used.
        """

        def write() -> Response:
            try:
                return self._write(request, call, shop, switches)
            except ApiError as error:
                return self._error_response(error.echoing() if switches.error_values == "echoed" else error)

        if switches.keys == "ignored":
            return write()
        keep_refusals = switches.refusals == "kept"
        return self._idempotency.respond_once(token.text, request, write, keep_refusals=keep_refusals)

    def _write(self, request: Request, call: Call, shop: Shop, switches: Switches) -> Response:
        operation, store, row_id = call.operation, shop.store, call.row_id or ""
        if request.query:
            name = parse_qsl(request.query, keep_blank_values=True)[0][0]
            raise invalid_field(name, "a write takes no parameters")
        refused: list[writes.RefusedItem] = []
        match operation.kind:
            case "create":
                written = writes.create(store, operation.stream, request.body, switches.create_body)
            case "launch":
                written = writes.launch(store, row_id, approval=switches.launch == "approval")
            case "bulk":
                items = writes.bulk_items(request.body, switches.max_items)
                written, refused = writes.bulk(
                    store, operation.stream, items, partial=switches.bulk == "partial"
                )
            case _:
                written = writes.update(store, operation.stream, row_id, request.body)
        at = self._now()
        rows = [WrittenRow(operation.stream, operation.kind, name, at) for name in written]
        self.log.record(store.generated.shop, rows)
        found = [row for name in written if (row := store.find(operation.stream, name))]
        renderer = Renderer(store, shop.listing, Query(operation.stream), switches)
        if operation.kind == "bulk":
            body = renderer.many(found, [_item_error(item, switches) for item in refused])
        else:
            body = renderer.single(*found[0])
        status = _CREATED if operation.kind == "create" else _OK
        return Response(status, {"Content-Type": "application/json"}, body)


def _item_error(item: writes.RefusedItem, switches: Switches) -> dict[str, Any]:
    """Return the error of one item of a bulk write that was applied in part."""
    error = item.error.echoing() if switches.error_values == "echoed" else item.error
    return {
        "index": item.place,
        "code": error.code,
        "message": str(error),
        "details": error.details,
    }
