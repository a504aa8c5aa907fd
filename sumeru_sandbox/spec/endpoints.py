"""The vendor's endpoint catalog as data: operations, resources, errors, and which of it the vendor shows."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """One line of the vendor's endpoint catalog."""

    method: str
    path: str
    scope: str | None
    stream: str
    kind: str


# By kind: `list` and `get` read, `update`, `bulk`, `create` and `launch` write.
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

# What the catalog calls a list; of the others it is not said that they come in pages.
LISTS = {"customers", "orders", "campaigns", "journeys", "enrollments", "products"}

# By stream: the resource's `type` and the prefix of its ids. Of the types, only the customer's is shown.
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
PREFIXES_SHOWN = {"cus_", "cam_", "jrn_", "prd_"}
REQUIRED = {"campaigns": ["name", "audience_id"], "journeys": ["name"], "products": ["title"]}
INCLUDES = {"customers": ("orders", "attributions"), "attribution": ("touchpoints",)}
FILTERS_SHOWN = {
    "attribution": {"date_from", "date_to"},
    "customers": {"lifecycle_stage"},
    "enrollments": {"status"},
}


class Error(NamedTuple):
    """An error of the API, and what is not shown about it."""

    name: str
    code: str
    basis: str | None = None


# By HTTP status. A status is shown unless `STATUSES_ASSUMED` holds it.
ERRORS = {
    "401": Error("Unauthenticated", "unauthenticated"),
    "403": Error("Forbidden", "forbidden"),
    "404": Error("NotFound", "not_found", "the code is shown, its status is cut off after `4`"),
    "409": Error("Conflict", "conflict", "the status is shown, its code is not"),
    "422": Error("ValidationFailed", "validation_failed", "the code is shown, its status is not"),
    "429": Error("RateLimited", "rate_limited"),
    "500": Error("InternalError", "internal_error", "the code is shown, its status is not"),
}
STATUSES_ASSUMED = {"404", "422", "500"}


def prefix(operation: Operation) -> str:
    """The prefix of the id in an operation's path."""
    return TYPES["journeys" if operation.stream == "enrollments" else operation.stream][1]


def statuses(operation: Operation) -> list[str]:
    """The HTTP statuses of the errors that an operation can answer with."""
    absent = {"403"} if operation.scope is None else set()
    absent |= set() if "{" in operation.path else {"404"}
    absent |= {"409"} if operation.method == "get" else set()
    return [status for status in ERRORS if status not in absent]
