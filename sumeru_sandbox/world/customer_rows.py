"""Generated rows of customers, orders, attribution and enrollments."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.world import sample_values
from sumeru_sandbox.world.carts import Carts
from sumeru_sandbox.world.clock import DAY, HOUR, format_timestamp
from sumeru_sandbox.world.date_patterns import CANCELLED, ERASED, IMPORTED, MERGED, REFUNDED, UNPAID
from sumeru_sandbox.world.random_source import POOL_SIZE, pool_index
from sumeru_sandbox.world.sample_values import hundredths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_sandbox.world.shop_model import ShopModel

    Row = dict[str, Any]

PII = ("email", "phone", "first_name", "last_name", "address")
_WITHOUT_FULL_REVENUE = {UNPAID, CANCELLED, REFUNDED}
_ZERO = hundredths(0)
_CHANNELS = ("online_store", "online_store", "pos", "online_store")
_RFM_SEGMENTS = {"loyal": "champions", "new": "promising", "active": "promising", "at_risk": None,
                 "lapsed": "hibernating"}  # fmt: skip
_CHURN_RISKS = {"loyal": 2, "new": 30, "active": 15, "at_risk": 55, "lapsed": 74}
_LOYAL_ORDERS = 4
_AT_RISK_DAYS, _LAPSED_DAYS = 120, 300
_ORDER_DATES = ("placed_at", "paid_at", "fulfilled_at", "cancelled_at", "created_at", "updated_at")


class Persona(NamedTuple):
    """Attributes that many customers share."""

    mailbox: str
    phone: str | None
    person: Row
    profile: Row


class TouchpointPath(NamedTuple):
    """Touchpoints that many orders share.

    `campaigns` says how many campaigns back each touchpoint is; None if a journey made it.
    """

    touches: list[Row]
    campaigns: list[int | None]
    credits: list[int]
    model: str


class CustomerRows:
    """Builds the rows of customers and of their activity, by index."""

    def __init__(self, shop: ShopModel) -> None:
        self._shop = shop
        self._carts = Carts(shop)
        # Values that many rows share.
        self._cached_persona = lru_cache(POOL_SIZE)(self._persona)
        self._cached_path = lru_cache(POOL_SIZE)(self._path)

    def _revenue(self, orders: list[int]) -> int:
        """Return the revenue of orders, in hundredths, without unpaid, cancelled and refunded ones."""
        return sum([
            self._carts.total(order)
            for order in orders
            if order % 20 not in _WITHOUT_FULL_REVENUE or (order % 20 == REFUNDED and self._is_kept(order))
        ])  # fmt: skip

    def _is_kept(self, order: int) -> bool:
        """Whether an order that will be refunded is paid and not yet refunded."""
        timestamps = self._shop.timelines["orders"].timestamps(order)
        return "paid_at" in timestamps and "refunded_at" not in timestamps

    def _persona(self, number: int) -> Persona:
        """Build the attributes of one group of customers."""
        draw = self._shop.draws["customers"](number)
        last = sample_values.LAST_NAMES[draw[1] % len(sample_values.LAST_NAMES)]
        person = {
            "first_name": sample_values.FIRST_NAMES[draw[0] % len(sample_values.FIRST_NAMES)],
            "last_name": last,
            "address": sample_values.address(draw[4]) if draw[4] % 9 else None,
        }
        profile = {
            "lifecycle_stage": None,
            "currency": self._shop.currency,
            "rfm_segment": None,
            "churn_risk": None,
            "fatigue_score": hundredths(draw[9] % 101),
            "channel_preference": sample_values.CHANNELS[draw[10] % 3] if draw[10] % 11 else None,
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
        return f"{self._cached_persona(pool_index(index)).mailbox}.{index}@example.com"

    def _has_changed(self, index: int, number: int) -> bool:
        """Whether the customer belongs to the group with this number and its late change has happened."""
        return index % 60 == number and self._shop.customers.is_touched(index)

    def customer(self, index: int) -> Row:
        """Return a Customer 360 profile; erased customers have no personal data."""
        persona = self._cached_persona(pool_index(index))
        timestamps = self._shop.customers.timestamps(index)
        orders = self._shop.ownership.orders_of(index)
        total = self._revenue(orders)
        latest = timestamps.get("last_order_at", timestamps["created_at"])
        stage = _lifecycle_stage(len(orders), (self._shop.now - latest) // DAY)
        row = {
            "email": f"{persona.mailbox}.{index}@example.com",
            "phone": persona.phone and f"{persona.phone}{index % 1000:03}",
            **persona.person,
            **persona.profile,
            "lifecycle_stage": stage,
            "rfm_segment": _RFM_SEGMENTS[stage],
            "churn_risk": hundredths(_CHURN_RISKS[stage] + index % 26),
            "shopify_customer_id": f"gid://shopify/Customer/{7_000_000_000 + index}",
            "total_spent": hundredths(total),
            "orders_count": len(orders),
            "average_order_value": hundredths(total // len(orders)) if orders else None,
            "first_order_at": format_timestamp(timestamps["first_order_at"]) if orders else None,
            "last_order_at": format_timestamp(timestamps["last_order_at"]) if orders else None,
            "predicted_ltv_12mo": hundredths(total * 3 // 2 + index % 997) if index % 7 else None,
            "created_at": format_timestamp(timestamps["created_at"]),
            "updated_at": format_timestamp(timestamps["updated_at"]),
        }
        if self._has_changed(index, ERASED):
            row |= dict.fromkeys(PII)
        elif self._has_changed(index, MERGED):
            row["merged_into_id"] = self._shop.row_id("customers", index - 1)
        return row

    def order(self, index: int) -> Row:
        """Return an order with its line items and refunds."""
        timestamps = self._shop.timelines["orders"].timestamps(index)
        owner = self._shop.ownership.owner(index)
        cart = self._carts.cart_of(index)
        number = pool_index(index)
        erased = self._has_changed(owner, ERASED)
        refund = {
            "id": f"ref_{index:08}",
            "amount": cart.attributes["total_price"],
            "reason": "damaged" if number % 2 else None,
            "created_at": format_timestamp(timestamps.get("refunded_at", 0)),
        }
        refunds = [refund] if "refunded_at" in timestamps else []
        return {
            "order_number": f"#{1001 + index}",
            "shopify_order_id": f"gid://shopify/Order/{5_000_000_000 + index}",
            "customer_id": self._shop.row_id("customers", owner),
            "email": None if erased else self._email(owner),
            **_status(timestamps),
            "channel": "amazon" if index % 20 == IMPORTED else _CHANNELS[number % len(_CHANNELS)],
            **cart.attributes,
            "total_refunded": refund["amount"] if refunds else _ZERO,
            "line_items": [{**line, "id": f"li_{index:08}{place}"} for place, line in enumerate(cart.lines)],
            "refunds": refunds,
            "shipping_address": None if erased else self._cached_persona(pool_index(owner)).person["address"],
            "note": sample_values.NOTES[number // 10 % 8] if number % 10 == 0 else None,
            "tags": ["gift"] if number % 12 == 0 else [],
            "test": False,
            **{
                field: format_timestamp(timestamps[field]) if field in timestamps else None
                for field in _ORDER_DATES
            },
        }

    def _path(self, number: int) -> TouchpointPath:
        """Build one of the touchpoint paths."""
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
                    "channel": sample_values.CHANNELS[draw[7 + place] % len(sample_values.CHANNELS)],
                    "campaign_id": None,
                    "journey_id": self._shop.row_id(
                        "journeys", draw[10 + place] % self._shop.counts["journeys"]
                    )
                    if by_journey
                    else None,
                    "source": ("google", "newsletter", "meta", None)[draw[13 + place] % 4],
                    "medium": ("cpc", "email", "social")[draw[13 + place] % 3],
                    "credit": hundredths(share),
                }
            )
        return TouchpointPath(
            touches,
            campaigns,
            shares,
            sample_values.ATTRIBUTION_MODELS[draw[16] % len(sample_values.ATTRIBUTION_MODELS)],
        )

    def attribution(self, index: int) -> Row:
        """Return the attribution of every other order, with its touchpoints."""
        path = self._cached_path(pool_index(index))
        timestamps = self._shop.timelines["attribution"].timestamps(index)
        revenue = self._carts.total(2 * index)
        latest = index * self._shop.counts["campaigns"] // self._shop.counts["attribution"] - 1
        ordered = timestamps["ordered_at"]
        touches = [
            {
                **touch,
                "id": f"tch_{index:08}{place}",
                "campaign_id": None if back is None else self._shop.launched_campaign(latest - back),
                "revenue": hundredths(revenue * share // 100),
                "occurred_at": format_timestamp(ordered - (3 - place) * 5 * HOUR),
            }
            for place, (touch, back, share) in enumerate(
                zip(path.touches, path.campaigns, path.credits, strict=True)
            )
        ]
        return {
            "order_id": self._shop.row_id("orders", 2 * index),
            "customer_id": self._shop.row_id("customers", self._shop.ownership.owner(2 * index)),
            "model": path.model,
            "channel": touches[0]["channel"],
            "campaign_id": touches[0]["campaign_id"],
            "revenue": hundredths(revenue),
            "currency": self._shop.currency,
            "credit_per_touchpoint": [touch["credit"] for touch in touches],
            "touchpoints": touches,
            "ordered_at": format_timestamp(ordered),
            "attributed_at": format_timestamp(timestamps["attributed_at"]),
        }

    def enrollment(self, index: int) -> Row:
        """Return the enrollment of a customer in a journey."""
        draw = self._shop.draws["enrollments"](index)
        timestamps = self._shop.timelines["enrollments"].timestamps(index)
        exited = "exited_at" in timestamps
        bought = exited and index % 40 // 10 == 1
        reason = "purchase" if bought else ("unsubscribed", "completed")[draw[0] % 2]
        return {
            "journey_id": self._shop.row_id("journeys", index % self._shop.counts["journeys"]),
            "customer_id": self._shop.row_id("customers", 2 * index),
            "status": "exited" if exited else "active",
            "current_step_id": None
            if exited
            else f"stp_{index % self._shop.counts['journeys']}{draw[1] % 4}",
            "steps_executed": draw[1] % 4,
            "exit_reason": reason if exited else None,
            "converted_order_id": self._shop.row_id("orders", 6 * index) if bought else None,
            "enrolled_at": format_timestamp(timestamps["enrolled_at"]),
            "exited_at": format_timestamp(timestamps["exited_at"]) if exited else None,
            "updated_at": format_timestamp(timestamps["updated_at"]),
        }


def _lifecycle_stage(orders: int, days: int) -> str:
    """Return the stage of a customer by the number of orders and the days since the last one."""
    if days > _AT_RISK_DAYS:
        return "lapsed" if days > _LAPSED_DAYS else "at_risk"
    if orders < 2:  # noqa: PLR2004 - none returned
        return "new"
    return "loyal" if orders >= _LOYAL_ORDERS else "active"


def _status(timestamps: Mapping[str, int]) -> Row:
    if "cancelled_at" in timestamps:
        return {"status": "cancelled", "financial_status": "voided", "fulfillment_status": None}
    paid = "paid" if "paid_at" in timestamps else "pending"
    return {
        "status": "closed" if "fulfilled_at" in timestamps else "open",
        "financial_status": "refunded" if "refunded_at" in timestamps else paid,
        "fulfillment_status": "fulfilled" if "fulfilled_at" in timestamps else None,
    }
