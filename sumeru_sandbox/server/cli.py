"""The command `sumeru-sandbox`."""

from __future__ import annotations

import argparse
import ipaddress
import json
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from typing_extensions import override

from sumeru_sandbox.server.accounts import PLANS
from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.embedded import listening, server
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.world.clock import Clock, parse_moment
from sumeru_sandbox.world.shop_model import JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Sequence


_LAST_PORT = 65535


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "sumeru-sandbox",
        description="The documented Sumeru v1 admin API as a local server, with made-up shops.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8650, help="port, 0 for any free one")
    add("--public", action="store_true", help="allow a host that others can reach")
    add("--shops", default="acme,globex,initech", help="names, comma-separated")
    add("--customers", type=int, default=10_000, help="customers of each shop")
    add("--journeys", type=int, default=JOURNEYS, help="journeys of each shop")
    add("--seed", type=int, default=1, help="another seed, other rows and tokens")
    add("--plan", choices=PLANS, default="agency", help="plan of each shop")
    add("--rate-limit", type=int, help="requests a minute of the enterprise plan, 0 for no limit")
    add("--now", type=_moment, help="where the clock starts, and the rows end, as ISO 8601")
    add("--live", type=float, default=0, help="events an hour in each shop")
    add("--set", action="append", default=[], metavar="SCOPE.KEY=VALUE", help="a switch, repeatable")
    return parser


def _moment(text: str) -> int:
    moment = parse_moment(text)
    if moment is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment like 2026-05-10T14:00:00Z")
    return moment


def _switches(pairs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`SCOPE.KEY=VALUE`s as settings; what is no JSON is text."""
    settings: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        scope, dot, key = name.rpartition(".")
        if not (equals and dot):
            raise ValueError(f"--set {pair}: SCOPE.KEY=VALUE is expected")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        settings.setdefault(scope, {})[key] = value
    return settings


def _api(arguments: argparse.Namespace) -> Api:
    host = arguments.host
    local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    if not (local or arguments.public):
        raise ValueError(f"--host {host} can be reached by others: add --public if that is meant")
    if arguments.rate_limit is not None and arguments.plan != "enterprise":
        raise ValueError(f"--rate-limit: the {arguments.plan} plan has its own; use --plan enterprise")
    if not 0 <= arguments.port <= _LAST_PORT:
        raise ValueError(f"--port: from 0 to {_LAST_PORT}")
    options = Options(
        tuple(name.strip() for name in arguments.shops.split(",")),
        arguments.customers,
        arguments.seed,
        arguments.plan,
        arguments.rate_limit or 0,
        arguments.now,
        arguments.live,
        arguments.journeys,
    )
    return Api(options, Clock(arguments.now), _switches(arguments.set))


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        api = _api(arguments)
        served = server(api)
        listener = listening(arguments.host, arguments.port)
    except ModuleNotFoundError:
        parser.error("the server is an extra: install tap-sumeru[sandbox]")
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        signal.signal(number, lambda *_, code=code: sys.exit(code))
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    lines = [f"sumeru-sandbox: http://{host}:{listener.getsockname()[1]}"]
    for token in api.accounts.first.values():
        limit = f"{token.limit} requests a minute" if token.limit else "no rate limit"
        lines.append(f"  {token.shop}  {token.text}  ({token.plan}, {limit})")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    served.run(sockets=[listener])


if __name__ == "__main__":
    main()
