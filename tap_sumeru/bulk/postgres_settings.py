"""Settings for PostgreSQL: those of meltanolabs-target-postgres, from its config file or its variables."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import conninfo

from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "TARGET_POSTGRES_"
_DEFAULT_SCHEMA = "sumeru"
_PARAMETERS = {"host": "host", "port": "port", "user": "user", "password": "password", "database": "dbname"}
"""Settings of the target, and the parameters of libpq that they stand for."""
_UNSUPPORTED = (
    *("ssl_enable", "ssl_client_certificate_enable", "ssh_tunnel", "interpret_content_encoding"),
    *("stream_maps", "flattening_enabled"),
)
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


@dataclass(frozen=True)
class PostgresSettings:
    """Where rows go.

    Attributes:
        conninfo: Connection string of libpq; never logged.
        schema: Schema of the tables.
        metadata: Whether tables have the columns `_sdc_…`.
        activate_version: Whether rows that a full read did not return are deleted.
        hard_delete: Whether these rows are removed, instead of marked with the time of their deletion.
    """

    conninfo: str = field(repr=False)
    schema: str = _DEFAULT_SCHEMA
    metadata: bool = True
    activate_version: bool = True
    hard_delete: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> PostgresSettings:
        """Return the settings of a config of the target.

        Raises:
            SettingsError: A setting is not valid, or the bulk loader does not support it.
        """
        for name in _UNSUPPORTED:
            if not _is_off(config.get(name), name):
                raise SettingsError(f"{name}: the bulk loader does not support this setting of the target.")
        settings = cls(
            _conninfo(config),
            str(config.get("default_target_schema") or _DEFAULT_SCHEMA),
            _flag(config, "add_record_metadata", default=True),
            _flag(config, "activate_version", default=True),
            _flag(config, "hard_delete", default=False),
        )
        if settings.activate_version and not settings.metadata:
            raise SettingsError("activate_version: must be false if add_record_metadata is.")
        return settings

    @property
    def address(self) -> str:
        """Host and port, empty if none is set, or if they may hold a part of the password."""
        parts = conninfo.conninfo_to_dict(self.conninfo)
        found = [f"{name} {parts[name]}" for name in ("host", "port") if parts.get(name)]
        return "" if self.reveals(" ".join([*found, str(parts.get("dbname") or "")])) else ", ".join(found)

    def reveals(self, text: str) -> bool:
        """Return whether a text of libpq may hold a part of the password."""
        password = conninfo.conninfo_to_dict(self.conninfo).get("password")
        return "@" in text or bool(password and str(password) in text)


def from_environment() -> dict[str, str]:
    """Return the config of the target that its environment variables hold."""
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and value
    }


def _conninfo(config: Mapping[str, Any]) -> str:
    # SQLAlchemy's URLs may name a driver, which libpq does not know.
    url = re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", str(config.get("sqlalchemy_url") or ""))
    parameters = (
        {}
        if url
        else {parameter: str(config[name]) for name, parameter in _PARAMETERS.items() if config.get(name)}
    )
    try:
        return conninfo.make_conninfo(url, application_name="tap-sumeru-bulk", **parameters)
    except Exception:  # noqa: BLE001 - its text holds the URL
        raise SettingsError(
            "sqlalchemy_url: must be a URL such as postgresql://user:password@host:5432/database, with "
            "characters such as @ and / in the password percent-encoded."
        ) from None


def _is_off(value: object, name: str) -> bool:
    """Return whether a setting of the target is switched off."""
    given = value.get("enable") if isinstance(value, dict) and name == "ssh_tunnel" else value
    return not given or str(given).lower() in _FALSE


def _flag(config: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = config.get(name, default)
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise SettingsError(f"{name}: must be true or false.")
    return text in _TRUE
