"""Errors in a response, whatever its status and whatever they are called there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMES = ("error", "errors")
"""The documented name of an error, and its plural: any value is an error, unless it is empty."""
_OTHER_NAMES = re.compile(
    r"err|faults?|exceptions?|failures?|error(?:codes?|messages?|msg|description|details?|type)"
)
_SUCCESS_NAMES = re.compile(r"ok|(?:is)?success(?:ful)?|succeeded")
_STATUS_NAMES = re.compile(r"state|result|outcome|(?:http)?status(?:code)?|(?:http)?code")
_STATUS_WORDS = re.compile(r"err(?:or|ored)?|fail(?:ed|ure)?|exception", re.IGNORECASE)
_INCOMPLETE_NAMES = re.compile(r"(?:is)?(?:partial|incomplete)(?:data|results?)?|timedout|haserrors?")
_MESSAGE_NAMES = ("message", "detail", "title", "description", "error_message", "error_description", "reason")
_CODE_NAMES = ("code", "error_code", "status", "statusCode", "status_code")
_ROW_OF_AN_ERROR = frozenset({*_NAMES, *_MESSAGE_NAMES, *_CODE_NAMES, "id", "type", "request_id"})
_NOT_ABOUT_THE_RESPONSE = re.compile(r"data|included|filters?|params|parameters|query|request")
_NOTHING = frozenset({"", "0", "none", "null", "false", "no", "ok", "success"})
_INTERNAL_ERROR = 500
_MAX_DEPTH = 2
"""How many objects deep a response is searched for a failure, as in `meta.status.code`."""
_ERROR_STATUS = re.compile(r"[45][0-9][0-9]")
_STATUS_OF_CODE = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "validation_failed": 422,
    "rate_limited": 429,
}
"""HTTP status of each documented code that is not worth a plain retry; any other error is."""
_RATE_LIMITED = 429
_RATE_LIMIT_CODES = re.compile(r"ratelimit|throttl|toomanyrequests|quotaexceeded|requestlimit|slowdown")
"""Error codes with which APIs report a rate limit, as `folded` returns them."""
_RATE_LIMIT_MESSAGES = re.compile(
    r"rate[ _-]?limit(?:ed\b|(?: is| was| has been)? (?:exceeded|reached|hit))"
    r"|too many requests|throttl(?:ed|ing)",
    re.IGNORECASE,
)


class EmbeddedError(Exception):
    """A 2xx response says that the request failed.

    Args:
        status: The HTTP status that the error should have had.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Failure(NamedTuple):
    """What a response says about a failure; each text is empty if it is missing.

    Attributes:
        member: Name of the member that says it.
        code: The API's own code.
        message: The API's message.
        request_id: The API's id of the request.
        status: The HTTP status that goes with it.
    """

    member: str = ""
    code: str = ""
    message: str = ""
    request_id: str = ""
    status: int = _INTERNAL_ERROR

    @property
    def rate_limited(self) -> bool:
        """Whether code or message says that the rate limit has refused the request."""
        code = _RATE_LIMIT_CODES.search(folded(self.code))
        return code is not None or _RATE_LIMIT_MESSAGES.search(self.message) is not None


def find_failure(content: object) -> Failure | None:
    """Return what a decoded response says about a failure, None if it reports none.

    An error may have any usual name, and stand in an object such as `meta`. `success: false`, a status of
    `error` or from 400 on, and results that are marked as incomplete are failures too.
    """
    if not isinstance(content, dict):
        return None
    for holder, name, value in _members(content):
        if _says_failed(name, value, outermost=holder is content):
            return _failure(name, value, holder)
    return None


def raise_if_failed(content: object) -> None:
    """Raise `EmbeddedError` if a decoded 2xx response says that the request failed."""
    failure = find_failure(content)
    if failure is not None:
        raise EmbeddedError(failure.status)


def is_error(row: Mapping[str, Any]) -> bool:
    """Return whether an object in the place of a row is an error and nothing else."""
    return row.keys() <= _ROW_OF_AN_ERROR and any(row.get(name) for name in _NAMES)


@lru_cache
def folded(name: str) -> str:
    """Return a name in lower case and without separators, so that `hasMore` and `has_more` are equal."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _members(
    content: dict[str, Any], depth: int = _MAX_DEPTH
) -> Iterator[tuple[dict[str, Any], str, object]]:
    """Yield the members of a response and of the objects in it, each with its object, but without rows."""
    for name, value in content.items():
        yield content, name, value
    for name, value in content.items():
        if depth and isinstance(value, dict) and not _NOT_ABOUT_THE_RESPONSE.fullmatch(folded(name)):
            yield from _members(value, depth - 1)


def _says_failed(name: str, value: object, *, outermost: bool) -> bool:
    word = folded(name)
    if word in _NAMES:
        return bool(value) and (outermost or not _is_count(value))
    if _OTHER_NAMES.fullmatch(word):
        return bool(value) and not _is_count(value) and str(value).lower() not in _NOTHING
    if _SUCCESS_NAMES.fullmatch(word):
        return value is False or (_is_count(value) and value == 0) or value in ("false", "False", "no", "0")
    if _INCOMPLETE_NAMES.fullmatch(word):
        return value is True or value == "true"
    if not _STATUS_NAMES.fullmatch(word):
        return False
    return _status(value) > 0 or (isinstance(value, str) and _STATUS_WORDS.fullmatch(value) is not None)


def _is_error_name(word: str) -> bool:
    return word in _NAMES or _OTHER_NAMES.fullmatch(word) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _status(value: object) -> int:
    """Return the status of an error that a number or a text names, 0 for anything else."""
    text = _text(value)
    return int(text) if _ERROR_STATUS.fullmatch(text) else 0


def _failure(name: str, value: object, holder: dict[str, Any]) -> Failure:
    first: Any = next((one for one in value if one), None) if isinstance(value, list) else value
    details = first if isinstance(first, dict) else holder
    code = next(filter(None, (_text(details.get(one)) for one in _CODE_NAMES)), "")
    texts = [text for one in _MESSAGE_NAMES if isinstance(text := details.get(one), str)]
    message = next(filter(None, texts), "")
    if not message and isinstance(first, str) and _is_error_name(folded(name)):
        message = first
    stated = (_status(given) for one in _CODE_NAMES for given in (details.get(one), holder.get(one)))
    status = _STATUS_OF_CODE.get(code) or next(filter(None, stated), 0)
    found = Failure(name, code, message, _text(details.get("request_id")), status or _INTERNAL_ERROR)
    return found if status or not found.rate_limited else found._replace(status=_RATE_LIMITED)


def _text(value: object) -> str:
    """Return a member of an error, empty if it is no text: an object may be of any size."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return str(value)
