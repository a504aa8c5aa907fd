"""Promise 2, exact: timestamps become UTC; anything else is kept in `extra`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.synced_orders import OrderSet

if TYPE_CHECKING:
    from support.synced_orders import SyncedOrders

ORDERS = OrderSet()

TIMES = {
    "2026-05-10T14:23:00Z": "2026-05-10T14:23:00Z",
    "2026-05-10T14:23:00+02:00": "2026-05-10T12:23:00Z",
    "2026-05-10T14:23:00-05:30": "2026-05-10T19:53:00Z",
    "2026-05-10T14:23:00-00:00": "2026-05-10T14:23:00Z",
    "2026-05-10 14:23:00": "2026-05-10T14:23:00Z",
    "2026-12-31T24:00:00Z": "2027-01-01T00:00:00Z",
    "2026-12-31T24:00:00+02:00": "2026-12-31T22:00:00Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
    "0001-01-01T02:00:00+02:00": "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999Z",
    "9999-12-31T21:59:59-02:00": "9999-12-31T23:59:59Z",
    **{
        f"2026-05-10T14:23:00.{'120456789'[:digits]}Z": f"2026-05-10T14:23:00.{'120456'[:digits]}Z"
        for digits in range(1, 10)
    },
    "2026-05-10T14:23:00.120456789+02:00": "2026-05-10T12:23:00.120456Z",
}
for _text in TIMES:
    ORDERS.add(f"time {_text}", placed_at=_text, refunds=[{"created_at": _text, "new": _text}])


@pytest.mark.parametrize("text", TIMES)
def test_a_timestamp_is_converted_to_utc(synced: SyncedOrders, text: str) -> None:
    record = synced.record(f"time {text}")
    assert msgspec.json.decode(record["placed_at"]) == TIMES[text]
    assert msgspec.json.decode(record["refunds"]) == [{"created_at": TIMES[text], "new": text}]


INVALID_TIMES = (
    "",
    "soon",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+02:00",
    "9999-12-31T23:59:59-02:00",
    "9999-12-31T24:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-05-10T23:59:60Z",
    "2026-05-10T14:23:00.Z",
    "10000-01-01T00:00:00Z",
)
for _text in INVALID_TIMES:
    ORDERS.add(f"invalid time {_text}", placed_at=_text, updated_at=_text, refunds=[{"created_at": _text}])


@pytest.mark.parametrize("text", INVALID_TIMES)
def test_an_invalid_timestamp_is_kept_in_extra(synced: SyncedOrders, text: str) -> None:
    synced.assert_in_extra(f"invalid time {text}", "placed_at", "updated_at", "refunds")
