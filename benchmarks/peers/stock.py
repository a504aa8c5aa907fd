"""A tap as the cookiecutter of singer-sdk generates it: RESTStream, its paginator, its defaults.

Added: `post_process` lifts the attributes, and the schemas are those of this project.
`state_partitioning_keys` is empty, as the SDK's documentation advises for many parents.
"""

from __future__ import annotations

import decimal
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.streams import RESTStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

_SCHEMAS = Path(__file__).parents[2] / "schemas"


def _schema(name: str) -> dict[str, Any]:
    schema = json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    schema["properties"] |= {
        "id": {"type": "string"},
        "relationships": {"type": ["object", "null"], "additionalProperties": True},
    }
    return schema


class SumeruStream(RESTStream):
    """Base of all streams."""

    records_jsonpath = "$.data[*]"
    next_page_token_jsonpath = "$.pagination.next_cursor"  # noqa: S105 - a path
    primary_keys = ("id",)
    replication_key = "updated_at"

    def __init__(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - the SDK's own
        super().__init__(*arguments, **settings)
        # The SDK sends prepared requests, for which requests does not read this variable itself.
        self.requests_session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True

    @property
    def url_base(self) -> str:
        """The root of the API."""
        return self.config["api_url"] + "/api/v1"

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """Authenticate with the token."""
        return BearerTokenAuthenticator(token=self.config["api_token"])

    def get_url_params(self, context: dict | None, next_page_token: str | None) -> dict[str, Any]:  # noqa: ARG002 - the SDK's signature
        """Return the parameters of a page."""
        params: dict[str, Any] = {"limit": 100}
        if next_page_token:
            params["cursor"] = next_page_token
        return params

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Yield the rows of a page."""
        yield from extract_jsonpath(self.records_jsonpath, input=response.json(parse_float=decimal.Decimal))

    def post_process(self, row: dict[str, Any], context: dict | None = None) -> dict[str, Any]:  # noqa: ARG002 - the SDK's signature
        """Lift the attributes."""
        return {"id": row["id"], "relationships": row.get("relationships"), **row["attributes"]}


class AttributionStream(SumeruStream):
    """The only list for which a date filter is documented."""

    name = "attribution"
    path = "/attribution"
    replication_key = "attributed_at"
    schema = _schema("attribution")

    def get_url_params(self, context: dict | None, next_page_token: str | None) -> dict[str, Any]:
        """Return the parameters of a page, from the bookmark on."""
        params = super().get_url_params(context, next_page_token) | {"include": "touchpoints"}
        start = self.get_starting_timestamp(context)
        return params | ({"filter[date_from]": start.date().isoformat()} if start else {})


class JourneysStream(SumeruStream):
    """The parents of the enrollments."""

    name = "journeys"
    path = "/journeys"
    schema = _schema("journeys")

    def get_child_context(self, record: dict[str, Any], context: dict | None) -> dict[str, Any]:  # noqa: ARG002 - the SDK's signature
        """Return the context of the enrollments."""
        return {"journey_id": record["id"]}


class EnrollmentsStream(SumeruStream):
    """The children of the journeys."""

    name = "enrollments"
    path = "/journeys/{journey_id}/enrollments"
    schema = _schema("enrollments")
    parent_stream_type = JourneysStream
    ignore_parent_replication_keys = True
    state_partitioning_keys = ()


_PLAIN = {
    "customers": ("customers", "updated_at"),
    "orders": ("orders", "updated_at"),
    "campaigns": ("campaigns", "updated_at"),
    "products": ("products", "updated_at"),
    "inventory": ("inventory", "updated_at"),
    "usage": ("usage", "date"),
    "decision_intelligence_runs": ("decision-intelligence/runs", "created_at"),
    "seo_keywords": ("seo-intelligence/keywords", "updated_at"),
}
STREAMS = [
    AttributionStream,
    JourneysStream,
    EnrollmentsStream,
    *(
        type(name, (SumeruStream,), {
            "name": name,
            "path": f"/{path}",
            "replication_key": key,
            "schema": _schema(name),
        })
        for name, (path, key) in _PLAIN.items()
    ),
]  # fmt: skip


class TapStock(Tap):
    """The tap."""

    name = "tap-stock"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("api_token", th.StringType, required=True, secret=True),
        th.Property("start_date", th.DateTimeType),
    ).to_dict()

    def discover_streams(self) -> list[RESTStream]:
        """Return all streams."""
        return [stream(self) for stream in STREAMS]


if __name__ == "__main__":
    TapStock.cli()
