"""One answer of HTTP/1.1, made out from the bytes of a connection as they come; llhttp does the parsing."""

from __future__ import annotations

import gzip
import zlib

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser
from requests.structures import CaseInsensitiveDict

_INTERIM = range(100, 200)


class CutShortError(Exception):
    """The answer is not whole."""


class NotHttpError(Exception):
    """The bytes are no answer, or more than one."""


class Parser:
    """Takes the bytes of one answer.

    Attributes:
        status: Its HTTP status; 0 until its headers have come, those of an interim answer (1xx) aside.
        headers: Its headers, found whatever their case; of several with one name the first.
        complete: Whether all of it has come.
        keeps_open: Whether the connection takes another request afterwards.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.complete = False
        self.keeps_open = False
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
        self._body: list[bytes] = []

    def feed(self, part: memoryview) -> None:
        """Take what has come.

        Raises:
            NotHttpError: It does not go on as an answer does.
        """
        try:
            self._parser.feed_data(part)
        except HttpParserCallbackError as error:  # raised below, by whatever this is the context of
            raise error.__context__ or NotHttpError from None
        except (HttpParserError, HttpParserUpgrade):
            raise NotHttpError from None

    def body(self) -> bytes:
        """Return the body as it was before it was packed; nothing more can be fed.

        Raises:
            CutShortError: The answer was to be longer.
        """
        del self._parser  # they know each other: only a search for garbage would free the page
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        bounded = chunked or "Content-Length" in self.headers
        if not self.complete and (bounded or not self.status):
            raise CutShortError
        try:
            return _unpacked(b"".join(self._body), self.headers.get("Content-Encoding", ""))
        except (OSError, EOFError, zlib.error):
            raise CutShortError from None

    # What llhttp finds

    def on_message_begin(self) -> None:
        """Refuse what comes after the answer."""
        if self.complete:
            raise NotHttpError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, unless it trails the body."""
        if not self.status:
            self.headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Keep the status."""
        self.status = self._parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Take note that the answer is whole, unless the server only says that it is at work."""
        if self.status in _INTERIM:
            self._begin()
        else:
            self.complete = True
            self.keeps_open = self._parser.should_keep_alive()


def _unpacked(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("gzip", "x-gzip") and body:
        return gzip.decompress(body)
    if encoding == "deflate" and body:
        try:
            return zlib.decompress(body)
        except zlib.error:  # without the header that it should have
            return zlib.decompress(body, -zlib.MAX_WBITS)
    return body
