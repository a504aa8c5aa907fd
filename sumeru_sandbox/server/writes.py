"""What the writes do to a shop, once their bodies have been checked."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_sandbox.spec.endpoints import REQUIRED, TYPES
from sumeru_sandbox.spec.fields import FIELDS, WRITABLE, Schema
from sumeru_sandbox.spec.messages import Problem, invalid
from sumeru_sandbox.world.clock import parse_moment, stamp

if TYPE_CHECKING:
    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]

MOST_ITEMS = 100
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_WHOLE = 2**63
_CENT = Decimal("0.01")
_LARGE = 10**12
_DEFAULTS: dict[str, Row] = {
    "campaigns": {"status": "draft", "channels": ["email"], "sent": 0, "skipped": 0},
    "journeys": {
        "status": "draft",
        "kind": "custom",
        "steps": [],
        "active_enrollments": 0,
        "total_enrollments": 0,
    },
    "products": {"status": "draft", "tags": [], "options": [], "variants": []},
}


def decoded(body: bytes) -> Row:
    """The object that a body holds."""
    try:
        value = _decode(body)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "the body is not JSON") from error
    if not isinstance(value, dict):
        raise Problem(422, "the body must be an object")
    return value


def cost(body: bytes) -> int:
    """How many items a bulk request has, so far as it can be told."""
    try:
        items = decoded(body).get("data")
    except Problem:
        return 1
    return min(max(1, len(items)), MOST_ITEMS) if isinstance(items, list) else 1


def create(store: Store, stream: str, body: bytes) -> list[str]:
    """Make a row; its attributes may be wrapped or not."""
    value = decoded(body)
    attributes = _unwrapped(value) if "data" in value else value
    for name in REQUIRED[stream]:
        if attributes.get(name) is None:
            raise invalid(name, f"{name} required for {TYPES[stream][0]} creation")
    _check(stream, attributes)
    currency = {"currency": store.world.currency} if "currency" in FIELDS[stream] else {}
    return [store.put(stream, None, currency | _DEFAULTS[stream] | _exact(stream, attributes))]


def update(store: Store, stream: str, ident: str, body: bytes) -> list[str]:
    """Change a row."""
    if store.find(stream, ident) is None:
        raise Problem(404, f"there is no {ident}")
    attributes = _unwrapped(decoded(body))
    _check(stream, attributes)
    return [store.put(stream, ident, _exact(stream, attributes))]


def launch(store: Store, ident: str) -> list[str]:
    """Launch a campaign."""
    found = store.find("campaigns", ident)
    if found is None:
        raise Problem(404, f"there is no {ident}")
    if found[1]["launched_at"] is not None:
        raise invalid("status", f"{ident} has been launched already")
    return [
        store.put("campaigns", ident, {"status": "sending", "launched_at": stamp(int(store.clock.time()))})
    ]


def bulk(store: Store, stream: str, body: bytes) -> list[str]:
    """Change several rows, all or none."""
    value = decoded(body)
    items = value.get("data")
    if set(value) != {"data"} or not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise invalid("data", f"data must be a list of 1 to {MOST_ITEMS} items, and alone")
    for item in items:
        if not isinstance(item, dict) or set(item) != {"id", "attributes"}:
            raise invalid("data", "each item must have an id and attributes, and nothing else")
        if not isinstance(item["id"], str) or store.find(stream, item["id"]) is None:
            raise invalid("id", f"there is no {item['id']}")
        if not isinstance(item["attributes"], dict):
            raise invalid("attributes", "attributes must be an object")
        _check(stream, item["attributes"])
    return [store.put(stream, item["id"], _exact(stream, item["attributes"])) for item in items]


def _unwrapped(value: Row) -> Row:
    data = value.get("data")
    if set(value) != {"data"} or not isinstance(data, dict):
        raise invalid("data", "data must be an object, and alone")
    attributes = data.get("attributes")
    if set(data) != {"attributes"} or not isinstance(attributes, dict):
        raise invalid("attributes", "attributes must be an object, and alone")
    return attributes


def _check(stream: str, attributes: Row) -> None:
    """Refuse what cannot be written."""
    if not attributes:
        raise invalid("attributes", "at least one attribute is needed")
    for name, value in attributes.items():
        if name not in WRITABLE[stream]:
            raise invalid(name, f"{name} cannot be written")
        if name in REQUIRED.get(stream, ()) and not (isinstance(value, str) and value):
            raise invalid(name, f"{name} must be text, and not empty")
        if not _fits(value, FIELDS[stream][name].schema):
            raise invalid(name, f"{name} has a value of the wrong type")


def _exact(stream: str, attributes: Row) -> Row:
    """Numbers as the API gives them: whole, or with two decimals unless they have more."""
    kinds = {name: FIELDS[stream][name].schema["type"][0] for name in attributes}
    numbers = {name: value for name, value in attributes.items() if isinstance(value, (int, Decimal))}
    whole = {name: int(value) for name, value in numbers.items() if kinds[name] == "integer"}
    amounts = {name: _amount(Decimal(value)) for name, value in numbers.items() if kinds[name] == "number"}
    return attributes | whole | amounts


def _amount(value: Decimal) -> Decimal:
    return value.quantize(_CENT) if abs(value) < _LARGE and value == round(value, 2) else value


def _fits(value: object, schema: Schema) -> bool:
    """Whether a value is of a type of the table."""
    kind = schema["type"][0]
    if value is None or kind == "boolean":
        return value is None or isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list) and all(_fits(item, schema["items"]) for item in value)
    if kind == "string":
        moment = schema.get("format") == "date-time"
        return isinstance(value, str) and not (
            moment and (not _INSTANT.fullmatch(value) or parse_moment(value) is None)
        )
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    # A number without a fraction is whole, however it is written.
    return kind == "number" or (-_WHOLE <= value < _WHOLE and value == int(value))
