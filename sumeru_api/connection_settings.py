"""Connection settings: trusted certificates, the proxy of the environment, the limit on open files."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

import certifi
from aiohttp import hdrs
from yarl import URL

from sumeru_api.transport_errors import (
    CLOSED,
    NO_LOOKUP,
    NOT_HTTP,
    NoAnswerError,
    ProxyError,
    UntrustedHostError,
)

try:
    import resource
except ImportError:  # Windows
    _HAS_LIMITS = False
else:
    _HAS_LIMITS = True

_HOST = re.compile(r"[a-z0-9.:\[\]-]{1,100}")
"""Hosts that a message may name: without underscores, so that a token set as `api_url` is never shown."""
_SCHEMES = ("http", "https")
_OTHER_FILES = 256
"""Open files reserved for everything else."""


class Origin(NamedTuple):
    """A scheme, host and port, and how requests to it are made.

    Attributes:
        scheme: `http` or `https`.
        authority: Host and port as they are sent: encoded, without credentials.
        ssl: The certificates to trust; `True` for plain HTTP.
        proxy: URL of the proxy, without credentials.
        proxy_headers: Headers for the proxy alone.
    """

    scheme: str
    authority: str
    ssl: SSLContext | bool
    proxy: URL | None
    proxy_headers: dict[str, str] | None

    def explain(self, fault: NoAnswerError) -> None:
        """Add to a fault the host that it came from, without credentials, and a likely cause."""
        plain = self.scheme == "http"
        if isinstance(fault, ProxyError) and self.proxy is not None:
            fault.host = f"proxy {self.proxy.host_port_subcomponent}"
            plain = self.proxy.scheme == "http"
        elif fault.reason != NO_LOOKUP and _HOST.fullmatch(self.authority):
            fault.host = self.authority
        if plain and fault.reason in (CLOSED, NOT_HTTP):
            fault.hint = "if it expects TLS, write https:// instead of http://"


class Origins:
    """The origins of a session, each looked up once."""

    def __init__(self) -> None:
        self._origins: dict[tuple[str, str], Origin] = {}
        self._context: SSLContext | None = None

    def find(self, scheme: str, netloc: str) -> Origin:
        """Return the origin of a URL, from its scheme, and its host and port.

        Raises:
            UntrustedHostError: No connection may be made to it.
        """
        origin = self._origins.get((scheme, netloc))
        if origin is None:
            origin = self._origins[scheme, netloc] = self._look_up(scheme, netloc)
        return origin

    def _look_up(self, scheme: str, netloc: str) -> Origin:
        try:
            url = URL(f"{scheme}://{netloc}")
        except ValueError:
            raise UntrustedHostError(NO_LOOKUP) from None
        authority = url.host_port_subcomponent
        if not authority or url.scheme not in _SCHEMES:
            raise UntrustedHostError(NO_LOOKUP)
        if url.scheme != "https":
            # For loopback only: a proxy would carry the token off this machine in clear text.
            return Origin(url.scheme, authority, ssl=True, proxy=None, proxy_headers=None)
        return Origin(url.scheme, authority, self._trusted(), *_proxy(url))

    def _trusted(self) -> SSLContext:
        if self._context is None:
            environment = os.environ.get
            bundle = environment("REQUESTS_CA_BUNDLE") or environment("CURL_CA_BUNDLE") or certifi.where()
            try:
                context = (
                    create_default_context(capath=bundle)
                    if Path(bundle).is_dir()
                    else create_default_context(cafile=bundle)
                )
            except OSError:
                raise UntrustedHostError(
                    "the CA bundle cannot be read; check REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE"
                ) from None
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context


def _proxy(url: URL) -> tuple[URL | None, dict[str, str] | None]:
    """Return the proxy that the environment names for an https URL, and its Proxy-Authorization header."""
    proxies = getproxies()
    setting = proxies.get("https") or proxies.get("all")
    if not setting or proxy_bypass(url.raw_host or "") or proxy_bypass(f"{url.raw_host}:{url.port}"):
        return None, None
    try:
        proxy = URL(setting if "://" in setting else f"http://{setting}")
        address = proxy.origin()
    except ValueError:
        raise ProxyError("the proxy of the environment is not a URL", lasting=True) from None
    if address.scheme not in _SCHEMES:
        raise ProxyError("the proxy of the environment is neither http:// nor https://", lasting=True)
    if not proxy.user:
        return address, None
    credentials = b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    return address, {hdrs.PROXY_AUTHORIZATION: f"Basic {credentials}"}


def allow_connections(wanted: int) -> int:
    """Raise the process's limit of open files if needed; return how many connections it then allows."""
    if not _HAS_LIMITS:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + _OTHER_FILES  # idle connections are not counted among those in use
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    return max(1, min(wanted, (soft - _OTHER_FILES) // 2))
