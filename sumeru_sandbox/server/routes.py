"""Find the operation for a method and path."""

from __future__ import annotations

from typing import NamedTuple

from sumeru_sandbox.spec.endpoints import OPERATIONS, Operation
from sumeru_sandbox.spec.messages import ApiError

PREFIX = "/api/v1"
# Not in the vendor's catalog: the target of a customer's relationship link.
_LINKED = Operation("get", "/customers/{customer_id}/orders", "orders:read", "orders", "list")


class Call(NamedTuple):
    """An operation, and the id in its path, if any."""

    operation: Operation
    row_id: str | None

    @property
    def parent(self) -> str | None:
        """The stream of the parent row, for a list that belongs to one."""
        if self.row_id is None or self.operation.kind != "list":
            return None
        return "journeys" if self.operation.stream == "enrollments" else "customers"


_PATHS: dict[tuple[str | None, ...], dict[str, Operation]] = {}
for _operation in (*OPERATIONS, _LINKED):
    _shape = tuple(None if part.startswith("{") else part for part in _operation.path.split("/")[1:])
    _PATHS.setdefault(_shape, {})[_operation.method.upper()] = _operation


def find(method: str, path: str) -> Call:
    """Return the operation for a method and a path, which starts after `/api/v1`.

    Raises:
        ApiError: If the path does not exist or does not support the method.
    """
    parts = path.split("/")[1:]
    for place in (None, *range(len(parts) - 1, -1, -1)):
        shape = tuple(None if number == place else part for number, part in enumerate(parts))
        operations = _PATHS.get(shape)
        if operations is None:
            continue
        if method not in operations:
            allow = ", ".join(sorted(operations))
            raise ApiError(405, f"{method} is not allowed here", "method_not_allowed", allow=allow)
        return Call(operations[method], None if place is None else parts[place])
    raise ApiError(404, "no such endpoint")
