"""Switches per shop and stream for undocumented API behaviour, network faults and row faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta
from typing_extensions import override

from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.spec.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_Count = Annotated[int, Meta(ge=0)]
_Every = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(ge=0, le=3600)]

DATE_FIELDS = {
    name
    for fields in FIELDS.values()
    for name, field in fields.items()
    if field.schema.get("format") in {"date", "date-time"}
}


class ResponseFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A faulty response to every `every`-th request after the first `after`, at most `times` times.

    `on` limits it to reads or to writes, and counts these alone. If `applied` is set, a write is applied
    before its response is replaced; otherwise it is not, unless its own response is sent slowly or in part.

    Attributes:
        body: Members of a success that says that it failed, beside no rows; for the kind `failure`.
    """

    kind: Literal["status", "reset", "truncate", "html", "rubbish", "failure", "hang", "slow", "redirect"]
    every: _Every = 1
    times: _Count | None = None
    after: _Count = 0
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    retry_after: _Count | str | None = None
    code: str | None = None
    seconds: _Seconds | None = None
    on: Literal["all", "reads", "writes"] = "all"
    applied: bool = False
    body: dict[str, Any] = {}

    @override
    def __hash__(self) -> int:  # a body has no hash; lists are cached by their switches
        return hash((self.kind, self.every, self.times, self.after, self.status))


class RowFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault in every `every`-th row, by index."""

    kind: Literal[
        "unknown_field",
        "drift",
        "missing_id",
        "numeric_id",
        "local_id",
        "null_replication_key",
        "bad_replication_key",
        "day_replication_key",
        "local_replication_key",
        "hidden_dates",
        "nested_dates",
        "future",
        "surrogate",
        "newline",
        "shadow",
        "big_integer",
        "big_string",
        "duplicate_key",
        "offset_timestamp",
        "fraction_timestamp",
        "not_an_object",
    ]
    every: _Every = 1


class ParentFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An error for the children of every `every`-th parent, by index."""

    status: Annotated[int, Meta(ge=400, le=599)] = 404
    every: _Every = 1


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All switches of one shop and stream, with their defaults.

    Attributes:
        date_filter: Whether the API applies the date filter, ignores it, or refuses it with a 422.
        date_field: The field that the date filter compares; the replication key by default.
        date_to: Whether the date filter includes the day that it ends with.
        dates: Whether the date filter must have both its ends.
        zone: Minutes from UTC of the zone in whose days the date filter counts.
        shape: Whether the attributes of a row are in `attributes`, or beside its id.
        usage: Whether `/usage` returns a list, or its last row only.
        included: Whether included resources are among the attributes, or in a list beside the rows.
        pagination: Whether lists have pages; if not, one response has all rows.
        fields: Whether the API honours `fields`, ignores it, or refuses it.
        empty_every: Every n-th page of a list is empty, although more follow.
        latency_ms: Milliseconds before each response.
        jitter_ms: Milliseconds of a random delay in addition, at most.
        page_cap: Rows of a page, at most, whatever `limit` says.
        max_limit: A larger `limit` fails with `max_limit_status`.
        max_depth: After this many rows, a list refuses further pages.
        bad_parents: An error for the children of some parents.
        cursor_expires_every: Every n-th cursor has expired when it is used for the first time.
        cursor_expires_times: How many cursors expire, at most.
        cursor_repeats: The second page of a list and all later ones return their own cursor.
        cursor_missing: A page says that more follow, but has no cursor.
        data_missing: Lists lack `data`.
        faults: Faulty responses.
        rows: Faulty rows.
        rate_headers: Whether the headers of the rate limit are there, rubbish, or old ones from a cache.
        charset: Charset of the responses.
        date_header: Whether responses have a `Date`.
        clock_offset_s: Seconds by which the clock of the headers differs from that of the rows.
        rate_limit: Whether each token has a limit of its own, or those of a shop share one.
        keys: Whether the API honours `Idempotency-Key`.
        refusals: Whether a refused write gets the same refusal again for the same key, or is tried anew.
        cut_bodies: Whether a body that broke off is dropped, or taken for the whole.
        write_ms: Milliseconds for which a write is in progress.
        create_body: Form of the body of a creation: the attributes as they are, wrapped in `data`, or either.
        bulk: Whether a bulk write is applied as a whole, or item by item.
        max_items: Items of a bulk write, at most.
        launch: Whether a campaign starts at once, or waits for approval.
        error_values: Whether errors of writes quote the values that were sent.
    """

    date_filter: Literal["applied", "ignored", "refused"] = "applied"
    date_field: str = "replication_key"
    date_to: Literal["inclusive", "exclusive"] = "inclusive"
    dates: Literal["optional", "both_required"] = "optional"
    zone: Annotated[int, Meta(ge=-720, le=840)] = 0
    shape: Literal["enveloped", "flat"] = "enveloped"
    usage: Literal["list", "object"] = "list"
    included: Literal["embedded", "top_level"] = "embedded"
    pagination: Literal["present", "absent"] = "present"
    fields: Literal["honoured", "ignored", "refused"] = "honoured"
    empty_every: Annotated[int, Meta(ge=2)] | None = None
    latency_ms: _Count = 0
    jitter_ms: _Count = 0
    page_cap: Annotated[int, Meta(ge=1, le=100)] = 100
    max_limit: Annotated[int, Meta(ge=1, le=100)] = 100
    max_limit_status: Annotated[int, Meta(ge=400, le=599)] = 502
    max_depth: _Every | None = None
    bad_parents: ParentFault | None = None
    cursor_expires_every: _Every | None = None
    cursor_expires_times: _Count | None = None
    cursor_repeats: bool = False
    cursor_missing: bool = False
    data_missing: bool = False
    faults: tuple[ResponseFault, ...] = ()
    rows: tuple[RowFault, ...] = ()
    rate_headers: Literal["present", "absent", "garbage", "cached"] = "present"
    charset: Literal["utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-32"] = "utf-8"
    date_header: Literal["present", "absent"] = "present"
    clock_offset_s: int = 0
    rate_limit: Literal["per_token", "per_shop"] = "per_token"
    keys: Literal["honoured", "ignored"] = "honoured"
    refusals: Literal["kept", "forgotten"] = "kept"
    cut_bodies: Literal["dropped", "kept"] = "dropped"
    write_ms: _Count = 0
    create_body: Literal["either", "flat", "wrapped"] = "either"
    bulk: Literal["atomic", "partial"] = "atomic"
    max_items: Annotated[int, Meta(ge=1, le=100)] = 100
    launch: Literal["immediate", "approval"] = "immediate"
    error_values: Literal["omitted", "echoed"] = "omitted"

    def __post_init__(self) -> None:
        if self.date_field not in {"replication_key", *DATE_FIELDS}:
            raise ValueError(f"date_field: {self.date_field!r} is not a date field of any stream")


def switch_names() -> list[str]:
    """Return the name of each switch, and its values if they are words."""
    names = []
    for field in msgspec.structs.fields(Switches):
        words = get_args(get_type_hints(Switches)[field.name])
        values = [word for word in words if isinstance(word, str)]
        names.append(f"{field.name}={'|'.join(values)}" if values else field.name)
    return names


class Settings:
    """Switches by scope: `*`, `STREAM`, `SHOP/*` or `SHOP/STREAM`. The most specific scope wins."""

    def __init__(self, shops: Collection[str], initial: Mapping[str, Mapping[str, Any]]) -> None:
        self._shops = shops
        self._initial = initial
        self.scopes: dict[str, dict[str, Any]] = {}
        self._resolved: dict[tuple[str, str], Switches] = {}
        self.generation = 0
        self.reset()

    def update(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Change the switches of some scopes, all or none; null restores the default.

        Raises:
            TypeError: If the value of a scope is not an object.
            ValueError: If a scope, a key or a value is unknown.
        """
        scopes = {scope: dict(keys) for scope, keys in self.scopes.items()}
        for scope, keys in changes.items():
            self._check(scope)
            if not isinstance(keys, dict):
                raise TypeError(f"{scope}: must be an object of keys and values")
            merged = scopes.get(scope, {}) | keys
            scopes[scope] = {key: value for key, value in merged.items() if value is not None}
            try:
                msgspec.convert(scopes[scope], Switches)
            except msgspec.ValidationError as error:
                raise ValueError(f"{scope}: {error}") from error
        self.scopes = {scope: keys for scope, keys in scopes.items() if keys}
        self._resolved.clear()
        self.generation += 1

    def reset(self) -> None:
        """Restore the initial settings."""
        self.scopes = {}
        self.update(self._initial)

    def switches_for(self, shop: str, stream: str) -> Switches:
        """Return the switches that apply to a stream of a shop."""
        resolved = self._resolved.get((shop, stream))
        if resolved is None:
            keys: dict[str, Any] = {}
            for scope in ("*", stream, f"{shop}/*", f"{shop}/{stream}"):
                keys |= self.scopes.get(scope, {})
            resolved = self._resolved[shop, stream] = msgspec.convert(keys, Switches)
        return resolved

    def _check(self, scope: str) -> None:
        shop, slash, stream = scope.rpartition("/")
        if (slash and shop not in self._shops) or stream not in {"*", *TYPES}:
            raise ValueError(f"unknown scope {scope!r}: use *, STREAM, SHOP/* or SHOP/STREAM")
