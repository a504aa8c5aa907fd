"""Typed rows of random records: each value is exact in its column, or whole in `extra`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from support.synced_orders import json_text, texts
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark.driver import Driver

Json = dict[str, Any]
_LIMIT = Decimal(10) ** 29
_STEP = Decimal("1e-9")
_EXACT = Context(prec=200)


class Number(str):
    """The text of a number."""

    __slots__ = ()


def _number(draw: Random) -> Number:
    digits = "".join(draw.choices("0123456789", k=draw.randint(1, 33))).lstrip("0") or "0"
    fraction = "." + "".join(draw.choices("0123456789", k=draw.randint(1, 12))) if draw.random() < 0.7 else ""
    exponent = f"{draw.choice('eE')}{draw.choice(('', '+', '-'))}{draw.randint(0, 60)}" * (
        draw.random() < 0.3
    )
    return Number(draw.choice(("", "-")) + digits + fraction + exponent)


def _text(draw: Random) -> str:
    return "".join(draw.choices('abc \\"\n\0üé€😀{}[]:,', k=draw.randint(0, 12)))


def _value(draw: Random, depth: int = 0) -> Any:
    """Return any JSON value."""
    kind = draw.randint(0, 7 if depth < 3 else 4)
    if kind < 5:
        return (None, draw.random() < 0.5, _number(draw), _text(draw), draw.randint(-(2**70), 2**70))[kind]
    if kind == 5:
        return [_value(draw, depth + 1) for _ in range(draw.randint(0, 3))]
    return {_text(draw): _value(draw, depth + 1) for _ in range(draw.randint(0, 3))}


def _fitting(draw: Random, schema: Json) -> Any:
    """Return a value of the type of a column; a number may have too many digits for it."""
    (kind,) = {*schema["type"]} - {"null"}
    if kind == "string" and schema.get("format") == "date-time":
        moment = datetime.fromtimestamp(draw.randint(-(10**10), 10**10), UTC).replace(tzinfo=None)
        return moment.isoformat() + draw.choice(("", ".5", ".123456")) + "Z"
    if kind == "string" and schema.get("format") == "date":
        return date.fromordinal(draw.randint(1, 10**6)).isoformat()
    makers: dict[str, Callable[[], Any]] = {
        "string": lambda: _text(draw),
        "number": lambda: _number(draw),
        "integer": lambda: draw.randint(-(2**63), 2**63 - 1),
        "boolean": lambda: draw.random() < 0.5,
        "array": lambda: [_value(draw, 1)],
        "object": lambda: {_text(draw): _value(draw, 1)},
    }
    return makers[kind]()


def _encoded(value: Any) -> str:
    """Return a value as JSON, numbers as they are."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(_encoded, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_encoded(name)}:{_encoded(one)}' for name, one in value.items())}}}"
    return json_text(value).decode()


def _expected(schema: Json, value: Any) -> tuple[Any, bool]:
    """Return what the column holds, and whether the value fits it."""
    types = {*schema["type"]} - {"null"}
    if value is None:
        return None, True
    if types & {"object", "array"}:
        return _encoded(value), True
    if isinstance(value, Number) and types == {"number"}:
        number = Decimal(value)
        fits = abs(number) < _LIMIT and _EXACT.remainder(number, _STEP) == 0
        return (format(_EXACT.plus(_EXACT.quantize(number, _STEP)), "f") if fits else None), fits
    if isinstance(value, str) and not isinstance(value, Number) and types == {"string"}:
        return _moment(schema, value)
    return value, True


def _moment(schema: Json, value: str) -> tuple[Any, bool]:
    if schema.get("format") == "date-time":
        return datetime.fromisoformat(value).astimezone(UTC).isoformat(), True
    return value, True


@pytest.mark.parametrize("stream", STREAMS)
def test_random_records_lose_no_value(direct: Driver, stream: str) -> None:
    draw = Random(f"typed {stream}")  # noqa: S311 - the same records in every run
    properties = stream_schemas.load(stream)["properties"]
    keys = STREAMS[stream].primary_key
    records: list[Json] = []
    for number in range(300):
        record = {
            name: f"{name}-{number}" if name in keys else draw.choice((None, _fitting(draw, schema)))
            for name, schema in properties.items()
        }
        if draw.random() < 0.2:
            del record[draw.choice([name for name in record if name not in keys])]
        records.append(record)
    rows = direct.rows("convert", stream=stream, lines=list(map(_encoded, records)))
    assert len(rows) == len(records)
    for record, row in zip(records, rows, strict=True):
        assert row.keys() == properties.keys()
        _assert_whole(properties, record, row)


def _assert_whole(properties: Json, record: Json, row: Json) -> None:
    moved = {}
    for name, schema in properties.items():
        if name == "extra":
            continue
        expected, fits = _expected(schema, record.get(name))
        assert row[name] == expected, name
        if not fits:
            moved[name] = record[name]
    if not moved:
        assert row["extra"] == _expected(properties["extra"], record.get("extra"))[0]
    else:
        extra = json.loads(row["extra"], parse_float=Number, parse_int=Number)
        assert extra.items() >= moved.items()
        assert extra.keys() == {*moved, *(record.get("extra") or {})}


def test_a_value_of_another_type_moves_to_extra_as_it_is(direct: Driver) -> None:
    values = {
        "total_price": '"many"',
        "test": '"yes"',
        "placed_at": '"soon"',
        "paid_at": "5",
        "status": "[1.50]",
    }
    members = ",".join(f'"{name}":{text}' for name, text in values.items())
    line = f'{{"shop":"acme","id":"1",{members},"extra":{{"new":1.0}}}}'
    (row,) = direct.rows("convert", stream="orders", lines=[line])
    assert texts(row["extra"]) == texts(f'{{"new":1.0,{members}}}')
    assert {row[name] for name in values} == {None}
    assert json.loads(line)["shop"] == row["shop"]
