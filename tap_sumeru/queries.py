"""What is asked for: the path and the parameters of a stream's lists."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from tap_sumeru.streams import PAGE_SIZE, STREAMS

if TYPE_CHECKING:
    from tap_sumeru.client import Params
    from tap_sumeru.settings import StreamOptions
    from tap_sumeru.streams import StreamSpec
    from tap_sumeru.windows import Window

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

    def rows(self, window: Window | None = None, parent: str | None = None) -> tuple[str, Params]:
        """Return path and parameters of the rows of a window, or of all."""
        params = [_LIMIT, *((f"filter[{name}]", value) for name, value in self._options.filters)]
        if window is not None and self._options.date_filter is not None:
            bounds = zip(self._options.date_filter, window.asked, strict=True)
            params += [(name, day) for name, day in bounds if day is not None]
        if self._options.include:
            params.append(("include", ",".join(self._options.include)))
        if self.fields:
            params.append(("fields", ",".join(self.fields)))
        return self._spec.path.format(parent=quote(parent or "", safe="")), tuple(params)

    def parents(self) -> tuple[str, Params]:
        """Return path and parameters of the rows that must be walked to reach those of the stream."""
        return STREAMS[self._spec.parent].path, (_LIMIT,)

    def fingerprint(self) -> str:
        """Return what tells this query from another one: a cursor of one is none of the other."""
        query = repr((self._spec.path, self.rows()[1], self._options.replication_key))
        return hashlib.sha256(query.encode()).hexdigest()[:16]
