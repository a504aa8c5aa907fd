"""Table of the streams that the target writes: requests, keys, and the order of the writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS, load

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG_CHANGES = ("add_tags", "remove_tags")
"""Columns that only the target knows: they change the list of tags, which a PATCH would replace."""
REQUESTED_AT = "requested_at"
EXTERNAL_ID = "external_id"
_TAGS = {"type": ["array", "null"], "items": {"type": ["string", "null"]}}


class Updates(Enum):
    """How existing rows are changed."""

    SINGLE = "PATCH of one row"
    BULK = "PATCH of many rows"
    NEVER = "the API has no PATCH"


@dataclass(frozen=True, slots=True)
class TargetStream:
    """One stream of the target.

    Attributes:
        name: Its name.
        path: Path of its list under `/api/v1`.
        identities: The sets of columns that can identify a row; the first complete one does.
        updates: How existing rows are changed.
        scope: Scope that a token needs to write it.
        unique: Column by which a row that may have been created is looked up; empty if none can be created.
        required: Columns that a creation needs.
        optional_match: Identities that only `match_on` can choose.
        protected: Columns that only `allow` lets the target change.
        own: Columns of ours, which the API does not know.
        launches: Whether a row launches a campaign instead of changing anything.
        flat_body: Whether the body of a creation is documented as flat; otherwise it may have to be wrapped.
    """

    name: str
    path: str
    identities: tuple[tuple[str, ...], ...]
    updates: Updates
    scope: str
    unique: str = ""
    required: tuple[str, ...] = ()
    optional_match: tuple[tuple[str, ...], ...] = ()
    protected: frozenset[str] = frozenset()
    own: tuple[str, ...] = ()
    launches: bool = False
    flat_body: bool = False

    @property
    def listed(self) -> str:
        """Name of the tap's stream that reads the same list."""
        return self.path

    @property
    def reading_scope(self) -> str:
        """Scope that a token needs to read the list."""
        return self.scope.replace(":write", ":read")

    @property
    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        """JSON Schemas of the columns that can be written."""
        return writable_columns(self)

    @property
    def listed_columns(self) -> frozenset[str]:
        """Columns that a row of the list has."""
        return frozenset(load(self.listed)["properties"])

    @property
    def read_only(self) -> frozenset[str]:
        """Columns of the tap that the target ignores."""
        known = {*self.listed_columns, *OWN_COLUMNS}
        identifying = {name for identity in (*self.identities, *self.optional_match) for name in identity}
        return frozenset(known - set(self.columns) - identifying - {"shop"})


_TABLE = (
    TargetStream(
        "products",
        "products",
        (("id",), (EXTERNAL_ID,)),
        Updates.SINGLE,
        "products:write",
        unique="title",
        required=("title",),
    ),
    TargetStream("inventory", "inventory", (("id",), ("sku", "location_id")), Updates.BULK, "products:write"),
    TargetStream(
        "customers",
        "customers",
        (("id",),),
        Updates.SINGLE,
        "customers:write",
        optional_match=(("email",), ("phone",), ("shopify_customer_id",)),
        protected=frozenset({"email", "phone", "accepts_email", "accepts_sms", "accepts_whatsapp"}),
        own=TAG_CHANGES,
    ),
    TargetStream(
        "campaigns",
        "campaigns",
        (("id",), (EXTERNAL_ID,)),
        Updates.NEVER,
        "campaigns:write",
        unique="name",
        required=("name", "audience_id"),
        flat_body=True,
    ),
    TargetStream(
        "journeys",
        "journeys",
        (("id",), (EXTERNAL_ID,)),
        Updates.NEVER,
        "journeys:write",
        unique="name",
        required=("name",),
    ),
    TargetStream(
        "campaign_launches",
        "campaigns",
        (("id",), (EXTERNAL_ID,)),
        Updates.NEVER,
        "campaigns:write",
        required=(REQUESTED_AT,),
        own=(REQUESTED_AT,),
        launches=True,
    ),
)

STREAMS: dict[str, TargetStream] = {stream.name: stream for stream in _TABLE}
"""The streams, in the order in which they are written."""

PHASES: tuple[tuple[str, ...], ...] = (
    ("products",),
    ("inventory",),
    ("customers",),
    ("campaigns", "journeys"),
    ("campaign_launches",),
)
"""Streams that are written at the same time, phase by phase."""

ALL_PROTECTED = frozenset().union(*(stream.protected for stream in _TABLE))
"""What `allow` can name."""


@cache
def writable_columns(stream: TargetStream) -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON Schemas of the columns of a stream that can be written, ours included."""
    if stream.launches:
        return {REQUESTED_AT: {"type": ["string", "null"], "format": "date-time"}}
    properties = load(stream.listed)["properties"]
    columns = {name: schema for name, schema in properties.items() if schema.get("x-writable")}
    return columns | dict.fromkeys(stream.own, _TAGS)
