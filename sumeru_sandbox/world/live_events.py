"""Life in a shop: rows made, changed, erased and merged as time goes by, always in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_sandbox.world import random_source as chance
from sumeru_sandbox.world.clock import DAY, HOUR, stamp
from sumeru_sandbox.world.customer_rows import PII

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]
    Draw = tuple[int, ...]


class Live:
    """Lets happen in a shop what is due, at `rate` events an hour, hourly runs and daily usage beside it."""

    def __init__(self, store: Store, seed: int, rate: float) -> None:
        self._store = store
        self._rate = rate
        self._draw = chance.drawer(seed, store.world.shop, "live")
        self._start = store.clock.time()
        self._events: list[tuple[int, Callable[[Draw], None]]] = [
            (25, self._order_made),
            (45, self._order_changed),
            (60, self._customer_changed),
            (70, self._customer_made),
            (85, self._stock_changed),
            (91, self._enrolled),
            (95, self._attributed_anew),
            (97, self._erased),
            (98, self._merged),
            (99, self._product_changed),
            (100, self._campaign_changed),
        ]
        self.reset()

    def reset(self) -> None:
        """Begin anew, at the present moment."""
        self._start = self._now = self._store.clock.time()
        self._done = 0
        self._hour, self._day = (int(self._start) // step for step in (HOUR, DAY))

    def catch_up(self) -> None:
        """Let happen what is due by now."""
        until = self._store.clock.time()
        while (moment := self._start + (self._done + 1) * HOUR / self._rate) <= until:
            self._done += 1
            self._now = moment
            draw = self._draw(self._done)
            event = next(event for share, event in self._events if draw[0] % 100 < share)
            event(draw)
        self._regular(until)

    def _regular(self, until: float) -> None:
        """The runs and the usage of the hours and days that have begun."""
        while self._hour < int(until) // HOUR:
            self._hour += 1
            self._now = self._hour * HOUR
            row = self._template("decision_intelligence_runs", self._draw(self._hour))
            self._put("decision_intelligence_runs", None, row)
        while self._day < int(until) // DAY:
            self._day += 1
            self._now = self._day * DAY
            self._put("usage", None, self._template("usage", self._draw(self._day)))

    def _put(self, stream: str, ident: str | None, attributes: Row) -> str:
        return self._store.put(stream, ident, attributes, at=self._now)

    def _template(self, stream: str, draw: Draw) -> Row:
        """A row to copy, without its dates."""
        number = (draw[1] << 16 | draw[2]) % self._store.world.counts[stream]
        row = self._store.world.row(stream, number)
        return {name: value for name, value in row.items() if not name.endswith("_at") and name != "date"}

    def _any(self, stream: str, number: int) -> tuple[str, Row]:
        """A row that is there."""
        size = self._store.size(stream)
        for step in range(size):
            index = (number + step) % size
            row = self._store.get(stream, index)
            if row is not None:
                return self._store.ident(stream, index), row
        raise LookupError(f"no row of {stream} is left")

    def _pick(self, stream: str, draw: Draw) -> tuple[str, Row]:
        return self._any(stream, draw[3] << 16 | draw[4])

    def _order_made(self, draw: Draw) -> None:
        ident, customer = self._pick("customers", draw)
        number = self._store.size("orders")
        now = stamp(int(self._now))
        order = self._template("orders", draw) | {
            "order_number": f"#{1001 + number}",
            "shopify_order_id": f"gid://shopify/Order/{5_000_000_000 + number}",
            "customer_id": ident,
            "email": customer["email"],
            "status": "open",
            "financial_status": "paid",
            "fulfillment_status": None,
            "total_refunded": chance.money(0),
            "refunds": [],
            "shipping_address": customer["address"],
            "placed_at": now,
            "paid_at": now,
        }
        made = self._put("orders", None, order)
        total, count = customer["total_spent"] + order["total_price"], customer["orders_count"] + 1
        changes = {"total_spent": total, "orders_count": count, "last_order_at": now}
        changes["average_order_value"] = (total / count).quantize(chance.money(1))
        changes["first_order_at"] = customer["first_order_at"] or now
        self._put("customers", ident, changes)
        if draw[5] % 2:
            self._attributed(draw, made, order)

    def _attributed(self, draw: Draw, ident: str, order: Row) -> None:
        credit = self._template("attribution", draw)
        revenue = order["total_price"]
        touches = [
            {**touch, "revenue": (revenue * touch["credit"]).quantize(chance.money(1))}
            for touch in credit["touchpoints"]
        ]
        changes = {"order_id": ident, "customer_id": order["customer_id"], "touchpoints": touches}
        changes |= {"revenue": revenue, "ordered_at": order["placed_at"]}
        self._put("attribution", None, credit | changes)

    def _attributed_anew(self, draw: Draw) -> None:
        ident, _ = self._pick("attribution", draw)
        self._put("attribution", ident, {"model": chance.MODELS[draw[6] % len(chance.MODELS)]})

    def _order_changed(self, draw: Draw) -> None:
        ident, order = self._pick("orders", draw)
        if order["status"] == "open":
            now = stamp(int(self._now))
            changes: Row = {"status": "closed", "fulfillment_status": "fulfilled", "fulfilled_at": now}
        else:
            changes = {"note": chance.NOTES[draw[6] % len(chance.NOTES)]}
        self._put("orders", ident, changes)

    def _customer_changed(self, draw: Draw) -> None:
        ident, _ = self._pick("customers", draw)
        stage = ("loyal", "active", "at_risk", "lapsed")[draw[6] % 4]
        self._put("customers", ident, {"lifecycle_stage": stage, "tags": ["vip"] if draw[7] % 2 else []})

    def _customer_made(self, draw: Draw) -> None:
        number = self._store.size("customers")
        customer = self._template("customers", draw) | {
            "email": f"new.{number}@example.com",
            "shopify_customer_id": f"gid://shopify/Customer/{7_000_000_000 + number}",
            "lifecycle_stage": "new",
            "total_spent": chance.money(0),
            "orders_count": 0,
            "average_order_value": None,
            "merged_into_id": None,
        }
        self._put("customers", None, customer)

    def _stock_changed(self, draw: Draw) -> None:
        ident, stock = self._pick("inventory", draw)
        on_hand = draw[6] % 500
        self._put("inventory", ident, {"on_hand": on_hand, "available": max(0, on_hand - stock["committed"])})

    def _enrolled(self, draw: Draw) -> None:
        journey, row = self._any("journeys", draw[5])
        customer, _ = self._pick("customers", draw)
        changes = {"journey_id": journey, "customer_id": customer, "status": "active", "steps_executed": 0}
        changes |= {"current_step_id": f"stp_{draw[5] % 10}0", "enrolled_at": stamp(int(self._now))}
        self._put("enrollments", None, changes)
        counters = ("active_enrollments", "total_enrollments")
        self._put("journeys", journey, {name: row[name] + 1 for name in counters})

    def _erased(self, draw: Draw) -> None:
        ident, _ = self._pick("customers", draw)
        self._put("customers", ident, dict.fromkeys(PII))
        for order in self._store.family("orders", "customer_id", ident).indices():
            changes = {"email": None, "shipping_address": None}
            self._put("orders", self._store.ident("orders", order), changes)

    def _merged(self, draw: Draw) -> None:
        loser, _ = self._pick("customers", draw)
        winner, _ = self._any("customers", (draw[5] << 16) | draw[6])
        if loser == winner:
            return
        for stream in ("orders", "attribution", "enrollments"):
            for index in self._store.family(stream, "customer_id", loser).indices():
                self._put(stream, self._store.ident(stream, index), {"customer_id": winner})
        self._put("customers", winner, {})
        self._store.delete("customers", loser)

    def _product_changed(self, draw: Draw) -> None:
        ident, _ = self._pick("products", draw)
        self._put("products", ident, {"tags": ["sale"] if draw[6] % 2 else []})

    def _campaign_changed(self, draw: Draw) -> None:
        ident, campaign = self._pick("campaigns", draw)
        self._put("campaigns", ident, {"opened": (campaign["opened"] or 0) + draw[6] % 9})
