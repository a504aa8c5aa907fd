"""Open the listening socket and create the Uvicorn server."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from sumeru_sandbox.server.api import Api


def open_socket(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 picks any free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def create_server(api: Api) -> uvicorn.Server:
    """Create a Uvicorn server for the API that writes no log lines."""
    # Imported on demand: Starlette and Uvicorn belong to the extra `sandbox`, and slow down other imports.
    import uvicorn  # noqa: PLC0415 - see above

    from sumeru_sandbox.server.app import HttpProtocol, application  # noqa: PLC0415 - see above

    config = uvicorn.Config(
        application(api),
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=0,
    )
    return uvicorn.Server(config)
