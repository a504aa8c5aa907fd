"""Related resources of a row, flat: wherever the response has them, nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_sumeru.records.extra import keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sumeru_api.included import Included
    from sumeru_api.responses import Row

_EXTRA = "included"
"""Key in `extra` of the resources to which nothing links."""


def add_related(attributes: Row, row: Row, names: Sequence[str], sources: Sequence[Included]) -> None:
    """Put the resources to which a row links under their names, if the row does not hold them itself.

    Args:
        attributes: Attributes of the row, which receive them.
        row: The row.
        names: Related resources that are requested.
        sources: What the responses include.
    """
    if not names and not any(sources):
        return
    relationships = row.get("relationships")
    links = relationships if isinstance(relationships, dict) else {}
    for name in (*names, *(name for name in links if name not in names and any(sources))):
        if attributes.get(name) is not None:
            if name in names:
                attributes[name] = _flatten(attributes[name])
            continue
        related = _linked(links.get(name), sources)
        if related is not None and (related or name in names):
            attributes[name] = related


def _linked(relation: object, sources: Sequence[Included]) -> list[object] | None:
    """Return what a relation links to; None if it has no links, or nothing of it is in the response."""
    references = relation.get("data") if isinstance(relation, dict) else None
    if isinstance(references, dict):
        references = [references]
    if not isinstance(references, list):
        return None
    resources = [_resolve(reference, sources) for reference in references if isinstance(reference, dict)]
    found = [_flatten(one) for one in resources if one is not None]
    return found if found or not references else None


def _resolve(reference: Row, sources: Sequence[Included]) -> Row | None:
    found = [source.link(reference) for source in sources]
    if "attributes" in reference:
        return reference
    return next((one for one in found if one is not None), None)


def _flatten(resource: object) -> object:
    if isinstance(resource, list):
        return [_flatten(item) for item in resource]
    if isinstance(resource, dict) and isinstance(resource.get("attributes"), dict):
        beside = {name: value for name, value in resource.items() if name not in ("type", "attributes")}
        return {**beside, **resource["attributes"]}
    return resource


def keep_unlinked(record: Row, resources: list[object]) -> None:
    """Keep resources to which nothing links in the `extra` of a record, if the record has that column."""
    if resources and "extra" in record:
        extra = record["extra"] = record["extra"] or {}
        keep(extra, _EXTRA, resources, frozenset())


def owner_of(resource: object, ids: Sequence[str | None], timestamps: Sequence[datetime | None]) -> int:
    """Return the index of the row that a resource belongs to, to which no row links.

    That is the row whose id the resource holds. Otherwise it is the newest row of the page, which is the last
    that a read would leave out.

    Args:
        resource: The resource.
        ids: Id of each row.
        timestamps: Replication key of each row.
    """
    named = set(_scalars(resource))
    for index, one in enumerate(ids):
        if one is not None and one in named:
            return index
    newest = max((one for one in timestamps if one is not None), default=None)
    return next(index for index, one in enumerate(timestamps) if one is None or one == newest)


def _scalars(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, str | int):
        yield str(value)
