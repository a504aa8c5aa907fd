"""Generates docs/streams.md: every stream with its columns, and a diagram of how the streams are related."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS, StreamSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = """\
# Streams and columns

`make docs` generates this page from [`schemas/`](../schemas) and the table of streams.

- **Provenance** says where a column comes from. `documented`: the vendor's documentation names it. `assumed`:
  such a resource usually has it, but no public page says so. An assumed column that the API does not send is
  null.
- **Personal** marks columns that hold personal data; [privacy.md](privacy.md) hashes or drops them.
- **Writable** marks columns that `target-sumeru` can send. `documented`: the vendor's documentation shows
  such a write. `assumed`: it names the request only.
- Every column can be null except the key columns. `string (date-time)` is a UTC timestamp such as
  `2026-05-10T14:23:00Z`.
- `name.member` is a member of an object, and `name[].member` one of each object in an array. They are parts
  of a column, not columns of their own.
- A field that is not on this page is kept in `extra`; [The first hour](../README.md#the-first-hour) shows how
  to make it a column.

## How the streams are related

A line carries the name of the column that holds the id of the other row. Every join also needs `shop`.
"""

_COLUMNS = [
    "| column | type | meaning | provenance | personal | writable |",
    "| --- | --- | --- | --- | --- | --- |",
]


def streams_page() -> str:
    """Return the page."""
    return "\n".join([_HEADER, _diagram(), *map(_section, STREAMS.values())])


def _diagram() -> str:
    lines = ["```mermaid", "erDiagram"]
    for name, spec in STREAMS.items():
        for column, stream in _references(spec):
            one = "||" if column in spec.primary_key else "|o"
            lines.append(f"    {stream} {one}--o{{ {name} : {column}")
    for name, spec in STREAMS.items():
        lines += [f"    {name} {{", *_main_columns(spec), "    }"]
    return "\n".join([*lines, "```\n"])


def _main_columns(spec: StreamSpec) -> Iterator[str]:
    """Yield the keys and the replication key of a stream, for the diagram."""
    properties = stream_schemas.load(spec.name)["properties"]
    foreign = dict(_references(spec))
    for column in dict.fromkeys([*spec.primary_key, *foreign, spec.replication_key]):
        roles = ["PK"] if column in spec.primary_key else []
        roles += ["FK"] if column in foreign else []
        kind = properties[column].get("format", "string")
        yield f"        {kind} {column} {', '.join(roles)}".rstrip()


def _references(spec: StreamSpec) -> Iterator[tuple[str, str]]:
    """Yield the columns that hold the id of a row of another stream, and the name of that stream."""
    for column in stream_schemas.load(spec.name)["properties"]:
        if column.startswith("shopify_"):
            continue  # an id of Shopify
        for name, other in STREAMS.items():
            if column == f"{other.resource}_id" or column.endswith(f"_{other.resource}_id"):
                yield column, name


def _section(spec: StreamSpec) -> str:
    schema = stream_schemas.load(spec.name)
    path = spec.path.format(parent="{id}")
    facts = [
        f"`GET /api/v1/{path}`",
        f"scope `{spec.scope}`" if spec.scope else "any token",
        f"key `{', '.join(spec.primary_key)}`",
        f"replication key `{spec.replication_key}`",
    ]
    if spec.natural_key:
        facts.append(f"a row without an id gets one made from `{', '.join(spec.natural_key)}`")
    if spec.include:
        facts.append(f"requested with `include={','.join(spec.include)}`")
    if spec.detail:
        facts.append("has a detail endpoint (`details`)")
    lines = [f"## {spec.name}", "", schema["description"], "", "; ".join(facts) + ".", "", *_COLUMNS]
    for name, column in schema["properties"].items():
        lines += _rows(name, column)
    return "\n".join([*lines, ""])


def _rows(
    name: str, column: dict[str, Any], provenance: str = "", *, personal: bool = False
) -> Iterator[str]:
    provenance = column.get("x-provenance", provenance)
    personal = personal or bool(column.get("x-pii"))
    meaning = column.get("description", "")
    marks = f"{'yes' if personal else ''} | {column.get('x-writable', '')}"
    yield f"| `{name}` | {_type(column)} | {meaning} | {provenance} | {marks} |"
    nested = {f"{name}.{member}": one for member, one in column.get("properties", {}).items()}
    items = column.get("items", {}).get("properties", {})
    nested |= {f"{name}[].{member}": one for member, one in items.items()}
    for member, one in nested.items():
        yield from _rows(member, one, provenance, personal=personal)


def _type(column: dict[str, Any]) -> str:
    kind = next((one for one in _kinds(column) if one != "null"), "any")
    if "format" in column:
        return f"{kind} ({column['format']})"
    if kind == "array" and (items := column.get("items")):
        return f"array of {_type(items)}"
    return kind


def _kinds(column: dict[str, Any]) -> list[str]:
    kinds = column.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)
