"""Settings of the bulk loader for PostgreSQL: those of the target, or an error that names one."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import conninfo

from tap_sumeru.bulk.postgres_settings import PostgresSettings, from_environment
from tap_sumeru.errors import SettingsError

URL = "postgresql://loader:p%40ss@db.example.com:6432/warehouse?sslmode=require"
PARTS = {
    "user": "loader",
    "password": "p@ss",
    "host": "db.example.com",
    "port": "6432",
    "dbname": "warehouse",
}


@pytest.mark.parametrize(
    "url", [URL, URL.replace("postgresql", "postgresql+psycopg"), URL.replace("ql+", "+")]
)
def test_a_url_of_sqlalchemy_is_one_of_libpq(url: str) -> None:
    found = conninfo.conninfo_to_dict(PostgresSettings.of({"sqlalchemy_url": url}).conninfo)
    assert found == {**PARTS, "sslmode": "require", "application_name": "tap-sumeru-bulk"}


def test_the_parts_of_a_url_can_be_given_apart() -> None:
    config: Any = {"host": "db.example.com", "port": 6432, "user": "loader", "password": "p@ss"}
    settings = PostgresSettings.of({**config, "database": "warehouse"})
    found = conninfo.conninfo_to_dict(settings.conninfo)
    assert found == {**PARTS, "application_name": "tap-sumeru-bulk"}
    assert "p@ss" not in repr(settings)


def test_the_environment_of_the_loader_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SQLALCHEMY_URL": URL, "HARD_DELETE": "true", "DEFAULT_TARGET_SCHEMA": ""}.items():
        monkeypatch.setenv(f"TARGET_POSTGRES_{name}", value)
    settings = PostgresSettings.of(from_environment())
    assert (settings.schema, settings.hard_delete, settings.metadata) == ("sumeru", True, True)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ssl_enable": True}, "ssl_enable: the bulk loader does not support this setting of the target."),
        ({"ssh_tunnel": {"enable": True}}, "ssh_tunnel: the bulk loader does not support"),
        ({"stream_maps": {"orders": None}}, "stream_maps: the bulk loader does not support"),
        ({"hard_delete": "perhaps"}, "hard_delete: must be true or false."),
        ({"add_record_metadata": False}, "activate_version: must be false if add_record_metadata is."),
        ({"sqlalchemy_url": "postgresql://a:secret%@b/c"}, "sqlalchemy_url: must be a URL such as"),
    ],
)
def test_what_cannot_be_honoured_is_an_error_without_a_value(config: Any, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        PostgresSettings.of(config)
    assert str(raised.value).startswith(message)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "config",
    [
        {
            "ssl_enable": "false",
            "ssh_tunnel": {"enable": False},
            "stream_maps": {},
            "flattening_enabled": None,
        },
        {"add_record_metadata": "false", "activate_version": "false"},
        {"use_copy": True, "validate_records": False, "sanitize_null_text_characters": True},
    ],
)
def test_settings_without_an_effect_here_are_accepted(config: Any) -> None:
    assert PostgresSettings.of({"sqlalchemy_url": URL, **config}).conninfo


@pytest.mark.parametrize(("text", "reveals"), [("refused", False), ("no p@ss", True), ("host 'x@y'", True)])
def test_a_text_that_may_hold_the_password_is_recognised(text: str, reveals: bool) -> None:
    assert PostgresSettings.of({"sqlalchemy_url": URL}).reveals(text) is reveals
