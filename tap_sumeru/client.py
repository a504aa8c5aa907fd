"""HTTP: one request of one shop, its answer told apart into a page, a fault to try again, or an error."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from math import ceil
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from typing_extensions import override
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tap_sumeru import pages
from tap_sumeru.errors import (
    BadAnswer,
    NotFound,
    ReadError,
    Refused,
    ScopeMissing,
    TokenRefused,
    Untrusted,
    mask,
    name_only,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_sumeru.settings import Settings
    from tap_sumeru.shops import Shop

_CONNECT_SECONDS = 10.0
_LONGEST_ANSWER = 5
"""How often the timeout an answer may take as a whole: one that drips is never silent."""
_CHUNK = 65536
_PREFIX = "/api/v1/"
_OK = range(200, 300)
_TRY_AGAIN = frozenset({408, 425, *range(500, 600)})
_TOO_MANY = 429
_PRIVATE_PARAMS = ("filter[", "cursor")
_NO_PLAIN_PROXY = {"http": ""}
"""Plain http is for loopback: a proxy of the environment would carry the token off this machine in clear."""
_ERROR_FIELDS = ("code", "message", "request_id")
_ERRORS: Mapping[int, type[ReadError]] = {401: TokenRefused, 403: ScopeMissing, 404: NotFound}

Params = tuple[tuple[str, str], ...]


class FaultError(Exception):
    """Something that may well pass: a network fault, a 5xx, an answer cut short or unreadable.

    Args:
        error: The error that it becomes once the tries are used up.
        status: HTTP status, if there was an answer.
        headers: Headers of the answer.
    """

    def __init__(self, error: ReadError, status: int = 0, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.cause)
        self.error = error
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as the pace and the reading need it.

    Attributes:
        status: HTTP status.
        headers: Headers, found whatever their case.
        body: The body, decompressed.
        elapsed: Seconds from the request to the answer.
        sent: What was sent and must not be shown, should the answer quote it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    sent: tuple[str, ...] = field(default=(), repr=False)

    @property
    def asked_at(self) -> datetime:
        """When the request was made: by the server's clock, or by ours if the answer bears no date."""
        sent = self.headers.get("Date")
        try:
            served = parsedate_to_datetime(sent).replace(tzinfo=timezone.utc) if sent else None
        except ValueError:
            served = None
        now = served or datetime.now(timezone.utc).replace(microsecond=0)
        return now - timedelta(seconds=ceil(self.elapsed))

    def content(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the decoded body.

        Raises:
            ReadError: The API refused the request, and asking again would not help.
            FaultError: It may answer if asked again.
        """
        if self.status not in _OK:
            raise self._error()
        try:
            return pages.decode(self.body)
        except pages.UndecodableError:
            error = ReadError("the answer is not JSON", status=self.status)
            raise FaultError(error, self.status, self.headers) from None

    @property
    def limited(self) -> bool:
        """Whether the rate limit refused the request."""
        return self.status == _TOO_MANY

    def _error(self) -> ReadError | FaultError:
        code, message, request_id = _error_envelope(self.body)
        if self.status in range(300, 400):
            return BadAnswer("the API redirects; check `api_url`", status=self.status)
        kind = _ERRORS.get(self.status, ReadError if self.status in _TRY_AGAIN else Refused)
        cause = mask(message, self.sent) or "no reason given"
        error = kind(cause, status=self.status, code=name_only(code), request_id=name_only(request_id))
        return FaultError(error, self.status, self.headers) if self.status in _TRY_AGAIN else error


def _error_envelope(body: bytes) -> tuple[str, str, str]:
    try:
        error = pages.decode(body)["error"]
        code, message, request_id = (str(error.get(name) or "") for name in _ERROR_FIELDS)
    except (pages.UndecodableError, AttributeError, KeyError, TypeError):
        return "", "", ""
    return code, message, request_id


class _Bearer(AuthBase):
    """Puts the token on a request; being an `auth`, it also keeps `.netrc` out."""

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Http:
    """The connections of a run, shared by all shops; one session a thread, and no cookie kept."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = (_CONNECT_SECONDS, settings.request_timeout_seconds)
        own = f"tap-sumeru/{version('tap-sumeru')}"
        self._headers = {
            "User-Agent": f"{own} {settings.user_agent}".strip(),
            "Accept": "application/json",
        }
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def get(self, shop: Shop, path: str, params: Params) -> Answer:
        """Ask once.

        Args:
            shop: The shop to ask for.
            path: Path under `/api/v1`.
            params: Query parameters.

        Raises:
            FaultError: There was no whole answer.
            ReadError: The host's certificate cannot be trusted.
        """
        try:
            until = time.monotonic() + _LONGEST_ANSWER * self._timeout[1]
            with self._session().get(
                shop.api_url + _PREFIX + path,
                params=params,
                auth=_Bearer(shop.token),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                proxies=_NO_PLAIN_PROXY,
            ) as response:
                body = _read(response, until)
        except (requests.exceptions.RequestException, HTTPError) as fault:
            if "CERTIFICATE_VERIFY_FAILED" in str(fault):
                raise Untrusted("the host's certificate cannot be trusted") from None
            raise FaultError(ReadError(_in_words(fault))) from None
        elapsed = response.elapsed.total_seconds()
        sent = (shop.token, *(value for name, value in params if name.startswith(_PRIVATE_PARAMS)))
        return Answer(response.status_code, response.headers, body, elapsed, sent)

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers.update(self._headers)
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.mount("https://", HTTPAdapter(pool_connections=4))
            session.mount("http://", HTTPAdapter(pool_connections=4))
            with self._lock:
                self._sessions.append(session)
        return session


def _read(response: requests.Response, until: float) -> bytes:
    """Return the whole body, as long as it comes in time."""
    chunks = []
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        chunks.append(chunk)
        if time.monotonic() > until:
            raise requests.exceptions.Timeout
    return b"".join(chunks)


def _in_words(fault: Exception) -> str:
    """Return what happened without the URL, whose parameters may hold what a user filters on."""
    if "NameResolutionError" in str(fault):
        return "the host's name is not known"
    if isinstance(fault, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(fault, (requests.exceptions.Timeout, TimeoutError, ReadTimeoutError)):
        return "no answer in time"
    if isinstance(fault, HTTPError):
        return "the answer was cut short"
    return "the connection failed"
