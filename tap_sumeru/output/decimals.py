"""Numbers in the type DECIMAL(38, 9) of Spark and Parquet: exact, or not at all."""

from __future__ import annotations

from decimal import Decimal

PRECISION, SCALE = 38, 9


def decimal_text(number: str) -> str | None:
    """Return a number with no more digits than the type has, None if it needs more.

    Args:
        number: The number as JSON; it may have zeros at its end, or an exponent of any size.
    """
    try:
        sign, digits, exponent = Decimal(number).as_tuple()
    except ArithmeticError:
        return None
    if not isinstance(exponent, int):
        return None
    significant = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(significant)
    if not significant:
        return "0"
    if exponent < -SCALE or len(significant) + exponent > PRECISION - SCALE:
        return None
    return f"{'-' if sign else ''}{significant}E{exponent}"
