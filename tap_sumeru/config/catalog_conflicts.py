"""Checks that a catalog does not contradict itself, so that no part of it is silently ignored."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog.streams import STREAMS, StreamSpec
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

logger = logging.getLogger("tap-sumeru")

_PROPERTIES = "properties"
_SAME: dict[str, tuple[str, Callable[[StreamSpec], Any]]] = {
    "replication-key": ("replication_key", lambda spec: spec.replication_key),
    "table-key-properties": ("key_properties", lambda spec: list(spec.primary_key)),
}
"""By key of a stream's metadata: the key of its entry that counts instead, and the value at discovery."""


def check_conflicts(catalog: Mapping[str, Any]) -> None:
    """Check a catalog, whose form is valid, for parts that would not count.

    Raises:
        SettingsError: A stream occurs twice, a breadcrumb leads to no column, or a key stands where it has no
            effect.
    """
    entries: dict[str, Any] = {}
    for entry in catalog["streams"]:
        where = f"catalog: {mask_name(entry['tap_stream_id'])}"
        if entries.setdefault(entry["tap_stream_id"], entry) != entry:
            raise SettingsError(f"{where}: two entries have this tap_stream_id. Remove one.")
        if entry["tap_stream_id"] in STREAMS:
            _check_entry(where, entry, STREAMS[entry["tap_stream_id"]])


def _check_entry(where: str, entry: Mapping[str, Any], spec: StreamSpec) -> None:
    metadata = _by_breadcrumb(where, entry)
    stream = metadata.get((), {})
    _check_selected(where, entry, stream)
    for breadcrumb, schema in _schemas(entry.get("schema", {})):
        column = ".".join(mask_name(name) for name in breadcrumb[1::2])
        _check_selected(f"{where}.{column}" if column else where, schema, metadata.get(breadcrumb, {}))
    for key, (counts, discovered) in _SAME.items():
        if stream.get(key) not in (None, entry.get(counts), discovered(spec)):
            raise SettingsError(f"{where}: {key}: has no effect here. Set `{counts}` of the stream instead.")


def _schemas(schema: object) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield the schemas of a stream, of its columns and of their members, each with its breadcrumb."""
    pending: list[tuple[tuple[str, ...], object]] = [((), schema)]
    while pending:
        breadcrumb, inner = pending.pop()
        if not isinstance(inner, dict):
            continue
        yield breadcrumb, inner
        members = inner.get(_PROPERTIES)
        if isinstance(members, dict):
            pending += [((*breadcrumb, _PROPERTIES, name), member) for name, member in members.items()]


def _by_breadcrumb(where: str, entry: Mapping[str, Any]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Return the metadata of an entry by breadcrumb; that of the stream is empty."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for item in entry.get("metadata", ()):
        breadcrumb = tuple(item["breadcrumb"])
        if breadcrumb and (len(breadcrumb) == 1 or breadcrumb[0] != _PROPERTIES):
            shown = mask_name(breadcrumb[-1])
            raise SettingsError(
                f'{where}: the breadcrumb of {shown} must be ["properties", COLUMN], or [] for the stream.'
            )
        if found.get(breadcrumb, item["metadata"]) != item["metadata"]:
            shown = mask_name(breadcrumb[-1]) if breadcrumb else "the stream"
            message = f"{where}: two entries of metadata have the breadcrumb of {shown}; the last one counts."
            logger.warning(message)
        found[breadcrumb] = item["metadata"]
    return found


def _check_selected(where: str, holder: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Reject a `selected` outside of the metadata, unless the metadata says the same, as with Meltano."""
    given, effective = holder.get("selected"), metadata.get("selected")
    if given is not None and given is not (effective is not False):
        raise SettingsError(f"{where}.selected: has no effect here. Set `selected` in the metadata instead.")
