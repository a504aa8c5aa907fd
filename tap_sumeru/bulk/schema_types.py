"""Maps a column's JSON schema to a type of SQL, with the precedence of singer-sdk targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_sumeru.bulk.messages import Schema


def sql_type(
    schema: Schema,
    of_type: Callable[[str, Schema], str | None],
    of_several: Callable[[Sequence[str]], str],
) -> str | None:
    """Return the type of a column: that of its own `type`, else that of the first alternative that has one.

    Args:
        schema: The column's schema.
        of_type: Returns the type for one JSON type and the schema with its format.
        of_several: Returns the type for several JSON types.
    """
    alternatives = [schema, *(one for one in schema.get("anyOf", ()) if one.get("type") != "null")]
    for alternative in alternatives:
        declared = alternative.get("type") or ()
        names = [declared] if isinstance(declared, str) else [one for one in declared if one != "null"]
        if len(names) > 1:
            return of_several(names)
        found = of_type(names[0], alternative) if names else None
        if found:
            return found
    return None
