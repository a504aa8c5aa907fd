"""Promise 4: one failure stays one failure, takes nobody's time but its own, and is told in one line."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

import pytest
from typing_extensions import override

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from support.tap_cli import Json, Output


def errors(output: Output) -> list[str]:
    """What the log says at level ERROR, without time and name."""
    lines = (line.split(" | ") for line in output.log.splitlines())
    return [line[-1].strip() for line in lines if len(line) > 1 and line[1].strip() == "ERROR"]


def last_line(output: Output) -> str:
    return output.log.splitlines()[-1].split(" | ")[-1].strip()


def assert_complete(output: Output, sandbox: Sandbox, *shops: str) -> None:
    for shop in shops:
        for stream in STREAMS:
            truth = sorted(row["id"] for row in sandbox.truth(shop, stream))
            assert sorted(output.ids(stream, shop)) == truth, (shop, stream)
            assert "replication_key_value" in output.bookmark(stream, shop), (shop, stream)


class Host(ExitStack):
    """A host that takes connections, and answers one byte at a time, or nothing, until the `with` ends."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__()
        self._answer = answer
        self._end = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]

    @override
    def __enter__(self) -> Self:
        self._threads[0].start()
        return super().__enter__()

    @override
    def __exit__(self, *_: object) -> None:
        self._end.set()
        with socket.create_connection(self._listener.getsockname()):
            self._threads[0].join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._end.is_set():
            connection, _ = self._listener.accept()
            self._threads.append(threading.Thread(target=self._drip, args=(connection,)))
            self._threads[-1].start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for byte in self._answer:
                connection.sendall(bytes([byte]))
                if self._end.wait(0.02):
                    return
            self._end.wait()


def refusing() -> str:
    """The address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


DRIPPING = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 999


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("hangs", "no answer within the read timeout (3 requests in a row)"),
        ("drips", "no answer within the read timeout (3 requests in a row)"),
        ("refuses", "the connection failed (3 requests in a row)"),
        ("unknown", "the host name cannot be resolved (3 requests in a row)"),
    ],
)
def test_a_shop_whose_host_is_silent_fails_alone_as_a_whole_and_in_one_line(
    many: Tap, shops: Sandbox, kind: str, cause: str
) -> None:
    with Host() as hanging, Host(DRIPPING) as dripping:
        urls = {
            "hangs": hanging.url,
            "drips": dripping.url,
            "refuses": refusing(),
            "unknown": "https://no-such-shop.invalid",
        }
        many.config["shops"][1]["api_url"] = urls[kind]
        output = many.sync(max_retries=2, request_timeout_seconds=0.2)
    assert output.code == 1
    assert_complete(output, shops, "acme", "initech")
    assert output.records("orders", "globex") == []
    assert "replication_key_value" not in output.bookmark("orders", "globex")
    assert errors(output) == [
        (
            f"Shop globex: all streams failed: {cause}. "
            "Check `api_url` and the network, then run the tap again: it continues where it stopped."
        )
    ]
    assert "Traceback" not in output.log
    assert "22 of 33 streams complete in 3 shops; 1 failure" in last_line(output)


def read_while_others_hang(tap: Tap, wanted: dict[str, int]) -> None:
    """Run a sync until all rows of a shop are there, which the hanging shops never let end by itself."""
    with subprocess.Popen(
        tap.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            seen = dict.fromkeys(wanted, 0)
            for line in process.stdout:
                for stream in wanted:
                    seen[stream] += f'"RECORD","stream":"{stream}"' in line and '"shop":"acme"' in line
                if seen == wanted:
                    break
            assert seen == wanted
        finally:
            process.kill()


def test_shops_that_hang_in_the_middle_do_not_hold_up_the_others(tmp_path: Path) -> None:
    """Five shops with eight requests in flight each are more than the pool has threads."""
    names = [f"hanging{i}" for i in range(5)]
    settings: dict[str, Json] = {
        f"{name}/*": {"faults": [{"kind": "hang", "seconds": 3600}]} for name in names
    }
    settings |= {f"{name}/attribution": {"faults": [], "page_cap": 100} for name in names}
    settings["acme/*"] = {"page_cap": 10}
    with Sandbox(["acme", *names], customers=100, settings=settings) as sandbox:
        entries = [{"shop": name, "api_token": sandbox.token(name)} for name in [*names, "acme"]]
        tap = tap_of(tmp_path, sandbox, entries)
        counts = {name: count for name, count in sandbox.counts()["acme"].items() if count}
        read_while_others_hang(tap, counts)


def test_many_shops_that_hang_from_the_start_do_not_hold_up_the_others(tmp_path: Path) -> None:
    names = [f"hanging{i}" for i in range(40)]
    with Sandbox(["acme"], customers=100) as sandbox, Host() as host:
        entries = [{"shop": name, "api_token": "copt_test_x", "api_url": host.url} for name in names]
        tap = tap_of(tmp_path, sandbox, [*entries, {"shop": "acme", "api_token": sandbox.token("acme")}])
        counts = {name: count for name, count in sandbox.counts()["acme"].items() if count}
        read_while_others_hang(tap, counts)


def tap_of(folder: Path, sandbox: Sandbox, entries: list[Json]) -> Tap:
    return Tap(folder, {"api_url": sandbox.url, "shops": entries})


LASTING: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 422}, "stream_options"),
    ({"kind": "redirect"}, "redirects"),
    ({"kind": "html"}, "not JSON"),
    ({"kind": "reset"}, "the connection failed"),
]


@pytest.mark.parametrize(("fault", "advice"), LASTING, ids=lambda value: str(value)[:40])
def test_a_lasting_fault_of_one_stream_leaves_the_others_complete(
    tap: Tap, sandbox: Sandbox, fault: dict[str, Any], advice: str
) -> None:
    sandbox.configure({"orders": {"faults": [fault]}})
    output = tap.sync(streams=("orders", "customers", "products"), max_retries=1)
    assert output.code == 1
    assert "Shop acme: orders failed" in output.log
    assert advice in output.log
    assert "Traceback" not in output.log
    assert len(output.ids("customers")) == 100
    assert len(output.ids("products")) == sandbox.counts()["acme"]["products"]
    assert "replication_key_value" not in output.bookmark("orders")
    assert "replication_key_value" in output.bookmark("customers")


def test_a_token_without_a_scope_fails_the_streams_that_need_it(tap: Tap, sandbox: Sandbox) -> None:
    tap.config["api_token"] = sandbox.token("acme", scopes=["customers:read"])
    output = tap.sync()
    assert output.code == 1
    assert set(output.counts()) == {"customers", "usage"}
    for scope in ("orders:read", "attribution:read", "journeys:read", "products:read", "analytics:read"):
        assert f"Grant `{scope}`" in output.log
    assert "Shop acme: enrollments failed: 403 forbidden: the list of journeys failed" in output.log


def test_a_journey_that_is_listed_but_not_found_fails_its_stream(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"enrollments": {"faults": [{"kind": "status", "status": 404, "times": 1}]}})
    output = tap.sync(streams=("enrollments", "orders"))
    assert output.code == 1
    assert "is listed, but its enrollments are not found (request req_" in output.log
    assert 0 < len(output.ids("enrollments")) < sandbox.counts()["acme"]["enrollments"]
    assert "replication_key_value" not in output.bookmark("enrollments")
    assert set(output.ids("orders")) == {row["id"] for row in sandbox.truth("acme", "orders")}


def test_each_failure_is_one_line_with_its_cause_and_what_to_do(many: Tap, shops: Sandbox) -> None:
    many.config["shops"][0]["api_token"] = "copt_test_wrong"
    shops.configure(
        {
            "globex/orders": {"faults": [{"kind": "status", "status": 403}]},
            "globex/journeys": {"faults": [{"kind": "status", "status": 404}]},
            "initech/products": {"rows": [{"kind": "not_an_object", "every": 7}]},
            "initech/usage": {"faults": [{"kind": "status", "status": 500}]},
        }
    )
    catalog = many.catalog("orders", "enrollments", "products", "usage", "customers")
    output = many.sync(catalog=catalog, max_retries=1)
    assert output.code == 1
    assert "copt_test_wrong" not in output.log
    assert shops.stats()["errors"] == 4, "one try each, but two at the 500; the 401 belongs to no shop"
    found = sorted(map(_without_id, errors(output)))
    assert found == [
        (
            "Shop acme: all streams failed: 401 unauthenticated: a valid token is required: "
            "Authorization: [token] (request req_). "
            "Put a valid token in `api_token` (or the shop's entry): Settings → API tokens in Sumeru."
        ),
        (
            "Shop globex: enrollments failed: 404 not_found: the list of journeys failed: "
            "made to fail with 404 (request req_). "
            "Check `api_url`; if it is right, this shop's API does not have the resource: "
            "deselect `enrollments`."
        ),
        (
            "Shop globex: orders failed: 403 forbidden: made to fail with 403 (request req_). "
            "Grant `orders:read` to the token in Settings → API tokens, or deselect `orders`."
        ),
        (
            "Shop initech: products failed: a row is not an object. "
            "Run the tap again; if the error persists, report it: the API has changed."
        ),
        (
            "Shop initech: usage failed: 500 internal_error: made to fail with 500 (2 tries) (request req_). "
            "Check `api_url` and the network, then run the tap again: it continues where it stopped."
        ),
    ]
    for failed in ("globex/orders", "globex/enrollments", "initech/products", "initech/usage"):
        shop, stream = failed.split("/")
        assert "replication_key_value" not in output.bookmark(stream, shop)
    for shop in ("globex", "initech"):
        assert len(output.ids("customers", shop)) == 100


def _without_id(line: str) -> str:
    before, request, after = line.partition("(request req_")
    return before + request + after.lstrip("0123456789abcdef") if request else line


def test_the_summary_tells_streams_first_and_the_whole_last(many: Tap, shops: Sandbox) -> None:
    shops.configure({"globex/orders": {"faults": [{"kind": "status", "status": 403}]}})
    output = many.sync(streams=("campaigns", "orders"))
    told = [line.split(" | ")[-1].strip() for line in output.log.splitlines()]
    orders = 2 * shops.counts()["acme"]["orders"]
    start = told.index("campaigns: 30 records; date filter proven.")
    assert told[start + 1] == f"orders: {orders} records; incomplete in 1 of 3 shops; date filter proven."
    assert told[start + 2].startswith("Not selected: customers, attribution, journeys")
    assert told[start + 3].startswith("Shop globex: orders failed: 403")
    requests = shops.stats()["requests"]
    assert told[start + 4].startswith(f"Sync incomplete: {30 + orders} records, {requests} requests, ")
    assert told[start + 4].endswith(" s; 5 of 6 streams complete in 3 shops; 1 failure.")
    assert len(told) == start + 5


def test_the_summary_tells_how_long_the_rate_limit_took(tap: Tap, sandbox: Sandbox) -> None:
    fault = {"kind": "status", "status": 429, "retry_after": 1, "times": 1}
    sandbox.configure({"usage": {"faults": [fault]}})
    output = tap.sync(streams=("usage",))
    assert output.code == 0
    assert "1 of 1 streams complete; waited " in last_line(output)
    assert last_line(output).endswith(" s for the rate limit, which refused 1 request.")


def test_both_entries_with_one_token_are_read(tap: Tap, sandbox: Sandbox) -> None:
    token = tap.config.pop("api_token")
    names = (tap.config.pop("shop"), "again")
    tap.config["shops"] = [{"shop": name, "api_token": token} for name in names]
    output = tap.sync(streams=("orders", "usage"))
    assert output.code == 0, output.log
    for name in names:
        assert len(output.ids("orders", name)) == sandbox.counts()["acme"]["orders"]


def test_on_error_stop_leaves_the_rest_to_the_next_run(many: Tap, shops: Sandbox) -> None:
    shops.configure(
        {
            "*": {"page_cap": 10, "latency_ms": 20},
            "globex/customers": {"faults": [{"kind": "status", "status": 403, "after": 3}]},
        }
    )
    output = many.sync(on_error="stop")
    assert output.code == 1
    assert len(errors(output)) == 1
    assert last_line(output) == (
        "Stopped at the first failure, because `on_error` is `stop`. "
        "The next run continues from the last STATE."
    )
    assert "Sync incomplete: " in output.log
    assert output.messages[-1]["type"] == "STATE"
    shops.configure({"*": {"page_cap": None, "latency_ms": None}, "globex/customers": {"faults": None}})
    again = many.sync(output.state)
    assert again.code == 0, again.log
    for shop in shops.counts():
        for stream in STREAMS:
            truth = {row["id"] for row in shops.truth(shop, stream)}
            assert {*output.ids(stream, shop), *again.ids(stream, shop)} == truth, (shop, stream)
