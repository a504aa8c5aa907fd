"""The OpenAPI document is valid, and matches the vendor's catalog, `schemas/` and the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import definitions
from schemathesis.specs.openapi.checks import positive_data_acceptance

from sumeru_sandbox import Sandbox
from sumeru_sandbox.spec.endpoints import ERRORS, OPERATIONS, TYPES
from sumeru_sandbox.spec.fields import WRITABLE
from sumeru_sandbox.spec.openapi_document import document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import BaseSchema

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").glob("*.json"))
CURSOR = {"$ref": "#/components/parameters/Cursor"}

# The vendor's endpoint catalog, line by line.
CATALOG = """
/api/v1/decision-intelligence/runs | GET | analytics:read
/api/v1/decision-intelligence/runs/{run_id} | GET | analytics:read
/api/v1/seo-intelligence/keywords | GET | analytics:read
/api/v1/seo-intelligence/keywords/{kw_id} | GET | analytics:read
/api/v1/customers | GET (list) | customers:read
/api/v1/customers/{customer_id} | GET | customers:read
/api/v1/customers/{customer_id} | PATCH | customers:write
/api/v1/orders | GET (list) | orders:read
/api/v1/orders/{order_id} | GET | orders:read
/api/v1/attribution | GET | attribution:read
/api/v1/campaigns | GET (list), POST (create) | campaigns:read, campaigns:write
/api/v1/campaigns/{id}/launch | POST | campaigns:write
/api/v1/journeys | GET (list), POST (create) | journeys:read, journeys:write
/api/v1/journeys/{id}/enrollments | GET (list) | journeys:read
/api/v1/products | GET (list), POST (create) | products:read, products:write
/api/v1/products/{id} | GET, PATCH | products:read, products:write
/api/v1/inventory | GET, PATCH (bulk) | products:read, products:write
/api/v1/usage | GET | (any token)
"""


def vendor_operations() -> Iterator[tuple[str, str, str | None]]:
    """Yield path, method and scope of each operation of the vendor's catalog."""
    for line in CATALOG.strip().splitlines():
        path, methods, scopes = line.split(" | ")
        for method, scope in zip(methods.split(", "), scopes.split(", "), strict=True):
            yield path, method.split()[0].lower(), None if scope == "(any token)" else scope


def nodes(node: Any, *path: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every object within a JSON value, with its path."""
    if isinstance(node, dict):
        yield path, node
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in members:
        yield from nodes(value, *path, str(key))


def test_it_is_openapi_3_1() -> None:
    described = document()
    assert [str(error) for error in definitions.OPENAPI_31_VALIDATOR.iter_errors(described)] == []
    for _, node in nodes(described):
        if isinstance(node.get("schema"), dict):
            Draft202012Validator.check_schema(node["schema"])
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    described = document()
    for _, node in nodes(described):
        if "$ref" in node:
            target: Any = described
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]


def test_its_operations_are_the_vendors() -> None:
    described = {
        (path, method, operation["x-scope"])
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }
    assert described == set(vendor_operations())
    assert len(described) == 23
    assert len(document()["paths"]) == 17
    assert len({operation.path for operation in OPERATIONS}) == 17


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_it_agrees_with_the_schemas(path: Path) -> None:
    marks = {"title", "description", "$schema", "x-source", "x-pii", "x-writable", "x-basis"}
    marks.add("additionalProperties")
    resources = {
        operation.stream: document()["paths"]["/api/v1" + operation.path]["get"]
        for operation in OPERATIONS
        if operation.kind == "list"
    }
    page = resources[path.stem]["responses"]["200"]["content"]["application/json"]["schema"]
    name = page["properties"]["data"]["items"]["$ref"].rpartition("/")[2]
    described = document()["components"]["schemas"][name]["properties"]["attributes"]["properties"]
    for includable in ("orders", "attributions") if path.stem == "customers" else ():
        del described[includable]

    def bare(node: Any) -> Any:
        """Remove explanations from a schema; names and provenance stay."""
        if isinstance(node, list):
            return [bare(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {
            key: {name: bare(field) for name, field in value.items()} if key == "properties" else bare(value)
            for key, value in node.items()
            if key not in marks
        }

    stated = json.loads(path.read_text(encoding="utf-8"))
    assert bare({"properties": described}) == {"properties": bare(stated)["properties"]}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_the_schemas_mark_what_the_sandbox_lets_a_write_set(path: Path) -> None:
    properties = json.loads(path.read_text(encoding="utf-8"))["properties"]
    marked = {name for name, column in properties.items() if "x-writable" in column}
    assert marked == set(WRITABLE[path.stem])
    assert bool(marked) == any(
        operation.stream == path.stem and operation.kind in ("create", "update", "bulk")
        for operation in OPERATIONS
    )


def test_everything_says_where_it_comes_from() -> None:
    described = document()
    components = described["components"]

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        _, _, section, name = node.get("$ref", "#/components//").split("/")
        return components[section][name] if section else node

    told: list[dict[str, Any]] = [*components["headers"].values()]
    for _, node in nodes(described["paths"]):
        told += map(resolved, [*node.get("parameters", ()), *node.get("responses", {}).values()])
        told += [node["requestBody"]] if "requestBody" in node else []
    for path, node in nodes(described):
        of_a_row_or_body = path[-2:] == ("attributes", "properties") or path[-3:] == (
            "oneOf",
            "0",
            "properties",
        )
        of_a_filter = path[-2:] == ("schema", "properties") and "parameters" in path
        if (of_a_row_or_body or of_a_filter) and "Relationships" not in path:
            told += node.values()
    assert len(told) > 500
    assert {node.get("x-provenance") for node in told} == {"documented", "assumed"}


def test_each_operation_names_its_errors() -> None:
    for operation in OPERATIONS:
        responses = document()["paths"]["/api/v1" + operation.path][operation.method]["responses"]
        writes = operation.method != "get"
        expected = {"401", "422", "429", "500"}
        expected |= {"403"} if operation.scope else set()
        expected |= {"404"} if "{" in operation.path else set()
        expected |= {"409"} if writes else set()
        assert {status for status in responses if status in ERRORS} == expected


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(shops=("acme",), customers=100, plan="enterprise", rate_limit=10_000_000) as running:
        yield running


def test_the_sandbox_serves_it(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.url}/openapi.json", timeout=10).json() == document()


def known_ids(stream: str) -> list[str]:
    """Return ids of rows that every sandbox has."""
    return [f"{TYPES[stream][1]}{number:08}" for number in range(10)]


def with_known_ids() -> BaseSchema:
    """Return the document with ids of existing rows and without generated cursors."""
    described = document()
    for operation in OPERATIONS:
        stated = described["paths"]["/api/v1" + operation.path][operation.method]
        ids = {"enum": known_ids("journeys" if operation.stream == "enrollments" else operation.stream)}
        stated["parameters"] = [item for item in stated["parameters"] if item != CURSOR]
        for parameter in stated["parameters"]:
            if parameter.get("in") == "path":
                parameter["schema"] = ids
        if operation.kind == "bulk":
            body = stated["requestBody"]["content"]["application/json"]["schema"]
            body["properties"]["data"]["items"]["properties"]["id"] = ids
    config = SchemathesisConfig(seed=1)
    config.projects.default.generation.update(with_security_parameters=False)  # tested separately
    return schemathesis.openapi.from_dict(described, config=config)


def test_the_ids_are_known(sandbox: Sandbox) -> None:
    for stream in TYPES:
        assert set(known_ids(stream)) <= {row["id"] for row in sandbox.truth("acme", stream)}


@with_known_ids().parametrize()
@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_sandbox_does_what_it_says(case: schemathesis.Case[Any], sandbox: Sandbox) -> None:
    # A campaign can be launched only once, which OpenAPI cannot express.
    excluded: list[Any] = [positive_data_acceptance] if case.path.endswith("/launch") else []
    token = {"Authorization": f"Bearer {sandbox.token('acme')}"}
    case.call_and_validate(base_url=sandbox.url, headers=token, excluded_checks=excluded)
