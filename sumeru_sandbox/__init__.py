"""A local server of the documented Sumeru v1 admin API, with generated shops.

The packages, from top to bottom; each imports only from those below it:

    server   the HTTP server: tokens, limits, reads, writes, control endpoints, command line
    faults   switches that make responses and rows differ from the documented ones
    world    the test data: generated shops, the changes made to them, and the clock
    spec     the API as data: its operations, fields, messages and OpenAPI document

`Sandbox` runs the server inside a Python process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sumeru_sandbox.server.embedded import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    """Import the server on first use, so that importing this package stays cheap."""
    if name == "Sandbox":
        from sumeru_sandbox.server.embedded import Sandbox  # noqa: PLC0415 - needs the extra

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
