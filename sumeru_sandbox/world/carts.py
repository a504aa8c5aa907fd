"""Generated carts: line items and totals, each shared by many orders."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.world.random_source import pool_index
from sumeru_sandbox.world.sample_values import hundredths

if TYPE_CHECKING:
    from sumeru_sandbox.world.shop_model import ShopModel

    Row = dict[str, Any]

MAX_PERIODS = 64
CARTS_PER_PERIOD = 64  # so few carts can all be cached
MIN_PRODUCTS_PER_PERIOD = 8  # products added in a period; carts contain only products that exist by then
# Equally frequent numbers of lines and quantities: most carts are small, and a few very large.
_LINES = (1, 1, 1, 1, 2, 2, 2, 3, 3, 5)
_QUANTITIES = (*(1,) * 24, *(2,) * 9, 3, 3, 4, 6, 10)


class CartTotals(NamedTuple):
    """The lines of a cart as (product, variant, price), the quantity of each, and the sums in hundredths."""

    lines: list[tuple[int, int, int]]
    quantity: int
    subtotal: int
    discount: int
    tax: int
    shipping: int
    total: int


class Cart(NamedTuple):
    """The line items and the attributes that an order takes from its cart."""

    lines: list[Row]
    attributes: Row


class Carts:
    """The carts of a shop."""

    def __init__(self, shop: ShopModel) -> None:
        self._shop = shop
        self._products = shop.counts["products"]
        self._products_per_period = max(MIN_PRODUCTS_PER_PERIOD, -(-self._products // MAX_PERIODS))
        self._divisor = shop.counts["orders"] * self._products_per_period
        self._known_products = lru_cache(MAX_PERIODS)(self._count_products)
        # Most callers need only the total, which is cheaper than the whole cart.
        self._sums: dict[int, int] = {}
        self._totals = lru_cache(MAX_PERIODS * CARTS_PER_PERIOD)(self._compute_totals)
        self._cart = lru_cache(MAX_PERIODS * CARTS_PER_PERIOD)(self._build_cart)

    def cart_of(self, order: int) -> Cart:
        """Return the cart of an order."""
        return self._cart(self._cart_number(order))

    def total(self, order: int) -> int:
        """Return the total price of an order, in hundredths."""
        number = self._cart_number(order)
        total = self._sums.get(number)
        if total is None:
            total = self._sums[number] = self._totals(number).total
        return total

    def _cart_number(self, order: int) -> int:
        """Choose one of the carts of the order's period or of the 15 periods before."""
        period = order * self._products // self._divisor
        back, cart = divmod(pool_index(order), CARTS_PER_PERIOD)
        return max(0, period - back) * CARTS_PER_PERIOD + cart

    def _count_products(self, period: int) -> int:
        """Return the number of products that exist when the first order of a period is placed."""
        first_order_at = self._shop.timelines["orders"].created_at(
            -(-period * self._divisor // self._products)
        )
        created_at = self._shop.timelines["products"].created_at
        return bisect_right(range(self._products), first_order_at, key=created_at)

    def _compute_totals(self, number: int) -> CartTotals:
        """Compute the lines and sums of a cart, using products that exist by its period."""
        draw = self._shop.draws["orders"](number)
        known = self._known_products(number // CARTS_PER_PERIOD)
        lines = []
        for place in range(_LINES[draw[0] % len(_LINES)]):
            # The square makes older products sell more.
            product, variant = draw[1 + place] ** 2 * known >> 32, draw[6 + place] % 3
            lines.append((product, variant, self._shop.price(product, variant)))
        quantity = _QUANTITIES[draw[11] % len(_QUANTITIES)]
        subtotal = quantity * sum(price for _, _, price in lines)
        discount = 0 if draw[12] % 4 else subtotal // 10
        tax = (subtotal - discount) * 8 // 100
        shipping = 0 if draw[13] % 3 else 499
        total = subtotal - discount + tax + shipping
        return CartTotals(lines, quantity, subtotal, discount, tax, shipping, total)

    def _build_cart(self, number: int) -> Cart:
        totals = self._totals(number)
        lines = [
            {
                "id": "",
                "product_id": self._shop.row_id("products", product),
                "variant_id": f"var_{product:08}{variant}",
                "sku": f"SKU-{product}-{variant}",
                "title": self._shop.title(product),
                "quantity": totals.quantity,
                "price": hundredths(price),
                "total_discount": hundredths(price * totals.quantity // 10 if totals.discount else 0),
            }
            for product, variant, price in totals.lines
        ]
        attributes = {
            "currency": self._shop.currency,
            "total_price": hundredths(totals.total),
            "subtotal_price": hundredths(totals.subtotal - totals.discount),
            "total_discounts": hundredths(totals.discount),
            "total_tax": hundredths(totals.tax),
            "total_shipping": hundredths(totals.shipping),
            "discount_codes": ["WELCOME10"] if totals.discount else [],
        }
        return Cart(lines, attributes)
