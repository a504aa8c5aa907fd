"""A local server of the documented Sumeru v1 admin API, with made-up shops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sumeru_sandbox.server import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """Import the server only when somebody wants one."""
    if name == "Sandbox":
        from sumeru_sandbox.server import Sandbox  # noqa: PLC0415

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
