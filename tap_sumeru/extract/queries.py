"""What is asked for: the path and the parameters of a stream's lists."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from tap_sumeru.catalog.streams import PAGE_SIZE, STREAMS

if TYPE_CHECKING:
    from datetime import datetime

    from sumeru_api.client import Params
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.windows import Window

_LIMIT = ("limit", str(PAGE_SIZE))


class Query:
    """Makes the requests of one stream.

    Args:
        spec: The stream.
        options: How it is read.
        fields: Attributes to ask for; none means all.
    """

    def __init__(self, spec: StreamSpec, options: StreamOptions, fields: tuple[str, ...] = ()) -> None:
        self._spec = spec
        self._options = options
        self.fields = fields
        self._wanted_fields = fields

    def rows(self, window: Window | None = None, parent: str | None = None) -> tuple[str, Params]:
        """Return path and parameters of the rows of a window, or of all."""
        params = [_LIMIT, *((f"filter[{name}]", value) for name, value in self._options.filters)]
        if window is not None and self._options.date_filter is not None:
            (since, until), (first, last) = self._options.date_filter, window.asked
            params.append((since, first))
            if last is not None:
                params.append((until, last))
        if self._options.include:
            params.append(("include", ",".join(self._options.include)))
        if self.fields:
            params.append(("fields", ",".join(self.fields)))
        return self._spec.path.format(parent=quote(parent or "", safe="")), tuple(params)

    def parents(self) -> tuple[str, Params]:
        """Return path and parameters of the rows that must be walked to reach those of the stream."""
        return STREAMS[self._spec.parent].path, (_LIMIT,)

    def probe(self, window: Window, parent: str | None) -> tuple[str, Params]:
        """Return path and parameters of the rows of a window with all attributes, so with all dates."""
        path, params = self.rows(window, parent)
        return path, tuple((name, value) for name, value in params if name != "fields")

    def fingerprint(self, since: datetime | None, end: datetime | None) -> str:
        """Return what tells one unfiltered read from another: the place of one is none in the other."""
        options = self._options
        read = (self._spec.path, options.filters, options.include, options.replication_key)
        return _fingerprint((read, self._wanted_fields, since, end))


@lru_cache
def _fingerprint(query: tuple[object, ...]) -> str:
    """Return a digest; it is asked for with each page."""
    return hashlib.sha256(repr(query).encode()).hexdigest()[:16]
