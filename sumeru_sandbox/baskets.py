"""What orders hold: baskets, each of which many orders share."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox import chance
from sumeru_sandbox.chance import money

if TYPE_CHECKING:
    from sumeru_sandbox.outline import Outline

    Row = dict[str, Any]

BASKETS = 16  # of an era
ERA = 8  # products that appear in an era
_KEPT = 2**12


class Basket(NamedTuple):
    """What an order holds, and its sums in hundredths; many orders hold the same."""

    lines: list[Row]
    total: int
    attributes: Row


class Baskets:
    """The baskets of a shop."""

    def __init__(self, shop: Outline) -> None:
        self._shop = shop
        self._filled = lru_cache(_KEPT)(self._basket)

    def _basket(self, era: int, number: int) -> Basket:
        """One of the baskets of an era, filled from the products that there are by then."""
        draw = self._shop.draws["orders"](era * BASKETS + number)
        known = min(era * ERA + 1, self._shop.counts["products"])
        discounted = draw[8] % 4 == 0
        lines = []
        subtotal = 0
        for place in range(1 + draw[0] % 3):
            product, variant, quantity = draw[1 + place] % known, draw[4 + place] % 3, 1 + draw[7] % 2
            price = self._shop.price(product, variant)
            subtotal += price * quantity
            lines.append(
                {
                    "id": "",
                    "product_id": self._shop.ident("products", product),
                    "variant_id": f"var_{product:08}{variant}",
                    "sku": f"SKU-{product}-{variant}",
                    "title": self._shop.title(product),
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
            "currency": self._shop.currency,
            "total_price": money(total),
            "subtotal_price": money(subtotal - discount),
            "total_discounts": money(discount),
            "total_tax": money(tax),
            "total_shipping": money(shipping),
            "discount_codes": ["WELCOME10"] if discounted else [],
        }
        return Basket(lines, total, attributes)

    def of(self, index: int) -> Basket:
        """The basket of an order."""
        era = index * self._shop.counts["products"] // (self._shop.counts["orders"] * ERA)
        return self._filled(era, chance.number(index) % BASKETS)
