"""Validated settings of the target, read from the config. No error quotes a value."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from os.path import realpath
from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.numbers import RANGES, read_number
from tap_sumeru.config.schema_violations import first_violation
from tap_sumeru.config.setting_names import check_setting_names
from tap_sumeru.config.shops import Config, header_text, read_shops
from tap_sumeru.config.unknown_names import reject_misspelt, resembling
from tap_sumeru.errors import SettingsError
from target_sumeru.config.schema import CONFIG_SCHEMA, DEFAULTS, MAPPED_STREAM
from target_sumeru.config.streams import ALL_PROTECTED, STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_api.shop import Shop

_MAX_BATCH = 100
_OF_TEST_TOKENS = "copt_test_"
_RANGES = RANGES | {
    "max_writes": (lambda rows: rows >= 0, "of at least 0"),
    "max_changed_share": (lambda share: 0 <= share <= 1, "from 0 to 1"),
    "max_rejected_share": (lambda share: 0 <= share <= 1, "from 0 to 1"),
    "batch_size": (lambda rows: 1 <= rows <= _MAX_BATCH, f"from 1 to {_MAX_BATCH}"),
    "max_campaigns": (lambda number: number >= 0, "of at least 0"),
    "max_recipients": (lambda number: number >= 0, "of at least 0"),
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where the rows of one stream of the tap go.

    Attributes:
        to: Stream of the target.
        columns: New names of columns; an empty one drops the column.
    """

    to: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LaunchLimits:
    """What a run may launch.

    Attributes:
        max_campaigns: Campaigns at most.
        max_recipients: Recipients of all of them at most.
    """

    max_campaigns: int
    max_recipients: int


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, validated; `config/schema.py` describes them.

    Attributes:
        shops: The shops, by name.
        plan_only: Whether nothing is written.
        streams: Where the streams of the tap go, by name; any other stream has the name of the target's.
        compare: `ledger`, `api` or `none`.
        ledger_path: Path of the ledger, empty if there is none.
        match_on: Identifying columns that replace a stream's own, by stream.
        clear_nulls: Whether a null empties a column.
        allow: Protected columns that may be changed.
        max_writes: Rows that may be written.
        max_changed_share: Share of a stream's rows that may be written, None for any.
        max_rejected_share: Share of rejected rows above which the run stops.
        hold_rejected: Whether a rejected row holds back STATE.
        report_path: Path of the report, empty if there is none.
        batch_size: Inventory rows in one request.
        launch: What may be launched, None for nothing.
        concurrency: Requests in flight per shop.
        rate_limit_share: Share of a shop's rate limit that may be used.
        request_timeout_seconds: Read timeout.
        max_retries: Retries per request.
        user_agent: Text to append to the User-Agent header.
    """

    shops: Mapping[str, Shop]
    plan_only: bool
    streams: Mapping[str, Mapped]
    compare: str
    ledger_path: str
    match_on: Mapping[str, tuple[str, ...]]
    clear_nulls: bool
    allow: frozenset[str]
    max_writes: int
    max_changed_share: float | None
    max_rejected_share: float
    hold_rejected: bool
    report_path: str
    batch_size: int
    launch: LaunchLimits | None
    concurrency: int
    rate_limit_share: float
    request_timeout_seconds: float
    max_retries: int
    user_agent: str

    @property
    def places(self) -> dict[str, str]:
        """Host of each shop, and whether its token is one for tests, by name."""
        kinds = {name: shop.token.startswith(_OF_TEST_TOKENS) for name, shop in self.shops.items()}
        return {name: f"{shop.api_url} {kinds[name]}" for name, shop in self.shops.items()}

    @classmethod
    def from_config(cls, config: Config) -> Settings:
        """Return the settings of a config.

        Raises:
            SettingsError: A setting is not valid; the message names it and says what to do.
        """
        config = given_values(config, CONFIG_SCHEMA)
        check_setting_names(config, CONFIG_SCHEMA)
        _check_types(config)
        config = {**DEFAULTS, **config}
        share = "max_changed_share"
        return cls(
            shops={shop.name: shop for shop in read_shops(config, prefix="TARGET_SUMERU_")},
            plan_only=config["mode"] == "plan",
            streams=_mapped_streams(config.get("streams", {})),
            compare=config["compare"],
            ledger_path=config.get("ledger_path", "").strip(),
            match_on=_match_on(config.get("match_on", {})),
            clear_nulls=config["nulls"] == "clear",
            allow=_allowed(config.get("allow", [])),
            max_writes=int(read_number(config, "max_writes", _RANGES)),
            max_changed_share=read_number(config, share, _RANGES) if share in config else None,
            max_rejected_share=read_number(config, "max_rejected_share", _RANGES),
            hold_rejected=config["on_rejected"] == "hold",
            report_path=_report_path(config),
            batch_size=int(read_number(config, "batch_size", _RANGES)),
            launch=_launch_limits(config.get("launch")),
            concurrency=int(read_number(config, "concurrency", _RANGES)),
            rate_limit_share=read_number(config, "rate_limit_share", _RANGES),
            request_timeout_seconds=read_number(config, "request_timeout_seconds", _RANGES),
            max_retries=int(read_number(config, "max_retries", _RANGES)),
            user_agent=header_text(config.get("user_agent", ""), "user_agent"),
        )


def _report_path(config: Config) -> str:
    path: str = config.get("report_path", "").strip()
    if path and realpath(path) == realpath(config.get("ledger_path", "").strip()):
        raise SettingsError("report_path: is the file of `ledger_path`. Choose another path.")
    return path


def _check_types(config: Config) -> None:
    # The validator cannot process the SDK's schema of `stream_maps`, which the SDK checks itself.
    own = {name: schema for name, schema in CONFIG_SCHEMA["properties"].items() if name != "stream_maps"}
    if violation := first_violation(dict(config), {**CONFIG_SCHEMA, "properties": own}):
        raise SettingsError(f"{violation[0]}: {violation[1]}.")


def _mapped_streams(given: Mapping[str, Config | None]) -> dict[str, Mapped]:
    mapped = {}
    for name, options in given.items():
        where = f"streams.{mask_name(name)}"
        check_setting_names(options or {}, MAPPED_STREAM, where)
        to = str((options or {}).get("to") or name)
        if to not in STREAMS:
            reject_misspelt(f"{where}.to", to, STREAMS, "stream")
            raise SettingsError(f"{where}.to: is not a stream. There are: {', '.join(STREAMS)}.")
        columns = (options or {}).get("columns") or {}
        mapped[name] = Mapped(to, {column: str(other or "") for column, other in columns.items()})
    return mapped


def _match_on(given: Mapping[str, str | None]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, columns in given.items():
        where = f"match_on.{mask_name(name)}"
        if name not in STREAMS:
            raise SettingsError(f"{where}: is not a stream. There are: {', '.join(STREAMS)}.")
        stream = STREAMS[name]
        identity = tuple(part.strip() for part in (columns or "").split(",") if part.strip())
        known = (*stream.identities, *stream.optional_match)
        if identity and identity not in known:
            choices = " or ".join(",".join(one) for one in known)
            raise SettingsError(f"{where}: must be {choices}.")
        if identity:
            found[name] = identity
    return found


def _allowed(names: list[str]) -> frozenset[str]:
    allowed: set[str] = set()
    for i, name in enumerate(names):
        columns = {column for column in ALL_PROTECTED if fnmatchcase(column, name)}
        if not columns:
            meant = resembling(name, ALL_PROTECTED)
            hint = f" Did you mean {meant}?" if meant else f" There are: {', '.join(sorted(ALL_PROTECTED))}."
            raise SettingsError(f"allow[{i}]: is not a protected column.{hint}")
        allowed |= columns
    return frozenset(allowed)


def _launch_limits(given: Config | None) -> LaunchLimits | None:
    if not given:
        return None
    for name in ("max_campaigns", "max_recipients"):
        if given.get(name) is None:
            raise SettingsError(f"launch.{name}: is missing. Set both limits, or remove `launch`.")
    campaigns, recipients = (
        int(read_number(given, name, _RANGES, "launch.")) for name in ("max_campaigns", "max_recipients")
    )
    return LaunchLimits(campaigns, recipients)
