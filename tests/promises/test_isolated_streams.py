"""Promise 4, isolated: a failure of one stream or shop leaves the others complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.tap_cli import Output
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap

LASTING: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 422}, "stream_options"),
    ({"kind": "redirect"}, "redirects"),
    ({"kind": "html"}, "not JSON"),
    ({"kind": "reset"}, "before an answer came"),
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


FAILURES = [
    (
        "Shop acme: all streams failed: 401 unauthenticated: a valid token is required: "
        "Authorization: [token] (request req_). "
        "Put a valid token in `api_token` (or the shop's entry): Settings → API tokens in Sumeru. "
        "Shops on the EU host need `api_url` https://eu.api.sumeru.systems."
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
    assert shops.stats()["errors"] == 10, (
        "one try each, two at the 500 and six with fewer rows; the 401 counts for no shop"
    )
    found = sorted(map(_without_id, output.errors))
    assert found == FAILURES
    for failed in ("globex/orders", "globex/enrollments", "initech/products", "initech/usage"):
        shop, stream = failed.split("/")
        assert "replication_key_value" not in output.bookmark(stream, shop)
    for shop in ("globex", "initech"):
        assert len(output.ids("customers", shop)) == 100


@pytest.mark.parametrize("command", ["", "--check", "--estimate"])
def test_a_shop_behind_a_wrong_address_is_one_line(many: Tap, shops: Sandbox, command: str) -> None:
    many.config["shops"][1]["api_url"] = f"{shops.url}/api"
    done = many.run_text([*many.command(), *filter(None, [command])])
    assert done.returncode == 1
    (line,) = Output(done.returncode, [], done.stderr).errors
    assert line.startswith("Shop globex")
    assert "404" in line
    assert "Check `api_url`: no selected stream can be read at this address." in line


def _without_id(line: str) -> str:
    before, request, after = line.partition("(request req_")
    return before + request + after.lstrip("0123456789abcdef") if request else line


def test_with_on_error_stop_the_next_run_reads_the_rest(many: Tap, shops: Sandbox) -> None:
    shops.configure(
        {
            "*": {"page_cap": 10, "latency_ms": 20},
            "globex/customers": {"faults": [{"kind": "status", "status": 403, "after": 3}]},
        }
    )
    output = many.sync(on_error="stop")
    assert output.code == 1
    assert output.errors == [output.last_line]
    assert (
        "Stopped at the first failure, because `on_error` is `stop`. "
        "The next run continues from the last STATE."
    ) in output.log
    assert "Sync incomplete: " in output.log
    assert output.messages[-1]["type"] == "STATE"
    shops.configure({"*": {"page_cap": None, "latency_ms": None}, "globex/customers": {"faults": None}})
    again = many.sync(output.state)
    assert again.code == 0, again.log
    for shop in shops.counts():
        for stream in STREAMS:
            truth = {row["id"] for row in shops.truth(shop, stream)}
            assert {*output.ids(stream, shop), *again.ids(stream, shop)} == truth, (shop, stream)
