"""The vendor's endpoint catalog as data: operations, resource types and errors, with their provenance."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """One line of the vendor's endpoint catalog.

    `kind` is `list` or `get` for a read, and `update`, `bulk`, `create` or `launch` for a write.
    """

    method: str
    path: str
    scope: str | None
    stream: str
    kind: str


OPERATIONS = (
    Operation("get", "/decision-intelligence/runs", "analytics:read", "decision_intelligence_runs", "list"),
    Operation(
        "get", "/decision-intelligence/runs/{run_id}", "analytics:read", "decision_intelligence_runs", "get"
    ),
    Operation("get", "/seo-intelligence/keywords", "analytics:read", "seo_keywords", "list"),
    Operation("get", "/seo-intelligence/keywords/{kw_id}", "analytics:read", "seo_keywords", "get"),
    Operation("get", "/customers", "customers:read", "customers", "list"),
    Operation("get", "/customers/{customer_id}", "customers:read", "customers", "get"),
    Operation("patch", "/customers/{customer_id}", "customers:write", "customers", "update"),
    Operation("get", "/orders", "orders:read", "orders", "list"),
    Operation("get", "/orders/{order_id}", "orders:read", "orders", "get"),
    Operation("get", "/attribution", "attribution:read", "attribution", "list"),
    Operation("get", "/campaigns", "campaigns:read", "campaigns", "list"),
    Operation("post", "/campaigns", "campaigns:write", "campaigns", "create"),
    Operation("post", "/campaigns/{id}/launch", "campaigns:write", "campaigns", "launch"),
    Operation("get", "/journeys", "journeys:read", "journeys", "list"),
    Operation("post", "/journeys", "journeys:write", "journeys", "create"),
    Operation("get", "/journeys/{id}/enrollments", "journeys:read", "enrollments", "list"),
    Operation("get", "/products", "products:read", "products", "list"),
    Operation("post", "/products", "products:write", "products", "create"),
    Operation("get", "/products/{id}", "products:read", "products", "get"),
    Operation("patch", "/products/{id}", "products:write", "products", "update"),
    Operation("get", "/inventory", "products:read", "inventory", "list"),
    Operation("patch", "/inventory", "products:write", "inventory", "bulk"),
    Operation("get", "/usage", None, "usage", "list"),
)

# Streams whose endpoint the catalog marks as a list. For the others, paging is assumed.
DOCUMENTED_LISTS = {"customers", "orders", "campaigns", "journeys", "enrollments", "products"}

# By stream: the resource's `type` and the prefix of its ids. Only the customer's type is documented.
TYPES = {
    "customers": ("customer", "cus_"),
    "orders": ("order", "ord_"),
    "attribution": ("attribution", "att_"),
    "campaigns": ("campaign", "cam_"),
    "journeys": ("journey", "jrn_"),
    "enrollments": ("enrollment", "enr_"),
    "products": ("product", "prd_"),
    "inventory": ("inventory", "inv_"),
    "usage": ("usage", "use_"),
    "decision_intelligence_runs": ("decision_intelligence_run", "run_"),
    "seo_keywords": ("seo_keyword", "kw_"),
}
DOCUMENTED_PREFIXES = {"cus_", "cam_", "jrn_", "prd_"}
REPLICATION_KEYS = dict.fromkeys(TYPES, "updated_at") | {
    "attribution": "attributed_at",
    "decision_intelligence_runs": "created_at",
    "usage": "date",
}
REQUIRED = {"campaigns": ["name", "audience_id"], "journeys": ["name"], "products": ["title"]}
INCLUDES = {"customers": ("orders", "attributions"), "attribution": ("touchpoints",)}
DOCUMENTED_FILTERS = {
    "attribution": {"date_from", "date_to"},
    "customers": {"lifecycle_stage"},
    "enrollments": {"status"},
}


class ErrorType(NamedTuple):
    """An error of the API; `basis` says what its assumed part rests on."""

    name: str
    code: str
    basis: str | None = None


# By HTTP status. A status is documented unless `ASSUMED_STATUSES` contains it.
ERRORS = {
    "401": ErrorType("Unauthenticated", "unauthenticated"),
    "403": ErrorType("Forbidden", "forbidden"),
    "404": ErrorType("NotFound", "not_found", "the code is documented, its status is cut off after `4`"),
    "409": ErrorType("Conflict", "conflict", "the status is documented, its code is not"),
    "422": ErrorType("ValidationFailed", "validation_failed", "the code is documented, its status is not"),
    "429": ErrorType("RateLimited", "rate_limited"),
    "500": ErrorType("InternalError", "internal_error", "the code is documented, its status is not"),
}
ASSUMED_STATUSES = {"404", "422", "500"}


def id_prefix(operation: Operation) -> str:
    """Return the prefix of the id in an operation's path."""
    return TYPES["journeys" if operation.stream == "enrollments" else operation.stream][1]


def error_statuses(operation: Operation) -> list[str]:
    """Return the HTTP statuses of the errors that an operation can return."""
    absent = {"403"} if operation.scope is None else set()
    absent |= set() if "{" in operation.path else {"404"}
    absent |= {"409"} if operation.method == "get" else set()
    return [status for status in ERRORS if status not in absent]
