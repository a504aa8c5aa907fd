"""Rows about people: customers, their orders, the credit for those, and the ways through journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox import chance
from sumeru_sandbox.chance import money
from sumeru_sandbox.clock import DAY, HOUR, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_sandbox.world import World

    Row = dict[str, Any]

ERASABLE = 13  # the class of customers that are erased or merged, if anything happened to them after an order
CUSTOMER_CLASSES: tuple[Mapping[str, int], ...] = tuple(
    {"touched": days * DAY} if (days := {13: 6, 14: 4, 15: 9, 16: 20, 17: 45, 18: 90}.get(number)) else {}
    for number in range(20)
)


def _order_class(number: int) -> Mapping[str, int]:
    """What happens to the orders of a class, and how long after they came in."""
    placed = {"created_at": 0, "placed_at": -60}
    if number == 10:  # noqa: PLR2004 - classes are numbers
        return placed
    if number == 11:  # noqa: PLR2004
        return {**placed, "cancelled_at": 2 * HOUR}
    if number == 12:  # noqa: PLR2004 - imported from a marketplace, days after it was placed
        return {"created_at": 0, "placed_at": -2 * DAY, "paid_at": -2 * DAY + 300, "fulfilled_at": DAY}
    done = {**placed, "paid_at": 300 + number, "fulfilled_at": DAY + number * HOUR}
    if number == REFUNDED:
        return {**done, "refunded_at": 3 * DAY}
    touched = {14: 5, 15: 8, 16: 15, 17: 30, 18: 60, 19: 120}.get(number)
    return {**done, "touched_at": touched * DAY} if touched else done


REFUNDED = 13
ORDER_CLASSES = tuple(_order_class(number) for number in range(20))
ATTRIBUTION_CLASSES: tuple[Mapping[str, int], ...] = tuple(
    {
        "ordered_at": ORDER_CLASSES[2 * number % 20]["placed_at"],
        "attributed_at": {5: 4, 8: 6, 13: 11, 16: 25, 18: 50}.get(number, 0) * DAY + 60,
    }
    for number in range(20)
)
# Four classes a journey: on the way, out by purchase, out for another reason, and changed late.
ENROLLMENT_CLASSES: tuple[Mapping[str, int], ...] = tuple(
    {"enrolled_at": 0}
    | ({"exited_at": 3 * DAY} if number // 10 in {1, 2} else {})
    | ({"touched_at": (4 + number % 10 * 6) * DAY} if number // 10 == 3 else {})  # noqa: PLR2004
    for number in range(40)
)


class Line(NamedTuple):
    """One line of an order: which product and variant, how many, in hundredths."""

    product: int
    variant: int
    quantity: int
    price: int


class Sums(NamedTuple):
    """The amounts of an order, in hundredths."""

    lines: list[Line]
    discount: int
    tax: int
    shipping: int
    total: int


def sums(world: World, index: int, draw: tuple[int, ...]) -> Sums:
    """What an order holds and costs."""
    known = 1 + index * world.counts["products"] // world.counts["orders"]
    lines = []
    subtotal = 0
    for number in range(1 + draw[0] % 3):
        product, variant, quantity = draw[1 + number] % known, draw[4 + number] % 3, 1 + draw[7] % 2
        price = world.price(product, variant)
        lines.append(Line(product, variant, quantity, price))
        subtotal += price * quantity
    discount = subtotal // 10 if draw[8] % 4 == 0 else 0
    tax = (subtotal - discount) * 8 // 100
    shipping = 0 if draw[9] % 3 else 499
    return Sums(lines, discount, tax, shipping, subtotal - discount + tax + shipping)


def spent(world: World, index: int) -> int:
    """What an order brought in, in hundredths, after cancellation and refund."""
    kind = index % 20
    if kind in {10, 11, REFUNDED}:
        moments = world.timelines["orders"].moments(index)
        if "paid_at" not in moments or "refunded_at" in moments:
            return 0
    return sums(world, index, world.draws["orders"](index)).total


def person(world: World, index: int) -> Row:
    """Names, addresses and numbers of a customer; none of it once erased."""
    draw = world.draws["customers"](index)
    if index % 60 == ERASABLE and world.customers.touched(index):
        return dict.fromkeys(("email", "phone", "first_name", "last_name", "address"))
    return {
        "email": f"{chance.LAST_NAMES[draw[1] % 30].lower().replace(chr(39), '')}.{index}@example.com",
        "phone": f"+1555{draw[2] * 100 + index % 100:07}" if draw[3] % 5 else None,
        "first_name": chance.FIRST_NAMES[draw[0] % len(chance.FIRST_NAMES)],
        "last_name": chance.LAST_NAMES[draw[1] % len(chance.LAST_NAMES)],
        "address": chance.city(draw[4]) if draw[4] % 9 else None,
    }


def customer(world: World, index: int) -> Row:
    """A Customer 360 profile."""
    draw = world.draws["customers"](index)
    moments = world.customers.moments(index)
    orders = world.ownership.orders_of(index)
    total = sum(spent(world, order) for order in orders)
    merged = index % 60 == ERASABLE + 20 and world.customers.touched(index)
    return {
        **person(world, index),
        "shopify_customer_id": f"gid://shopify/Customer/{7_000_000_000 + index}",
        "lifecycle_stage": ("loyal", "active", "new", "at_risk", "lapsed")[draw[5] % 5],
        "total_spent": money(total),
        "currency": world.currency,
        "orders_count": len(orders),
        "average_order_value": money(total // len(orders)) if orders else None,
        "first_order_at": stamp(moments["first_order_at"]) if orders else None,
        "last_order_at": stamp(moments["last_order_at"]) if orders else None,
        "predicted_ltv_12mo": money(total * 3 // 2 + draw[6] % 10_000) if draw[6] % 7 else None,
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
        "merged_into_id": world.ident("customers", index - 1) if merged else None,
        "created_at": stamp(moments["created_at"]),
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


def order(world: World, index: int) -> Row:
    """An order, with its lines and refunds."""
    draw = world.draws["orders"](index)
    moments = world.timelines["orders"].moments(index)
    holder = world.ownership.owner(index)
    buyer = person(world, holder)
    amounts = sums(world, index, draw)
    refunded = "refunded_at" in moments
    lines = [
        {
            "id": f"li_{index:08}{number}",
            "product_id": world.ident("products", line.product),
            "variant_id": f"var_{line.product:08}{line.variant}",
            "sku": f"SKU-{line.product}-{line.variant}",
            "title": world.title(line.product),
            "quantity": line.quantity,
            "price": money(line.price),
            "total_discount": money(line.price * line.quantity // 10) if amounts.discount else money(0),
        }
        for number, line in enumerate(amounts.lines)
    ]
    refund = {
        "id": f"ref_{index:08}",
        "amount": money(amounts.total),
        "reason": "damaged" if draw[10] % 2 else None,
        "created_at": stamp(moments["refunded_at"]) if refunded else None,
    }
    return {
        "order_number": f"#{1001 + index}",
        "shopify_order_id": f"gid://shopify/Order/{5_000_000_000 + index}",
        "customer_id": world.ident("customers", holder),
        "email": buyer["email"],
        **_status(moments),
        "channel": "amazon" if index % 20 == 12 else ("online_store", "pos")[draw[11] % 2],  # noqa: PLR2004
        "currency": world.currency,
        "total_price": money(amounts.total),
        "subtotal_price": money(amounts.total - amounts.tax - amounts.shipping),
        "total_discounts": money(amounts.discount),
        "total_tax": money(amounts.tax),
        "total_shipping": money(amounts.shipping),
        "total_refunded": money(amounts.total if refunded else 0),
        "discount_codes": ["WELCOME10"] if amounts.discount else [],
        "line_items": lines,
        "refunds": [refund] if refunded else [],
        "shipping_address": buyer["address"],
        "note": chance.NOTES[draw[12] % 8] if draw[12] % 10 == 0 else None,
        "tags": ["gift"] if draw[13] % 12 == 0 else [],
        "test": False,
        **{
            field: stamp(moments[field]) if field in moments else None
            for field in ("placed_at", "paid_at", "fulfilled_at", "cancelled_at", "created_at", "updated_at")
        },
    }


def attribution(world: World, index: int) -> Row:
    """The credit for every other order, with the touches before it."""
    draw = world.draws["attribution"](index)
    moments = world.timelines["attribution"].moments(index)
    number = 2 * index
    revenue = sums(world, number, world.draws["orders"](number)).total
    latest = index * world.counts["campaigns"] // world.counts["attribution"] - 1
    count = 1 + draw[0] % 3
    credits_ = {1: [100], 2: [60, 40], 3: [40, 30, 30]}[count]
    touches: list[Row] = []
    for place in range(count):
        by_journey = draw[1 + place] % 3 == 0
        campaign = None if by_journey else world.launched_campaign(latest - draw[4 + place] % 3)
        touches.append(
            {
                "id": f"tch_{index:08}{place}",
                "channel": chance.CHANNELS[draw[7 + place] % len(chance.CHANNELS)],
                "campaign_id": campaign,
                "journey_id": world.ident("journeys", draw[10 + place] % 10) if by_journey else None,
                "source": ("google", "newsletter", "meta", None)[draw[13 + place] % 4],
                "medium": ("cpc", "email", "social")[draw[13 + place] % 3],
                "credit": money(credits_[place]),
                "revenue": money(revenue * credits_[place] // 100),
                "occurred_at": stamp(moments["ordered_at"] - (count - place) * 5 * HOUR),
            }
        )
    return {
        "order_id": world.ident("orders", number),
        "customer_id": world.ident("customers", world.ownership.owner(number)),
        "model": chance.MODELS[draw[16] % len(chance.MODELS)],
        "channel": touches[0]["channel"],
        "campaign_id": touches[0]["campaign_id"],
        "revenue": money(revenue),
        "currency": world.currency,
        "credit_per_touchpoint": [touch["credit"] for touch in touches],
        "touchpoints": touches,
        "ordered_at": stamp(moments["ordered_at"]),
        "attributed_at": stamp(moments["attributed_at"]),
    }


def enrollment(world: World, index: int) -> Row:
    """A customer's way through a journey."""
    draw = world.draws["enrollments"](index)
    moments = world.timelines["enrollments"].moments(index)
    exited = "exited_at" in moments
    bought = exited and index % 40 // 10 == 1
    reason = "purchase" if bought else ("unsubscribed", "completed")[draw[0] % 2]
    return {
        "journey_id": world.ident("journeys", index % 10),
        "customer_id": world.ident("customers", 2 * index),
        "status": "exited" if exited else "active",
        "current_step_id": None if exited else f"stp_{index % 10}{draw[1] % 4}",
        "steps_executed": draw[1] % 4,
        "exit_reason": reason if exited else None,
        "converted_order_id": world.ident("orders", 6 * index) if bought else None,
        "enrolled_at": stamp(moments["enrolled_at"]),
        "exited_at": stamp(moments["exited_at"]) if exited else None,
        "updated_at": stamp(moments["updated_at"]),
    }
