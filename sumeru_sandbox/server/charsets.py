"""Responses in another charset than UTF-8."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumeru_sandbox.spec.messages import Response

_JSON = "application/json"


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Return JSON escapes for the characters that a charset lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error("json_escapes", _escaped)


def in_charset(response: Response, charset: str) -> Response:
    """Return a response with its JSON in a charset, and with a header that names it."""
    if charset == "utf-8" or response.headers.get("Content-Type") != _JSON:
        return response
    headers = {**response.headers, "Content-Type": f"{_JSON}; charset={charset}"}
    text = response.body.decode(errors="replace")
    return response._replace(headers=headers, body=text.encode(charset, errors="json_escapes"))
