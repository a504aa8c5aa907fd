"""A tap on singer-python, like those of singer-io: Transformer, write_record, bookmarks, state per page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backoff
import requests
import singer
from singer import Transformer, metadata, utils

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMAS = Path(__file__).parents[2] / "schemas"
_PATHS = {
    "customers": ("customers", "updated_at"),
    "orders": ("orders", "updated_at"),
    "attribution": ("attribution", "attributed_at"),
    "campaigns": ("campaigns", "updated_at"),
    "journeys": ("journeys", "updated_at"),
    "enrollments": ("journeys/{}/enrollments", "updated_at"),
    "products": ("products", "updated_at"),
    "inventory": ("inventory", "updated_at"),
    "usage": ("usage", "date"),
    "decision_intelligence_runs": ("decision-intelligence/runs", "created_at"),
    "seo_keywords": ("seo-intelligence/keywords", "updated_at"),
}


class Retried(Exception):
    """An error response that is worth a retry."""


class Client:
    """The API."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._url = f"{config['api_url']}/api/v1/"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {config['api_token']}"

    @backoff.on_exception(
        backoff.expo, (Retried, requests.ConnectionError, requests.Timeout), max_tries=7, factor=2
    )
    def get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a response."""
        response = self._session.get(self._url + path, params=params, timeout=300)
        if (
            response.status_code == requests.codes.too_many_requests
            or response.status_code >= requests.codes.server_error
        ):
            raise Retried(response.status_code)
        response.raise_for_status()
        return response.json()

    def pages(self, path: str, params: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Yield all pages of a list."""
        cursor = None
        while True:
            body = self.get(path, {"limit": 100, **params, **({"cursor": cursor} if cursor else {})})
            yield body["data"]
            if not body["pagination"]["has_next"]:
                return
            cursor = body["pagination"]["next_cursor"]


def sync_stream(client: Client, config: dict[str, Any], state: dict[str, Any], name: str) -> None:
    """Write the rows of a stream."""
    path, key = _PATHS[name]
    schema = json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    schema["properties"] |= {"id": {"type": "string"}, "relationships": {"type": ["object", "null"]}}
    mdata = metadata.to_map(
        metadata.get_standard_metadata(
            schema=schema,
            key_properties=["id"],
            valid_replication_keys=[key],
            replication_method="INCREMENTAL",
        )
    )
    singer.write_schema(name, schema, ["id"], bookmark_properties=[key])
    start = singer.get_bookmark(state, name, key) or config.get("start_date") or "1970-01-01T00:00:00Z"
    params = {"include": "touchpoints", "filter[date_from]": start[:10]} if name == "attribution" else {}
    paths = [path]
    if name == "enrollments":
        paths = [path.format(row["id"]) for page in client.pages("journeys", {}) for row in page]
    highest = start
    with Transformer() as transformer:
        for one in paths:
            for page in client.pages(one, params):
                extracted = utils.now()
                for row in page:
                    flat = {"id": row["id"], "relationships": row.get("relationships"), **row["attributes"]}
                    record = transformer.transform(flat, schema, mdata)
                    singer.write_record(name, record, time_extracted=extracted)
                    highest = max(highest, record.get(key) or highest)
                if name != "enrollments":
                    singer.write_state(singer.write_bookmark(state, name, key, highest))
    singer.write_state(singer.write_bookmark(state, name, key, highest))


def main() -> None:
    """Sync what the catalog selects."""
    arguments = utils.parse_args(["api_url", "api_token"])
    client = Client(arguments.config)
    for name in arguments.config["streams"]:
        sync_stream(client, arguments.config, arguments.state or {}, name)


if __name__ == "__main__":
    main()
