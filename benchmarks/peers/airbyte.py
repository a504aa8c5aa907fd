"""A declarative source on the Airbyte CDK: a manifest, and `read`.

As its documentation recommends: CursorPagination, a substream by partition router, DpathFlattenFields to lift
the attributes, and `concurrency_level` for concurrent partitions and streams.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

_SCHEMAS = Path(__file__).parents[2] / "schemas"
_PATHS = {
    "customers": "customers",
    "orders": "orders",
    "attribution": "attribution",
    "campaigns": "campaigns",
    "journeys": "journeys",
    "enrollments": "journeys/{{ stream_partition.journey }}/enrollments",
    "products": "products",
    "inventory": "inventory",
    "usage": "usage",
    "decision_intelligence_runs": "decision-intelligence/runs",
    "seo_keywords": "seo-intelligence/keywords",
}
_PAGES = {
    "type": "DefaultPaginator",
    "page_token_option": {
        "type": "RequestOption",
        "inject_into": "request_parameter",
        "field_name": "cursor",
    },
    "page_size_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "limit"},
    "pagination_strategy": {
        "type": "CursorPagination",
        "page_size": 100,
        "cursor_value": "{{ response.pagination.next_cursor }}",
        "stop_condition": "{{ not response.pagination.has_next }}",
    },
}
_ERRORS = {
    "type": "DefaultErrorHandler",
    "max_retries": 10,
    "backoff_strategies": [{"type": "WaitTimeFromHeader", "header": "Retry-After"}],
}


def _schema(name: str) -> dict[str, Any]:
    schema = json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    schema["properties"] |= {"id": {"type": "string"}, "relationships": {"type": ["object", "null"]}}
    return schema


def _retriever(name: str, job: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, str] = {}
    if name == "attribution":
        params["include"] = "touchpoints"
        if job.get("start_date"):
            params["filter[date_from]"] = job["start_date"][:10]
    return {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester",
            "url_base": f"{job['api_url']}/api/v1/",
            "path": _PATHS[name],
            "http_method": "GET",
            "request_parameters": params,
            "authenticator": {"type": "BearerAuthenticator", "api_token": "{{ config['api_token'] }}"},
            "error_handler": _ERRORS,
        },
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
        },
        "paginator": _PAGES,
    }


def _stream(name: str, job: dict[str, Any]) -> dict[str, Any]:
    retriever = _retriever(name, job)
    if name == "enrollments":
        retriever["partition_router"] = {
            "type": "SubstreamPartitionRouter",
            "parent_stream_configs": [
                {
                    "type": "ParentStreamConfig",
                    "parent_key": "id",
                    "partition_field": "journey",
                    "stream": _stream("journeys", job),
                }
            ],
        }
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": ["id"],
        "retriever": retriever,
        "schema_loader": {"type": "InlineSchemaLoader", "schema": _schema(name)},
        "transformations": [
            {"type": "DpathFlattenFields", "field_path": ["attributes"], "delete_origin_value": True}
        ],
    }


def main() -> None:
    """Read the job's streams."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    manifest = {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": job["streams"][:1]},
        "streams": [_stream(name, job) for name in job["streams"]],
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": job["workers"]},
        "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
    }
    catalog = {
        "streams": [
            {
                "stream": {
                    "name": name,
                    "json_schema": _schema(name),
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "full_refresh",
                "destination_sync_mode": "overwrite",
            }
            for name in job["streams"]
        ]
    }
    folder = Path(job["folder"])
    paths = {"config": {"api_token": job["api_token"]}, "catalog": catalog}
    for name, content in paths.items():
        (folder / f"airbyte-{name}.json").write_text(json.dumps(content), encoding="utf-8")
    arguments = ["read", *(f"--{name}={folder}/airbyte-{name}.json" for name in paths)]
    source = ConcurrentDeclarativeSource(
        catalog=None, config=paths["config"], state=None, source_config=manifest
    )
    launch(source, arguments)


if __name__ == "__main__":
    main()
