"""Rows about people: customers, their orders, the credit for those, and the ways through journeys."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.world import random_source as chance
from sumeru_sandbox.world.carts import Baskets
from sumeru_sandbox.world.clock import HOUR, stamp
from sumeru_sandbox.world.date_patterns import CANCELLED, ERASED, IMPORTED, MERGED, REFUNDED, UNPAID
from sumeru_sandbox.world.random_source import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_sandbox.world.shop_model import Outline

    Row = dict[str, Any]

PII = ("email", "phone", "first_name", "last_name", "address")
_DOUBTFUL = {UNPAID, CANCELLED, REFUNDED}
_NOTHING = money(0)
_ORDER_DATES = ("placed_at", "paid_at", "fulfilled_at", "cancelled_at", "created_at", "updated_at")


class Persona(NamedTuple):
    """What many customers have in common."""

    mailbox: str
    phone: str | None
    person: Row
    profile: Row


class Path(NamedTuple):
    """A way to an order: touches, and of each the journey or how many campaigns back."""

    touches: list[Row]
    campaigns: list[int | None]
    credits: list[int]
    model: str


class People:
    """The rows of customers and of all that they did, by index."""

    def __init__(self, shop: Outline) -> None:
        self._shop = shop
        self._baskets = Baskets(shop)
        # Made-up values that many rows share.
        self._kind = lru_cache(chance.POOL)(self._persona)
        self._way = lru_cache(chance.POOL)(self._path)

    def _spent(self, orders: list[int]) -> int:
        """What orders brought in, in hundredths, after cancellation and refund."""
        return sum([
            self._baskets.total(order)
            for order in orders
            if order % 20 not in _DOUBTFUL or (order % 20 == REFUNDED and self._kept(order))
        ])  # fmt: skip

    def _kept(self, order: int) -> bool:
        """Whether an order that is refunded in time is paid, and not yet refunded."""
        moments = self._shop.timelines["orders"].moments(order)
        return "paid_at" in moments and "refunded_at" not in moments

    def _persona(self, number: int) -> Persona:
        """One of the personas."""
        draw = self._shop.draws["customers"](number)
        last = chance.LAST_NAMES[draw[1] % len(chance.LAST_NAMES)]
        person = {
            "first_name": chance.FIRST_NAMES[draw[0] % len(chance.FIRST_NAMES)],
            "last_name": last,
            "address": chance.city(draw[4]) if draw[4] % 9 else None,
        }
        profile = {
            "lifecycle_stage": ("loyal", "active", "new", "at_risk", "lapsed")[draw[5] % 5],
            "currency": self._shop.currency,
            "rfm_segment": ("champions", "promising", "hibernating", None)[draw[7] % 4],
            "churn_risk": money(draw[8] % 101),
            "fatigue_score": money(draw[9] % 101),
            "channel_preference": chance.CHANNELS[draw[10] % 3] if draw[10] % 11 else None,
            "accepts_email": draw[11] % 4 != 0,
            "accepts_sms": draw[12] % 2 == 0,
            "accepts_whatsapp": draw[13] % 8 == 0 if draw[13] % 5 else None,
            "tags": (["vip", "wholesale", "gift"], ["vip"], ["été"], [], [])[draw[14] % 5],
            "segments": (["vip", "loyal-uk"], ["newsletter"], [])[draw[15] % 3],
            "locale": ("en-US", "en-GB", "de-DE", "fr-FR", None)[draw[16] % 5],
            "source": ("storefront", "pos", "marketplace", "import")[draw[17] % 4],
            "merged_into_id": None,
        }
        mailbox = "".join(letter for letter in last.lower() if letter.isascii() and letter.isalpha())
        return Persona(mailbox, f"+1555{draw[2] % 10_000:04}" if draw[3] % 5 else None, person, profile)

    def _email(self, index: int) -> str:
        return f"{self._kind(chance.number(index)).mailbox}.{index}@example.com"

    def _touched(self, index: int, number: int) -> bool:
        """Whether a customer is of those that something is done to, and it has been done."""
        return index % 60 == number and self._shop.customers.touched(index)

    def customer(self, index: int) -> Row:
        """A Customer 360 profile; without anything personal once erased."""
        kind = self._kind(chance.number(index))
        moments = self._shop.customers.moments(index)
        orders = self._shop.ownership.orders_of(index)
        total = self._spent(orders)
        row = {
            "email": f"{kind.mailbox}.{index}@example.com",
            "phone": kind.phone and f"{kind.phone}{index % 1000:03}",
            **kind.person,
            **kind.profile,
            "shopify_customer_id": f"gid://shopify/Customer/{7_000_000_000 + index}",
            "total_spent": money(total),
            "orders_count": len(orders),
            "average_order_value": money(total // len(orders)) if orders else None,
            "first_order_at": stamp(moments["first_order_at"]) if orders else None,
            "last_order_at": stamp(moments["last_order_at"]) if orders else None,
            "predicted_ltv_12mo": money(total * 3 // 2 + index % 997) if index % 7 else None,
            "created_at": stamp(moments["created_at"]),
            "updated_at": stamp(moments["updated_at"]),
        }
        if self._touched(index, ERASED):
            row |= dict.fromkeys(PII)
        elif self._touched(index, MERGED):
            row["merged_into_id"] = self._shop.ident("customers", index - 1)
        return row

    def order(self, index: int) -> Row:
        """An order, with its lines and refunds."""
        moments = self._shop.timelines["orders"].moments(index)
        holder = self._shop.ownership.owner(index)
        filled = self._baskets.of(index)
        number = chance.number(index)
        erased = self._touched(holder, ERASED)
        refund = {
            "id": f"ref_{index:08}",
            "amount": filled.attributes["total_price"],
            "reason": "damaged" if number % 2 else None,
            "created_at": stamp(moments.get("refunded_at", 0)),
        }
        refunds = [refund] if "refunded_at" in moments else []
        return {
            "order_number": f"#{1001 + index}",
            "shopify_order_id": f"gid://shopify/Order/{5_000_000_000 + index}",
            "customer_id": self._shop.ident("customers", holder),
            "email": None if erased else self._email(holder),
            **_status(moments),
            "channel": "amazon" if index % 20 == IMPORTED else ("online_store", "pos")[number % 2],
            **filled.attributes,
            "total_refunded": refund["amount"] if refunds else _NOTHING,
            "line_items": [
                {**line, "id": f"li_{index:08}{place}"} for place, line in enumerate(filled.lines)
            ],
            "refunds": refunds,
            "shipping_address": None if erased else self._kind(chance.number(holder)).person["address"],
            "note": chance.NOTES[number // 10 % 8] if number % 10 == 0 else None,
            "tags": ["gift"] if number % 12 == 0 else [],
            "test": False,
            **{field: stamp(moments[field]) if field in moments else None for field in _ORDER_DATES},
        }

    def _path(self, number: int) -> Path:
        """One of the ways to an order."""
        draw = self._shop.draws["attribution"](number)
        shares = ([100], [60, 40], [40, 30, 30])[draw[0] % 3]
        touches: list[Row] = []
        campaigns: list[int | None] = []
        for place, share in enumerate(shares):
            by_journey = draw[1 + place] % 3 == 0
            campaigns.append(None if by_journey else draw[4 + place] % 3)
            touches.append(
                {
                    "id": "",
                    "channel": chance.CHANNELS[draw[7 + place] % len(chance.CHANNELS)],
                    "campaign_id": None,
                    "journey_id": self._shop.ident(
                        "journeys", draw[10 + place] % self._shop.counts["journeys"]
                    )
                    if by_journey
                    else None,
                    "source": ("google", "newsletter", "meta", None)[draw[13 + place] % 4],
                    "medium": ("cpc", "email", "social")[draw[13 + place] % 3],
                    "credit": money(share),
                }
            )
        return Path(touches, campaigns, shares, chance.MODELS[draw[16] % len(chance.MODELS)])

    def attribution(self, index: int) -> Row:
        """The credit for every other order, with the touches before it."""
        way = self._way(chance.number(index))
        moments = self._shop.timelines["attribution"].moments(index)
        revenue = self._baskets.total(2 * index)
        latest = index * self._shop.counts["campaigns"] // self._shop.counts["attribution"] - 1
        ordered = moments["ordered_at"]
        touches = [
            {
                **touch,
                "id": f"tch_{index:08}{place}",
                "campaign_id": None if back is None else self._shop.launched_campaign(latest - back),
                "revenue": money(revenue * share // 100),
                "occurred_at": stamp(ordered - (3 - place) * 5 * HOUR),
            }
            for place, (touch, back, share) in enumerate(
                zip(way.touches, way.campaigns, way.credits, strict=True)
            )
        ]
        return {
            "order_id": self._shop.ident("orders", 2 * index),
            "customer_id": self._shop.ident("customers", self._shop.ownership.owner(2 * index)),
            "model": way.model,
            "channel": touches[0]["channel"],
            "campaign_id": touches[0]["campaign_id"],
            "revenue": money(revenue),
            "currency": self._shop.currency,
            "credit_per_touchpoint": [touch["credit"] for touch in touches],
            "touchpoints": touches,
            "ordered_at": stamp(ordered),
            "attributed_at": stamp(moments["attributed_at"]),
        }

    def enrollment(self, index: int) -> Row:
        """A customer's way through a journey."""
        draw = self._shop.draws["enrollments"](index)
        moments = self._shop.timelines["enrollments"].moments(index)
        exited = "exited_at" in moments
        bought = exited and index % 40 // 10 == 1
        reason = "purchase" if bought else ("unsubscribed", "completed")[draw[0] % 2]
        return {
            "journey_id": self._shop.ident("journeys", index % self._shop.counts["journeys"]),
            "customer_id": self._shop.ident("customers", 2 * index),
            "status": "exited" if exited else "active",
            "current_step_id": None
            if exited
            else f"stp_{index % self._shop.counts['journeys']}{draw[1] % 4}",
            "steps_executed": draw[1] % 4,
            "exit_reason": reason if exited else None,
            "converted_order_id": self._shop.ident("orders", 6 * index) if bought else None,
            "enrolled_at": stamp(moments["enrolled_at"]),
            "exited_at": stamp(moments["exited_at"]) if exited else None,
            "updated_at": stamp(moments["updated_at"]),
        }


def _status(moments: Mapping[str, int]) -> Row:
    if "cancelled_at" in moments:
        return {"status": "cancelled", "financial_status": "voided", "fulfillment_status": None}
    paid = "paid" if "paid_at" in moments else "pending"
    return {
        "status": "closed" if "fulfilled_at" in moments else "open",
        "financial_status": "refunded" if "refunded_at" in moments else paid,
        "fulfillment_status": "fulfilled" if "fulfilled_at" in moments else None,
    }
