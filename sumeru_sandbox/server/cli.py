"""The command line of `sumeru-sandbox`."""

from __future__ import annotations

import argparse
import ipaddress
import json
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from typing_extensions import override

from sumeru_sandbox.faults.switches import switch_names
from sumeru_sandbox.server.accounts import PLANS
from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.http_server import create_server, open_socket
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.world.clock import Clock, parse_timestamp
from sumeru_sandbox.world.shop_model import DEFAULT_JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Sequence


_MAX_PORT = 65535


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "sumeru-sandbox",
        description="The documented Sumeru v1 admin API as a local server, with generated shops.",
        epilog=f"Scopes: *, STREAM, SHOP/*, SHOP/STREAM. Switches: {', '.join(switch_names())}.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8650, help="port to listen on; 0 picks any free port")
    add("--public", action="store_true", help="allow a --host that other machines can reach")
    add("--shops", default="acme,globex,initech", help="comma-separated shop names")
    add("--customers", type=int, default=10_000, help="number of customers per shop")
    add("--journeys", type=int, default=DEFAULT_JOURNEYS, help="number of journeys per shop")
    add("--seed", type=int, default=1, help="seed of the generated rows and tokens")
    add("--plan", choices=PLANS, default="agency", help="plan of all shops")
    add("--rate-limit", type=int, help="requests per minute on the enterprise plan; 0 means no limit")
    add("--now", type=_parse_now, help="ISO 8601 time at which the clock starts and the generated rows end")
    add("--live", type=float, default=0, help="live events per hour and shop")
    add("--set", action="append", default=[], metavar="SCOPE.KEY=VALUE", help="set a switch; can be repeated")
    return parser


def _parse_now(text: str) -> int:
    timestamp = parse_timestamp(text)
    if timestamp is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a timestamp like 2026-05-10T14:00:00Z")
    return timestamp


def _parse_switches(pairs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse `SCOPE.KEY=VALUE` arguments into settings; a value that is not JSON is a string."""
    settings: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        scope, dot, key = name.rpartition(".")
        if not (equals and dot):
            raise ValueError(f"--set {pair}: must be SCOPE.KEY=VALUE")
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
        raise ValueError(f"--host {host}: other machines can reach this address; add --public to allow it")
    if arguments.rate_limit is not None and arguments.plan != "enterprise":
        raise ValueError(f"--rate-limit: the {arguments.plan} plan has a fixed limit; use --plan enterprise")
    if not 0 <= arguments.port <= _MAX_PORT:
        raise ValueError(f"--port: must be from 0 to {_MAX_PORT}")
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
    return Api(options, Clock(arguments.now), _parse_switches(arguments.set))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the server until it is stopped by a signal."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        api = _api(arguments)
        server = create_server(api)
        listener = open_socket(arguments.host, arguments.port)
    except ModuleNotFoundError:
        parser.error("the server is not installed; in a clone of tap-sumeru, run: pip install '.[sandbox]'")
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        signal.signal(number, lambda *_, code=code: sys.exit(code))
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    lines = [f"sumeru-sandbox: http://{host}:{listener.getsockname()[1]}"]
    for token in api.accounts.default_tokens.values():
        limit = f"{token.limit} requests per minute" if token.limit else "no rate limit"
        lines.append(f"  {token.shop}  {token.text}  ({token.plan}, {limit})")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
