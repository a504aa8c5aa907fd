"""Orders with unusual values: put into the sandbox, synced, and compared with what the tap writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap

Json = dict[str, Any]
Texts = dict[str, msgspec.Raw]
"""A JSON object by name, each value as its JSON text."""

texts = msgspec.json.Decoder(Texts).decode
json_text = msgspec.json.Encoder(decimal_format="number").encode


def raw(text: str) -> msgspec.Raw:
    """Return JSON text that the sandbox sends unchanged."""
    return msgspec.Raw(text.encode())


class OrderSet:
    """Orders that a test module declares, before one sync reads them all.

    Attributes:
        attributes: The attributes of each order, by id.
    """

    def __init__(self) -> None:
        self.attributes: dict[str, Json] = {}

    def add(self, name: str, **attributes: Any) -> str:
        """Add an order and return its id."""
        self.attributes[name] = attributes
        return name


class SyncedOrders:
    """Records of unusual orders, and the same orders as the sandbox holds them.

    Args:
        sandbox: A sandbox with the shop acme. Its orders are replaced.
        tap: The tap, set up for that shop.
        orders: The attributes of each order, by id.
        switches: Switches of the sandbox for orders.
        config: Settings of the tap.
    """

    def __init__(
        self, sandbox: Sandbox, tap: Tap, orders: Mapping[str, Json], switches: Json, config: Json
    ) -> None:
        # With small pages, a page that takes another path through the code holds few orders.
        sandbox.configure({"orders": {"page_cap": 3, **switches}})
        for order in sandbox.truth("acme", "orders"):
            sandbox.delete("acme", "orders", order["id"])
        for name, attributes in orders.items():
            sandbox.put("acme", "orders", name, **attributes)
        output = tap.sync(streams=("orders",), **config)
        assert output.code == 0, output.log
        self._truth = {order["id"]: order for order in sandbox.truth("acme", "orders")}
        records = [texts(message["record"]) for message in map(texts, output.lines) if "record" in message]
        self._records = {msgspec.json.decode(record["id"]): record for record in records}

    def record(self, name: str) -> Texts:
        """Return the record of an order."""
        return self._records[name]

    def extra_of(self, name: str) -> Texts:
        """Return the column `extra` of an order, empty if it is null."""
        extra = bytes(self.record(name)["extra"])
        return {} if extra == b"null" else texts(extra)

    def assert_same(self, name: str, *columns: str) -> None:
        """Assert that these columns hold the sandbox's values and that `extra` is empty."""
        for column in columns:
            assert bytes(self.record(name)[column]) == json_text(self._truth[name][column]), (name, column)
        assert self.extra_of(name) == {}

    def assert_in_extra(self, name: str, *attributes: str) -> None:
        """Assert that `extra` holds exactly these attributes and that their columns are null."""
        extra = self.extra_of(name)
        assert set(extra) == set(attributes)
        for one in attributes:
            assert bytes(extra[one]) == json_text(self._truth[name][one]), (name, one)
            assert bytes(self.record(name).get(one, b"null")) == b"null"
