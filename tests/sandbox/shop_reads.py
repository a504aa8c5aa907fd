"""Authenticated GET requests to a shop of a running sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox


def get(sandbox: Sandbox, path: str, shop: str = "acme", **parameters: str) -> requests.Response:
    return requests.get(
        f"{sandbox.url}/api/v1/{path}",
        params=parameters,
        headers={"Authorization": f"Bearer {sandbox.token(shop)}"},
        allow_redirects=False,
        timeout=5,
    )


def data(sandbox: Sandbox, path: str, shop: str = "acme", **parameters: str) -> Any:
    answer = get(sandbox, path, shop, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]
