"""What the benchmarks take from the sandbox; only `pages`, which renders with it, imports more of it.

That import is separate because it is large: the kernel counts the memory of a process that starts a command
as peak memory of the command.
"""

from __future__ import annotations

from sumeru_sandbox.server.limits import BURST_FACTOR, BURST_WINDOW, WINDOW, Limiter
from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.world.shop_model import counts

__all__ = ["BURST_FACTOR", "BURST_WINDOW", "COMMAND", "TYPES", "WINDOW", "Limiter", "counts"]

COMMAND = "sumeru_sandbox"
"""The module that starts the sandbox as a server: `python -m`."""
