"""Writes to the first shop of a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from support.sandbox_client import BODIES, SHOP

if TYPE_CHECKING:
    from support.sandbox_client import Api, Row

CAMPAIGN = BODIES["campaigns"]


def keyed(key: str = "my-key") -> dict[str, str]:
    return {"Idempotency-Key": key}


def create(api: Api, key: str | None = "my-key", body: Row = CAMPAIGN) -> requests.Response:
    return api.send("post", "/campaigns", json=body, headers=keyed(key) if key else {})


def campaigns(api: Api) -> int:
    return api.sandbox.counts()[SHOP]["campaigns"]


def stock(api: Api, *values: Any, key: str | None = None) -> requests.Response:
    """Set what is available of the first rows of the inventory."""
    rows = api.sandbox.truth(SHOP, "inventory")[: len(values)]
    items = [
        {"id": row["id"], "attributes": {"available": value}} for row, value in zip(rows, values, strict=True)
    ]
    return api.send("patch", "/inventory", json={"data": items}, headers=keyed(key) if key else {})


def available(api: Api, number: int) -> list[Any]:
    return [row["available"] for row in api.sandbox.truth(SHOP, "inventory")[:number]]


def bearer(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.sandbox.token(SHOP)}"}


def raw_create(api: Api, key: str | None = "my-key") -> requests.Response:
    """Create a campaign without a check of the answer."""
    headers = bearer(api) | (keyed(key) if key else {})
    url = f"{api.sandbox.url}/api/v1/campaigns"
    return requests.post(url, json=CAMPAIGN, headers=headers, timeout=5, allow_redirects=False)
