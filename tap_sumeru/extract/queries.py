"""Path and parameters of the lists of a stream."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.catalog.streams import PAGE_SIZE, STREAMS
from tap_sumeru.extract.slices import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sumeru_api.client import Params
    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.extract.windows import Window

_LIMIT = ("limit", str(PAGE_SIZE))


class Query:
    """Builds the requests of one stream.

    Args:
        spec: The stream.
        options: How it is read.
        fields: Attributes to request; empty for all.
    """

    def __init__(self, spec: StreamSpec, options: StreamOptions, fields: tuple[str, ...] = ()) -> None:
        self._spec = spec
        self._options = options
        self.fields = fields
        self._requested_fields = fields

    def of(self, slice_: Slice) -> tuple[str, Params]:
        """Return path and parameters of the first page of a slice."""
        if slice_.kind is Kind.PARENTS:
            return STREAMS[self._spec.parent].path, (_LIMIT,)
        # A probe needs all dates of a row, so it requests all attributes.
        fields = self.fields if slice_.kind is Kind.ROWS else ()
        path = self._spec.path.format(parent=quote(slice_.parent or "", safe=""))
        return path, tuple(self._params(slice_.window, fields))

    def _params(self, window: Window | None, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        yield _LIMIT
        yield from ((f"filter[{name}]", value) for name, value in self._options.filters)
        if window is not None and self._options.date_filter is not None:
            (since, until), (first, last) = self._options.date_filter, window.requested_days
            yield since, first
            yield until, last
        if self._options.include:
            yield "include", ",".join(self._options.include)
        if fields:
            yield "fields", ",".join(fields)

    def fingerprint(self, since: datetime | None, end: datetime | None) -> str:
        """Return what tells one unfiltered read from another: a cursor of one is not valid in the other."""
        options = self._options
        read = (self._spec.path, options.filters, options.include, options.replication_key)
        return _fingerprint((read, self._requested_fields, since, end))


@lru_cache
def _fingerprint(query: tuple[object, ...]) -> str:
    """Return a digest; it is needed with every page."""
    return hashlib.sha256(repr(query).encode()).hexdigest()[:16]


def fields_to_request(
    spec: StreamSpec, selection: StreamSelection, key: str, include: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the attributes to request: empty, which means all, if none is deselected.

    Attributes that the schema does not know, links and related resources cannot be named, so all is requested
    as long as a column is selected that may hold them. Every date is requested, selected or not, since the
    dates verify the date filter.
    """
    properties = selection.properties
    attributes = {name for name in properties if name not in OWN_COLUMNS}
    attributes -= {spec.parent_column, *spec.include}
    selected = set(selection.columns)
    if include or attributes <= selected or selected & {"extra", "relationships", *spec.include}:
        return ()
    dates = {name for name in attributes if properties[name].get("format") in ("date", "date-time")}
    return ("id", *sorted((selected & attributes) | dates | {key, *spec.natural_key}))
