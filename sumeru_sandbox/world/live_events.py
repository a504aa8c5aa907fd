"""Live events: rows that are created, changed, erased and merged as time passes, always in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_sandbox.world import random_source, sample_values
from sumeru_sandbox.world.clock import DAY, HOUR, format_timestamp
from sumeru_sandbox.world.customer_rows import PII
from sumeru_sandbox.world.sample_values import hundredths

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]
    Draw = tuple[int, ...]


class LiveEvents:
    """Applies `rate` events per hour to a shop, and adds its hourly decision runs and daily usage rows."""

    def __init__(self, store: Store, seed: int, rate: float) -> None:
        self._store = store
        self._rate = rate
        self._draw = random_source.random_draws(seed, store.generated.shop, "live")
        self._start = store.clock.time()
        self._events: list[tuple[int, Callable[[Draw], None]]] = [
            (25, self._create_order),
            (45, self._update_order),
            (60, self._update_customer),
            (70, self._create_customer),
            (85, self._update_inventory),
            (91, self._enroll_customer),
            (95, self._reattribute_order),
            (97, self._erase_customer),
            (98, self._merge_customers),
            (99, self._update_product),
            (100, self._update_campaign),
        ]
        self.reset()

    def reset(self) -> None:
        """Restart the events from the current time."""
        self._start = self._now = self._store.clock.time()
        self._done = 0
        self._hour, self._day = (int(self._start) // step for step in (HOUR, DAY))

    def catch_up(self) -> None:
        """Apply all events that are due."""
        until = self._store.clock.time()
        while (due := self._start + (self._done + 1) * HOUR / self._rate) <= until:
            self._done += 1
            self._now = due
            draw = self._draw(self._done)
            event = next(event for share, event in self._events if draw[0] % 100 < share)
            event(draw)
        self._add_periodic_rows(until)

    def _add_periodic_rows(self, until: float) -> None:
        """Add the decision runs and usage rows of the hours and days that have started."""
        while self._hour < int(until) // HOUR:
            self._hour += 1
            self._now = self._hour * HOUR
            row = self._template("decision_intelligence_runs", self._draw(self._hour))
            self._put("decision_intelligence_runs", None, row)
        while self._day < int(until) // DAY:
            self._day += 1
            self._now = self._day * DAY
            self._put("usage", None, self._template("usage", self._draw(self._day)))

    def _put(self, stream: str, row_id: str | None, attributes: Row) -> str:
        return self._store.put(stream, row_id, attributes, at=self._now)

    def _template(self, stream: str, draw: Draw) -> Row:
        """Return the attributes of a generated row without its dates."""
        number = (draw[1] << 16 | draw[2]) % self._store.generated.counts[stream]
        row = self._store.generated.row(stream, number)
        return {name: value for name, value in row.items() if not name.endswith("_at") and name != "date"}

    def _existing_row(self, stream: str, number: int) -> tuple[str, Row]:
        """Return the first row from this index on that was not deleted."""
        size = self._store.next_index(stream)
        for step in range(size):
            index = (number + step) % size
            row = self._store.get(stream, index)
            if row is not None:
                return self._store.row_id(stream, index), row
        raise LookupError(f"{stream}: all rows were deleted")

    def _random_row(self, stream: str, draw: Draw) -> tuple[str, Row]:
        return self._existing_row(stream, draw[3] << 16 | draw[4])

    def _create_order(self, draw: Draw) -> None:
        row_id, customer = self._random_row("customers", draw)
        number = self._store.next_index("orders")
        now = format_timestamp(int(self._now))
        order = self._template("orders", draw) | {
            "order_number": f"#{1001 + number}",
            "shopify_order_id": f"gid://shopify/Order/{5_000_000_000 + number}",
            "customer_id": row_id,
            "email": customer["email"],
            "status": "open",
            "financial_status": "paid",
            "fulfillment_status": None,
            "total_refunded": hundredths(0),
            "refunds": [],
            "shipping_address": customer["address"],
            "placed_at": now,
            "paid_at": now,
        }
        order_id = self._put("orders", None, order)
        total, count = customer["total_spent"] + order["total_price"], customer["orders_count"] + 1
        changes = {"total_spent": total, "orders_count": count, "last_order_at": now}
        changes["average_order_value"] = (total / count).quantize(hundredths(1))
        changes["first_order_at"] = customer["first_order_at"] or now
        self._put("customers", row_id, changes)
        if draw[5] % 2:
            self._attribute_order(draw, order_id, order)

    def _attribute_order(self, draw: Draw, order_id: str, order: Row) -> None:
        credit = self._template("attribution", draw)
        revenue = order["total_price"]
        touches = [
            {**touch, "revenue": (revenue * touch["credit"]).quantize(hundredths(1))}
            for touch in credit["touchpoints"]
        ]
        changes = {"order_id": order_id, "customer_id": order["customer_id"], "touchpoints": touches}
        changes |= {"revenue": revenue, "ordered_at": order["placed_at"]}
        self._put("attribution", None, credit | changes)

    def _reattribute_order(self, draw: Draw) -> None:
        row_id, _ = self._random_row("attribution", draw)
        models = sample_values.ATTRIBUTION_MODELS
        self._put("attribution", row_id, {"model": models[draw[6] % len(models)]})

    def _update_order(self, draw: Draw) -> None:
        row_id, order = self._random_row("orders", draw)
        if order["status"] == "open":
            now = format_timestamp(int(self._now))
            changes: Row = {"status": "closed", "fulfillment_status": "fulfilled", "fulfilled_at": now}
        else:
            changes = {"note": sample_values.NOTES[draw[6] % len(sample_values.NOTES)]}
        self._put("orders", row_id, changes)

    def _update_customer(self, draw: Draw) -> None:
        row_id, _ = self._random_row("customers", draw)
        stage = ("loyal", "active", "at_risk", "lapsed")[draw[6] % 4]
        self._put("customers", row_id, {"lifecycle_stage": stage, "tags": ["vip"] if draw[7] % 2 else []})

    def _create_customer(self, draw: Draw) -> None:
        number = self._store.next_index("customers")
        customer = self._template("customers", draw) | {
            "email": f"new.{number}@example.com",
            "shopify_customer_id": f"gid://shopify/Customer/{7_000_000_000 + number}",
            "lifecycle_stage": "new",
            "total_spent": hundredths(0),
            "orders_count": 0,
            "average_order_value": None,
            "merged_into_id": None,
        }
        self._put("customers", None, customer)

    def _update_inventory(self, draw: Draw) -> None:
        row_id, stock = self._random_row("inventory", draw)
        on_hand = draw[6] % 500
        self._put(
            "inventory", row_id, {"on_hand": on_hand, "available": max(0, on_hand - stock["committed"])}
        )

    def _enroll_customer(self, draw: Draw) -> None:
        journey, row = self._existing_row("journeys", draw[5])
        customer, _ = self._random_row("customers", draw)
        changes = {"journey_id": journey, "customer_id": customer, "status": "active", "steps_executed": 0}
        changes |= {
            "current_step_id": f"stp_{draw[5] % 10}0",
            "enrolled_at": format_timestamp(int(self._now)),
        }
        self._put("enrollments", None, changes)
        counters = ("active_enrollments", "total_enrollments")
        self._put("journeys", journey, {name: row[name] + 1 for name in counters})

    def _erase_customer(self, draw: Draw) -> None:
        row_id, _ = self._random_row("customers", draw)
        self._put("customers", row_id, dict.fromkeys(PII))
        for order in self._store.child_rows("orders", "customer_id", row_id).indices():
            changes = {"email": None, "shipping_address": None}
            self._put("orders", self._store.row_id("orders", order), changes)

    def _merge_customers(self, draw: Draw) -> None:
        merged, _ = self._random_row("customers", draw)
        kept, _ = self._existing_row("customers", (draw[5] << 16) | draw[6])
        if merged == kept:
            return
        for stream in ("orders", "attribution", "enrollments"):
            for index in self._store.child_rows(stream, "customer_id", merged).indices():
                self._put(stream, self._store.row_id(stream, index), {"customer_id": kept})
        self._put("customers", kept, {})
        self._store.delete("customers", merged)

    def _update_product(self, draw: Draw) -> None:
        row_id, _ = self._random_row("products", draw)
        self._put("products", row_id, {"tags": ["sale"] if draw[6] % 2 else []})

    def _update_campaign(self, draw: Draw) -> None:
        row_id, campaign = self._random_row("campaigns", draw)
        self._put("campaigns", row_id, {"opened": (campaign["opened"] or 0) + draw[6] % 9})
