"""Sample values for generated rows: names, cities, products, channels, amounts and addresses."""

from __future__ import annotations

from decimal import Decimal

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
PRODUCT_NAMES = (
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
ATTRIBUTION_MODELS = (
    "last_click",
    "first_click",
    "linear",
    "time_decay",
    "position_based",
    "data_driven",
    "blend",
)
_CENT = Decimal("0.01")


def hundredths(cents: int) -> Decimal:
    """Convert hundredths, such as cents, to a number with two decimals."""
    return cents * _CENT


def address(number: int) -> dict[str, object]:
    """Return an address for a number below 65536."""
    name, province, country = CITIES[number % len(CITIES)]
    return {
        "line1": f"{number % 200 + 1} Mill Lane",
        "city": name,
        "province": province,
        "postal_code": f"{10000 + number}",
        "country_code": country,
    }
