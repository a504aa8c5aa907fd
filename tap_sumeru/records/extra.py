"""The column `extra`: what a row holds beside its columns, without the values of protected columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS

if TYPE_CHECKING:
    from sumeru_api.responses import Row

_ENVELOPE = OWN_COLUMNS | {"type", "attributes"}
"""Members of a resource that are not named like columns, although a column may have such a name."""


def keep(extra: Row, name: str, value: object, protected: frozenset[str]) -> None:
    """Put a value into `extra`, unless its column is protected.

    A name that is taken gets an underscore before it, so that no value replaces another.

    Args:
        extra: The values that are kept so far.
        name: Name of the value in the row.
        value: The value, decoded.
        protected: Columns whose original values must not reach the target.
    """
    if name in protected:
        return
    free = name
    while free in extra:
        free = f"_{free}"
    extra[free] = without(value, protected)


def without(value: object, protected: frozenset[str]) -> object:
    """Return a value without the members, at any depth, that are named like a protected column.

    An object that the schema does not know, such as a customer in an order, may repeat a value of the row.
    """
    hidden = protected - _ENVELOPE
    if not hidden:
        return value
    whole = [value]
    pending: list[Any] = [whole]  # no recursion: the value may be nested as deeply as the decoder allows
    while pending:
        holder = pending.pop()
        for place, inner in enumerate(holder) if isinstance(holder, list) else holder.items():
            if isinstance(inner, dict):
                holder[place] = {name: one for name, one in inner.items() if name not in hidden}
            elif isinstance(inner, list):
                holder[place] = [*inner]
            else:
                continue
            pending.append(holder[place])
    return whole[0]
