"""Promise 5: no token and no customer data in logs, errors, state or metrics, at any level."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_sumeru.errors import mask

if TYPE_CHECKING:
    from conftest import Tap

    from sumeru_sandbox import Sandbox

CANARY = "canary@example.com +1 555 123 4567 copt_live_aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g"

FAULTS: list[dict[str, Any]] = [
    {},
    {"faults": [{"kind": "status", "status": 403, "after": 1}]},
    {"faults": [{"kind": "status", "status": 500, "after": 1}]},
    {"faults": [{"kind": "html", "after": 1}]},
    {"faults": [{"kind": "truncate", "after": 1}]},
    {"rows": [{"kind": "drift", "every": 2}, {"kind": "unknown_field", "every": 3}]},
    {"rows": [{"kind": "not_an_object", "every": 50}]},
]


@pytest.mark.parametrize("faults", FAULTS, ids=str)
def test_whatever_happens_nothing_private_is_written_but_in_records(
    tap: Tap, sandbox: Sandbox, faults: dict[str, Any]
) -> None:
    sandbox.configure({"customers": faults})
    filters = {"customers": {"filters": {"lifecycle_stage": "loyal"}}}
    command = tap.command(streams=("customers", "orders"), max_retries=0, stream_options=filters)
    output = tap.run(command, {"LOGLEVEL": "DEBUG", "TAP_SUMERU_LOGLEVEL": "DEBUG"})
    people = [row for stream in ("customers", "orders") for row in sandbox.truth("acme", stream)]
    private = {tap.config["api_token"], "loyal"}
    private |= {
        row[name] for row in people for name in ("email", "phone", "first_name", "note") if row.get(name)
    }
    beside = output.log + json.dumps([one for one in output.messages if one["type"] == "STATE"])
    for secret in private:
        assert secret not in beside, secret[:3]


def test_what_the_api_says_of_an_error_is_masked(tap: Tap, sandbox: Sandbox) -> None:
    fault = {"kind": "status", "status": 403, "code": CANARY}
    sandbox.configure({"orders": {"faults": [fault]}})
    output = tap.sync(streams=("orders",))
    assert output.code == 1
    for part in ("canary@", "555", "aB3xY9"):
        assert part not in output.log


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no such customer jane.doe+x@example.co.uk", "no such customer [e-mail]"),
        ('field "email": "jane@example.com"', 'field "email": "[e-mail]"'),
        ("call +44 (0)20 7946 0958 now", "call [number] now"),
        ("token copt_test_abcDEF123 expired", "token [token] expired"),
        ("Authorization: Bearer abc.def", "Authorization: [token]"),
        ("key aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g0000", "key [token]"),
        ("token lacks the scope orders:read", "token lacks the scope orders:read"),
        ("line\nbreaks\tare   gone", "line breaks are gone"),
        ("x " * 400, "x " * 150 + "…"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_redirect_to_another_host_is_not_followed(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"faults": [{"kind": "redirect"}]}})
    output = tap.sync(streams=("orders",))
    assert output.code == 1
    assert "redirects" in output.log


def test_netrc_does_not_replace_the_token(tap: Tap, sandbox: Sandbox) -> None:
    netrc = tap.folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    output = tap.run(tap.command(streams=("campaigns",)), {"NETRC": str(netrc)})
    assert output.code == 0, output.log
    assert len(output.ids("campaigns")) == sandbox.counts()["acme"]["campaigns"]
