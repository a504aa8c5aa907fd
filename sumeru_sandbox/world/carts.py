"""What orders hold: baskets, each of which many orders share."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.world import random_source as chance
from sumeru_sandbox.world.random_source import money

if TYPE_CHECKING:
    from sumeru_sandbox.world.shop_model import Outline

    Row = dict[str, Any]

BASKETS = 16  # of an era
ERA = 8  # products that appear in an era
_KEPT = 2**12


class Bill(NamedTuple):
    """Product, variant and price of each line, so many of each, and the sums in hundredths."""

    lines: list[tuple[int, int, int]]
    quantity: int
    subtotal: int
    discount: int
    tax: int
    shipping: int
    total: int


class Basket(NamedTuple):
    """A basket as orders show it."""

    lines: list[Row]
    attributes: Row


class Baskets:
    """The baskets of a shop."""

    def __init__(self, shop: Outline) -> None:
        self._shop = shop
        self._products, self._orders = shop.counts["products"], shop.counts["orders"]
        # Most of those who ask want to know the total only, and that is soon found.
        self._bill = lru_cache(_KEPT)(self._reckoned)
        self._basket = lru_cache(_KEPT)(self._filled)

    def of(self, order: int) -> Basket:
        """The basket of an order."""
        return self._basket(self._number(order))

    def total(self, order: int) -> int:
        """What the basket of an order costs, in hundredths."""
        return self._bill(self._number(order)).total

    def _number(self, order: int) -> int:
        """Which basket an order has: one of those of its era."""
        return order * self._products // self._orders // ERA * BASKETS + chance.number(order) % BASKETS

    def _reckoned(self, number: int) -> Bill:
        """The bill of a basket, which is filled from the products that there are by its era."""
        draw = self._shop.draws["orders"](number)
        known = min(number // BASKETS * ERA + 1, self._products)
        lines = []
        for place in range(1 + draw[0] % 3):
            product, variant = draw[1 + place] % known, draw[4 + place] % 3
            lines.append((product, variant, self._shop.price(product, variant)))
        quantity = 1 + draw[7] % 2
        subtotal = quantity * sum(price for _, _, price in lines)
        discount = 0 if draw[8] % 4 else subtotal // 10
        tax = (subtotal - discount) * 8 // 100
        shipping = 0 if draw[9] % 3 else 499
        total = subtotal - discount + tax + shipping
        return Bill(lines, quantity, subtotal, discount, tax, shipping, total)

    def _filled(self, number: int) -> Basket:
        bill = self._bill(number)
        lines = [
            {
                "id": "",
                "product_id": self._shop.ident("products", product),
                "variant_id": f"var_{product:08}{variant}",
                "sku": f"SKU-{product}-{variant}",
                "title": self._shop.title(product),
                "quantity": bill.quantity,
                "price": money(price),
                "total_discount": money(price * bill.quantity // 10 if bill.discount else 0),
            }
            for product, variant, price in bill.lines
        ]
        attributes = {
            "currency": self._shop.currency,
            "total_price": money(bill.total),
            "subtotal_price": money(bill.subtotal - bill.discount),
            "total_discounts": money(bill.discount),
            "total_tax": money(bill.tax),
            "total_shipping": money(bill.shipping),
            "discount_codes": ["WELCOME10"] if bill.discount else [],
        }
        return Basket(lines, attributes)
