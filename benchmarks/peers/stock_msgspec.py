"""The same tap as in `stock.py`, with the SDK's own MsgSpecWriter, which encodes faster."""

from __future__ import annotations

from singer_sdk.contrib.msgspec import MsgSpecWriter
from stock import TapStock


class TapStockMsgSpec(TapStock):
    """The tap with the faster writer."""

    message_writer_class = MsgSpecWriter


if __name__ == "__main__":
    TapStockMsgSpec.cli()
