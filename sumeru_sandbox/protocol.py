"""Uvicorn's HTTP protocol, with the connection at hand so that an answer can be cut off."""

from __future__ import annotations

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """As uvicorn's own; each request's scope holds the transport."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sumeru.transport": {"transport": self.transport}}
