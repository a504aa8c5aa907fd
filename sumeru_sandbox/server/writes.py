"""Validate the bodies of writes, and apply them to a shop."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sumeru_sandbox.spec.endpoints import REQUIRED, TYPES
from sumeru_sandbox.spec.fields import FIELDS, WRITABLE, Schema
from sumeru_sandbox.spec.messages import ApiError, invalid_field
from sumeru_sandbox.world.clock import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]

MAX_ITEMS = 100
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_INT64_LIMIT = 2**63
_CENT = Decimal("0.01")
_LARGE_AMOUNT = 10**12
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


def decode_object(body: bytes) -> Row:
    """Decode a body that must be a JSON object."""
    try:
        value = _decode(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(422, "the body is not JSON") from error
    if not isinstance(value, dict):
        raise ApiError(422, "the body must be an object")
    return value


def cost(body: bytes) -> int:
    """Return how many requests a bulk write counts as: one per item, or 1 if the body is invalid."""
    try:
        items = decode_object(body).get("data")
    except ApiError:
        return 1
    return min(max(1, len(items)), MAX_ITEMS) if isinstance(items, list) else 1


class RefusedItem(NamedTuple):
    """An item of a bulk write that was refused, while others were applied."""

    place: int
    error: ApiError


def create(store: Store, stream: str, body: bytes, form: str = "either") -> list[str]:
    """Create a row from attributes that may be wrapped in `data.attributes`; return its id in a list.

    Args:
        store: The rows of the shop.
        stream: The stream.
        body: The body.
        form: `flat` or `wrapped` if only such a body is accepted, otherwise `either`.
    """
    value = decode_object(body)
    if form != "either" and ("data" in value) == (form == "flat"):
        raise invalid_field("data", f"the body must be {form}")
    attributes = _unwrap_attributes(value) if "data" in value else value
    for name in REQUIRED[stream]:
        if attributes.get(name) is None:
            raise invalid_field(name, f"{name} required for {TYPES[stream][0]} creation")
    _check(stream, attributes)
    currency = {"currency": store.generated.currency} if "currency" in FIELDS[stream] else {}
    return [store.put(stream, None, currency | _DEFAULTS[stream] | _normalize_numbers(stream, attributes))]


def update(store: Store, stream: str, row_id: str, body: bytes) -> list[str]:
    """Update a row; return its id in a list."""
    if store.find(stream, row_id) is None:
        raise ApiError(404, f"there is no {row_id}")
    attributes = _unwrap_attributes(decode_object(body))
    _check(stream, attributes)
    return [store.put(stream, row_id, _normalize_numbers(stream, attributes))]


def launch(store: Store, row_id: str, *, approval: bool = False) -> list[str]:
    """Launch a campaign, or ask for the approval of its launch; return its id in a list."""
    found = store.find("campaigns", row_id)
    if found is None:
        raise ApiError(404, f"there is no {row_id}")
    if found[1]["launched_at"] is not None:
        raise invalid_field("status", f"{row_id} has already been launched")
    if approval and found[1]["approval_status"] != "approved":
        if found[1]["approval_status"] == "pending":
            raise invalid_field("approval_status", f"{row_id} is waiting for approval")
        return [store.put("campaigns", row_id, {"status": "pending_approval", "approval_status": "pending"})]
    now = format_timestamp(int(store.clock.time()))
    return [store.put("campaigns", row_id, {"status": "sending", "launched_at": now})]


def bulk_items(body: bytes, max_items: int = MAX_ITEMS) -> list[Any]:
    """Return the items of a bulk write."""
    value = decode_object(body)
    items = value.get("data")
    if set(value) != {"data"} or not isinstance(items, list) or not 1 <= len(items) <= max_items:
        raise invalid_field("data", f"data must be a list of 1 to {max_items} items and the only member")
    return items


def bulk(
    store: Store, stream: str, items: list[Any], *, partial: bool = False
) -> tuple[list[str], list[RefusedItem]]:
    """Update several rows, all or none, or all that are valid; return their ids, and what was refused."""
    refused: list[RefusedItem] = []
    for index, item in enumerate(items):
        try:
            _check_item(store, stream, item)
        except ApiError as error:
            if not partial:
                raise
            refused.append(RefusedItem(index, error))
    skipped = {one.place for one in refused}
    valid = [item for index, item in enumerate(items) if index not in skipped]
    written = [store.put(stream, one["id"], _normalize_numbers(stream, one["attributes"])) for one in valid]
    return written, refused


def _check_item(store: Store, stream: str, item: object) -> None:
    if not isinstance(item, dict) or set(item) != {"id", "attributes"}:
        raise invalid_field("data", "each item must have an id and attributes, and nothing else")
    if not isinstance(item["id"], str) or store.find(stream, item["id"]) is None:
        raise invalid_field("id", f"there is no {item['id']}", item["id"])
    if not isinstance(item["attributes"], dict):
        raise invalid_field("attributes", "attributes must be an object")
    _check(stream, item["attributes"])


def _unwrap_attributes(value: Row) -> Row:
    data = value.get("data")
    if set(value) != {"data"} or not isinstance(data, dict):
        raise invalid_field("data", "data must be an object and the only member")
    attributes = data.get("attributes")
    if set(data) != {"attributes"} or not isinstance(attributes, dict):
        raise invalid_field("attributes", "attributes must be an object and the only member")
    return attributes


def _check(stream: str, attributes: Row) -> None:
    """Check that every attribute is writable and has a valid value."""
    if not attributes:
        raise invalid_field("attributes", "at least one attribute is required")
    for name, value in attributes.items():
        if name not in WRITABLE[stream]:
            raise invalid_field(name, f"{name} cannot be written", value)
        if name in REQUIRED.get(stream, ()) and not (isinstance(value, str) and value):
            raise invalid_field(name, f"{name} must be a non-empty string", value)
        if not _has_type(value, FIELDS[stream][name].schema):
            raise invalid_field(name, f"{name} has a value of the wrong type", value)


def _normalize_numbers(stream: str, attributes: Row) -> Row:
    """Return the attributes with numbers as the API formats them: integers, or at least two decimals."""
    kinds = {name: FIELDS[stream][name].schema["type"][0] for name in attributes}
    numbers = {name: value for name, value in attributes.items() if isinstance(value, (int, Decimal))}
    whole = {name: int(value) for name, value in numbers.items() if kinds[name] == "integer"}
    amounts = {name: _amount(Decimal(value)) for name, value in numbers.items() if kinds[name] == "number"}
    return attributes | whole | amounts


def _amount(value: Decimal) -> Decimal:
    return value.quantize(_CENT) if abs(value) < _LARGE_AMOUNT and value == round(value, 2) else value


def _has_type(value: object, schema: Schema) -> bool:
    """Whether a value has the type of a field."""
    kind = schema["type"][0]
    if value is None or kind == "boolean":
        return value is None or isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list) and all(_has_type(item, schema["items"]) for item in value)
    if kind == "string":
        timestamp = schema.get("format") == "date-time"
        return isinstance(value, str) and not (
            timestamp and (not _TIMESTAMP.fullmatch(value) or parse_timestamp(value) is None)
        )
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    # 3.0 is a valid integer.
    return kind == "number" or (-_INT64_LIMIT <= value < _INT64_LIMIT and value == int(value))
