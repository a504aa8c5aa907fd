"""Made-up values: deterministic draws, and the words and amounts that are drawn."""

from __future__ import annotations

import struct
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[int], tuple[int, ...]]

POOL = 1021
_SCATTER = 2654435761
_CENT = Decimal("0.01")
FIRST_NAMES = (
    "Jane", "Omar", "Priya", "Lucas", "Mia", "Noah", "Aisha", "Liam", "Sofia", "Ethan", "Hana", "Mateo",
    "Ella", "Kofi", "Ruth", "Ivan", "Lena", "Amir", "Clara", "Hugo", "Nina", "Theo", "Maya", "Felix", "Ines",
    "Paul", "Vera", "Sam", "Rosa", "Emil", "Zoë", 'Robert "Bob"',
)  # fmt: skip
LAST_NAMES = (
    "Doe", "Haddad", "Sharma", "Silva", "Rossi", "Smith", "Khan", "Murphy", "Costa", "Brown", "Tanaka",
    "Lopez", "Berg", "Mensah", "Klein", "Petrov", "Fischer", "Nazari", "Weber", "Martin", "Novak", "Laurent",
    "Patel", "Wagner", "Santos", "Meyer", "Sokol", "Young", "Reyes", "Lund", "O'Brien", "Łukaszewicz",
)  # fmt: skip
CITIES = (
    ("Portland", "OR", "US"), ("Austin", "TX", "US"), ("Leeds", "ENG", "GB"), ("München", "BY", "DE"),
    ("Lyon", "ARA", "FR"), ("Pune", "MH", "IN"), ("Toronto", "ON", "CA"), ("São Paulo", "SP", "BR"),
)  # fmt: skip
NOTES = (
    "Gift, please wrap it", "Leave at the door", "Ring twice", "Call before delivery", "Second try",
    'She said "after six", not before', "Für Oma, bitte ohne Rechnung", "贈り物です 🎁",
)  # fmt: skip
THINGS = (
    "Linen Shirt",
    "Wool Socks",
    "Canvas Tote",
    "Oak Stool",
    "Café Mug",
    'Poster 24"',
    "Rain Jacket",
    "Desk Lamp",
)
COLOURS = ("Sand", "Navy", "Olive", "Rust", "Ivory", "Slate")
CHANNELS = ("email", "sms", "whatsapp", "web_push", "ads")
MODELS = ("last_click", "first_click", "linear", "time_decay", "position_based", "data_driven", "blend")


def number(index: int) -> int:
    """Which set of made-up values a row takes, of so few that they can be kept."""
    return index * _SCATTER % POOL


def drawer(*seed: object) -> Draw:
    """A function that draws 32 numbers below 65536 for an index, always the same."""
    key = blake2b("/".join(map(str, seed)).encode(), digest_size=32).digest()
    unpack = struct.Struct("<32H").unpack

    def draw(index: int) -> tuple[int, ...]:
        return unpack(blake2b(index.to_bytes(8, "little"), key=key).digest())

    return draw


def money(cents: int) -> Decimal:
    """An amount with two decimals, from its hundredths; what else has two decimals is made so too."""
    return cents * _CENT


def city(number: int) -> dict[str, object]:
    """An address, from a number below 65536."""
    name, province, country = CITIES[number % len(CITIES)]
    return {
        "line1": f"{number % 200 + 1} Mill Lane",
        "city": name,
        "province": province,
        "postal_code": f"{10000 + number}",
        "country_code": country,
    }
