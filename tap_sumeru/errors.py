"""Everything that can go wrong, and what the user can do about it.

::

    TapError
    ├── SettingsError          the config asks for something impossible
    ├── StateError             the state file is not one of ours
    ├── TargetClosed           our stdout takes no more
    ├── BatchFailed            a file for BATCH cannot be written
    └── ReadError              a stream of a shop could not be read to its end
        ├── TokenRefused       401: concerns the whole shop
        ├── ScopeMissing       403
        ├── NotFound           404
        ├── Refused            any other 4xx: the request, its filter or its cursor
        ├── Unreachable        network faults, 5xx, unreadable answers, once the tries are used up
        │   ├── Untrusted      the host's certificate: concerns the whole shop
        │   └── Silent         no answer at all, to anything: concerns the whole shop
        └── BadAnswer          a 200 that breaks the API's own rules

No error carries a token, a body or a value of a record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Looked for in this order: a token may hold digits that look like a phone number.
_PRIVATE = (
    (re.compile(r"copt_\w{4,}|\b(?:sk|pk|wsec)_\w{4,}"), "[token]"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "[token]"),
    (re.compile(r"[^\s@<>\"'=]+(?:@|%40)[^\s@<>\"',;]+"), "[e-mail]"),
    (re.compile(r"\+?\d[\d\s().-]{6,}\d"), "[number]"),
    (re.compile(r"[A-Za-z0-9+/_.-]{40,}={0,2}|[A-Za-z0-9+/]{32,}={0,2}"), "[token]"),
)
_QUOTED = re.compile(r"([\"`])([^\"`]*)\1")
_SPELT_AS_FIELD = re.compile(r"\[[a-z-]+\]|[a-z][a-z0-9_.\[\]]*")
_MESSAGE_LIMIT = 300
_NAME = re.compile(r"[A-Za-z][\w-]{0,79}", re.ASCII)


def mask(text: str, sent: Iterable[str] = ()) -> str:
    """Return a text of the API on one short line, without what may be private.

    That is e-mail addresses, phone numbers, tokens, values in quotes, and the values that were `sent`.
    """
    for value in filter(None, sent):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[value]", text)
    for pattern, instead in _PRIVATE:
        text = pattern.sub(instead, text)
    text = _QUOTED.sub(_mask_quoted, text)
    text = " ".join(text.split())
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "…"


def _mask_quoted(found: re.Match[str]) -> str:
    """Return a quoted value masked, but the name of a field or a parameter as it is."""
    return found[0] if _SPELT_AS_FIELD.fullmatch(found[2]) else f"{found[1]}[value]{found[1]}"


def name_only(text: str) -> str:
    """Return a code or an id of the API as it is, or nothing if it is none, or might be a token."""
    return text if _NAME.fullmatch(text) and not _PRIVATE[0][0].search(text) else ""


class TapError(Exception):
    """Base of all errors that this tap raises on purpose."""


class SettingsError(TapError):
    """The settings contradict each other or cannot be used; the message names the setting."""


class StateError(TapError):
    """The state is damaged or not of this tap; the message names the stream."""


class TargetClosed(TapError):
    """Our stdout takes no more: its reader has gone, or its disk is full."""


class BatchFailed(TapError):
    """A file for BATCH cannot be written."""


class ReadError(TapError):
    """A stream of a shop could not be read to its end.

    Args:
        cause: What happened, in a few words, free of customer data.
        status: HTTP status, if there was an answer.
        code: The API's own error code.
        request_id: The API's id of the request, for its support.
    """

    hint = "Run the tap again; if it stays, ask Sumeru's support with the request id."
    whole_shop = False
    """Whether no other stream of the shop can be read either."""

    def __init__(self, cause: str, *, status: int = 0, code: str = "", request_id: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.status = status
        self.code = code
        self.request_id = request_id

    def advice(self, stream: str, scope: str) -> str:
        """Return what the user can do, given the stream and the scope that it needs."""
        return self.hint.format(stream=stream, scope=scope)

    def told(self, cause: str, kind: type[ReadError] | None = None) -> ReadError:
        """Return an error of the same answer with another cause, and perhaps of another kind."""
        return (kind or type(self))(cause, status=self.status, code=self.code, request_id=self.request_id)

    def describe(self) -> str:
        """Return the cause on one line, with the status, the API's code and its request id."""
        answer = " ".join(filter(None, (str(self.status or ""), self.code)))
        text = f"{answer}: {self.cause}" if answer else self.cause
        return f"{text} (request {self.request_id})" if self.request_id else text


class TokenRefused(ReadError):
    """401: the API does not know the shop's token."""

    hint = "Put a valid token in `api_token` (or the shop's entry): Settings → API tokens in Sumeru."
    whole_shop = True


class ScopeMissing(ReadError):
    """403: the token lacks the scope, or the plan does not include the resource."""

    hint = "Grant `{scope}` to the token in Settings → API tokens, or deselect `{stream}`."


class NotFound(ReadError):
    """404: there is no such resource."""

    hint = (
        "Check `api_url`; if it is right, this shop's API does not offer the resource: deselect `{stream}`."
    )


class Refused(ReadError):
    """Any other 4xx: the API does not accept the request as it stands."""

    hint = "Check `stream_options.{stream}` (filters, include, date_filter)."


class Unreachable(ReadError):
    """The API could not be reached or made no sense, and the tries are used up."""

    hint = "Check `api_url` and the network, then run the tap again: it goes on where it stopped."


class Silent(Unreachable):
    """The shop's host gave no answer to anything, again and again."""

    whole_shop = True


class Untrusted(Unreachable):
    """The certificate of the shop's host cannot be trusted, so that nothing is asked of it."""

    whole_shop = True


class BadAnswer(ReadError):
    """A successful answer that breaks the API's own rules, so that going on could lose rows."""

    hint = "Run the tap again; if it stays, report it: the API has changed."
