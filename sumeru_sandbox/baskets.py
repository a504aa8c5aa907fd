"""What orders hold: baskets, each of which many orders share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox import chance
from sumeru_sandbox.chance import money

if TYPE_CHECKING:
    from sumeru_sandbox.world import World

    Row = dict[str, Any]

BASKETS = 16  # of an era
ERA = 8  # products that appear in an era


class Basket(NamedTuple):
    """What an order holds, and its sums in hundredths; many orders hold the same."""

    lines: list[Row]
    total: int
    attributes: Row


def basket(world: World, era: int, number: int) -> Basket:
    """One of the baskets of an era, filled from the products that there are by then."""
    draw = world.draws["orders"](era * BASKETS + number)
    known = min(era * ERA + 1, world.counts["products"])
    discounted = draw[8] % 4 == 0
    lines = []
    subtotal = 0
    for place in range(1 + draw[0] % 3):
        product, variant, quantity = draw[1 + place] % known, draw[4 + place] % 3, 1 + draw[7] % 2
        price = world.price(product, variant)
        subtotal += price * quantity
        lines.append(
            {
                "id": "",
                "product_id": world.ident("products", product),
                "variant_id": f"var_{product:08}{variant}",
                "sku": f"SKU-{product}-{variant}",
                "title": world.title(product),
                "quantity": quantity,
                "price": money(price),
                "total_discount": money(price * quantity // 10 if discounted else 0),
            }
        )
    discount = subtotal // 10 if discounted else 0
    tax = (subtotal - discount) * 8 // 100
    shipping = 0 if draw[9] % 3 else 499
    total = subtotal - discount + tax + shipping
    attributes = {
        "currency": world.currency,
        "total_price": money(total),
        "subtotal_price": money(subtotal - discount),
        "total_discounts": money(discount),
        "total_tax": money(tax),
        "total_shipping": money(shipping),
        "discount_codes": ["WELCOME10"] if discounted else [],
    }
    return Basket(lines, total, attributes)


def basket_of(world: World, index: int) -> Basket:
    """The basket of an order."""
    era = index * world.counts["products"] // (world.counts["orders"] * ERA)
    return world.basket(era, chance.number(index) % BASKETS)
