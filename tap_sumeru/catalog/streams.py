"""Table of the streams.

Paths, scopes and includes are documented on the vendor's page "Programmatic v1 admin API". Replication keys
are assumed, as most fields are; the tap verifies them before it relies on them.
"""

from __future__ import annotations

from dataclasses import dataclass

DATE_FILTER = ("filter[date_from]", "filter[date_to]")
"""Documented for attribution only. The tap tries it on every stream, and trusts it once it is proven."""

PAGE_SIZE = 100
"""Rows per request: the documented maximum of `limit`."""

_HOUR = 1 / 24


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of the tap.

    Attributes:
        name: Name of the stream and of its schema.
        path: Path under `/api/v1`; `{parent}` stands for the id of a row of the parent stream.
        resource: `type` of its resources.
        scope: Scope that a token needs; empty if it needs none.
        replication_key: Field by which changes are found.
        natural_key: Fields from which the tap makes the id of a row without one, as long as they are unique.
        include: Related resources that are requested by default.
        detail: Whether each row has a detail endpoint, `<path>/<id>`.
        parent: Parent stream, empty if there is none.
        parent_column: Column that holds the parent's id.
        bare: Whether the API may send one object that does not look like a resource.
        lookback_days: Default of the setting `lookback_days`.
    """

    name: str
    path: str
    resource: str
    scope: str
    replication_key: str = "updated_at"
    natural_key: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    detail: bool = False
    parent: str = ""
    parent_column: str = ""
    bare: bool = False
    lookback_days: float = _HOUR

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns that identify a row; ids of children may be numbered per parent."""
        return ("shop", self.parent_column, "id") if self.parent else ("shop", "id")


_SPECS = (
    StreamSpec("customers", "customers", "customer", "customers:read", detail=True),
    StreamSpec("orders", "orders", "order", "orders:read", detail=True),
    StreamSpec(
        "attribution",
        "attribution",
        "attribution",
        "attribution:read",
        replication_key="attributed_at",
        natural_key=("order_id", "model"),
        include=("touchpoints",),
        lookback_days=7,
    ),
    StreamSpec("campaigns", "campaigns", "campaign", "campaigns:read"),
    StreamSpec("journeys", "journeys", "journey", "journeys:read"),
    StreamSpec(
        "enrollments",
        "journeys/{parent}/enrollments",
        "enrollment",
        "journeys:read",
        natural_key=("customer_id",),
        parent="journeys",
        parent_column="journey_id",
    ),
    StreamSpec("products", "products", "product", "products:read", detail=True),
    StreamSpec(
        "inventory",
        "inventory",
        "inventory",
        "products:read",
        natural_key=("product_id", "variant_id", "location_id"),
    ),
    StreamSpec(
        "usage",
        "usage",
        "usage",
        "",
        replication_key="date",
        natural_key=("date",),
        bare=True,
        lookback_days=2,
    ),
    StreamSpec(
        "decision_intelligence_runs",
        "decision-intelligence/runs",
        "decision_intelligence_run",
        "analytics:read",
        replication_key="created_at",
        detail=True,
    ),
    StreamSpec("seo_keywords", "seo-intelligence/keywords", "seo_keyword", "analytics:read", detail=True),
)

STREAMS: dict[str, StreamSpec] = {spec.name: spec for spec in _SPECS}
