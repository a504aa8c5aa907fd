"""PostgreSQL that cannot be reached: the message has the cause, host and port, and no password."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from support.hanging_host import refusing_url
from tap_sumeru.bulk.errors import WarehouseError
from tap_sumeru.bulk.postgres import Postgres
from tap_sumeru.bulk.postgres_settings import PostgresSettings

if TYPE_CHECKING:
    from typing import Any

PASSWORD = "s3cret-word"
HINT = "\tIs the server running on that host and accepting TCP/IP connections?"
REFUSED = f'connection to server at "10.0.0.5", port 5432 failed: Connection refused\n{HINT}'
TWO_ADDRESSES = f"{REFUSED}\n{REFUSED.replace('Connection refused', 'timeout expired')}"


def message(**config: Any) -> str:
    settings = PostgresSettings.of({"user": "loader", "password": PASSWORD, "database": "dw", **config})
    with pytest.raises(WarehouseError) as raised:
        Postgres(settings)
    assert raised.value.__suppress_context__
    return str(raised.value)


@pytest.fixture
def libpq(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let each connection fail with the text of libpq that the test names."""

    def fail(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(request.param)

    monkeypatch.setattr(psycopg, "connect", fail)


def test_a_port_on_which_nothing_listens_is_named() -> None:
    port = urlsplit(refusing_url()).port
    assert message(host="127.0.0.1", port=port) == (
        f"PostgreSQL: cannot connect (Connection refused; host 127.0.0.1, port {port})."
    )


@pytest.mark.parametrize(
    ("libpq", "cause"),
    [
        (REFUSED, "Connection refused"),
        (TWO_ADDRESSES, "timeout expired"),
        ('connection to server at "db", port 5 failed: FATAL:  no such role', "FATAL:  no such role"),
        ("could not translate host name", "could not translate host name"),
        ("", "OperationalError"),
    ],
    indirect=["libpq"],
)
@pytest.mark.usefixtures("libpq")
def test_the_cause_is_the_last_that_libpq_names_and_not_its_hint(cause: str) -> None:
    assert message(host="db", port=5) == f"PostgreSQL: cannot connect ({cause}; host db, port 5)."


@pytest.mark.parametrize("libpq", [REFUSED], indirect=True)
@pytest.mark.usefixtures("libpq")
def test_without_host_and_port_there_is_only_the_cause() -> None:
    assert message() == "PostgreSQL: cannot connect (Connection refused)."


@pytest.mark.parametrize("libpq", [REFUSED], indirect=True)
@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"host": f"x@{PASSWORD}"}, "Connection refused"),
        ({"host": "db", "database": f"{PASSWORD}@db/dw"}, "Connection refused"),
        ({"host": f"{PASSWORD}.example.com"}, "Connection refused"),
    ],
)
@pytest.mark.usefixtures("libpq")
def test_an_address_that_may_hold_the_password_is_left_out(config: dict[str, str], shown: str) -> None:
    """A password with an unescaped `@` or `/` in a URL becomes a part of the host or the database."""
    assert message(**config) == f"PostgreSQL: cannot connect ({shown})."


@pytest.mark.parametrize("libpq", [f"connection failed: no {PASSWORD}", "failed: host 'x@y'"], indirect=True)
@pytest.mark.usefixtures("libpq")
def test_a_cause_that_may_hold_the_password_is_left_out() -> None:
    assert message(host="db") == "PostgreSQL: cannot connect (OperationalError)."
