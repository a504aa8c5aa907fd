"""Everything that can go wrong, and what the user can do about it.

::

    TapError
    ├── SettingsError          the config asks for something impossible
    ├── StateError             the state file is not one of ours
    ├── TargetClosed           our stdout takes no more
    ├── BatchFileError            a file for BATCH cannot be written
    └── ApiError              a stream of a shop could not be read to its end
        ├── AuthenticationError       401: concerns the whole shop
        ├── PermissionDenied       403
        ├── NotFound           404
        ├── RequestRejected            any other 4xx: the request, its filter or its cursor
        ├── ApiUnavailable        network faults, 5xx, unreadable answers, once the tries are used up
        │   ├── UntrustedHost      the host's certificate: concerns the whole shop
        │   └── HostNotResponding         no answer at all, to anything: concerns the whole shop
        └── UnexpectedResponse          a 200 that breaks the API's own rules

No error carries a token, a body or a value of a record.
"""

from __future__ import annotations


class ApiError(Exception):
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

    def told(self, cause: str, kind: type[ApiError] | None = None) -> ApiError:
        """Return an error of the same answer with another cause, and perhaps of another kind."""
        return (kind or type(self))(cause, status=self.status, code=self.code, request_id=self.request_id)

    def describe(self) -> str:
        """Return the cause on one line, with the status, the API's code and its request id."""
        answer = " ".join(filter(None, (str(self.status or ""), self.code)))
        text = f"{answer}: {self.cause}" if answer else self.cause
        return f"{text} (request {self.request_id})" if self.request_id else text


class AuthenticationError(ApiError):
    """401: the API does not know the shop's token."""

    hint = "Put a valid token in `api_token` (or the shop's entry): Settings → API tokens in Sumeru."
    whole_shop = True


class PermissionDenied(ApiError):
    """403: the token lacks the scope, or the plan does not include the resource."""

    hint = "Grant `{scope}` to the token in Settings → API tokens, or deselect `{stream}`."


class NotFound(ApiError):
    """404: there is no such resource."""

    hint = (
        "Check `api_url`; if it is right, this shop's API does not offer the resource: deselect `{stream}`."
    )


class RequestRejected(ApiError):
    """Any other 4xx: the API does not accept the request as it stands."""

    hint = "Check `stream_options.{stream}` (filters, include, date_filter)."


class ApiUnavailable(ApiError):
    """The API could not be reached or made no sense, and the tries are used up."""

    hint = "Check `api_url` and the network, then run the tap again: it goes on where it stopped."


class HostNotResponding(ApiUnavailable):
    """The shop's host gave no answer to anything, again and again."""

    whole_shop = True


class UntrustedHost(ApiUnavailable):
    """The certificate of the shop's host cannot be trusted, so that nothing is asked of it."""

    whole_shop = True


class UnexpectedResponse(ApiError):
    """A successful answer that breaks the API's own rules, so that going on could lose rows."""

    hint = "Run the tap again; if it stays, report it: the API has changed."
