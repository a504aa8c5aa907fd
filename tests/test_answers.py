"""`answers`: an answer is whole only if it is, wherever the bytes of it are parted."""

from __future__ import annotations

import gzip

import pytest

from tap_sumeru.answers import CutShortError, NotHttpError, Parser

HEAD = b"HTTP/1.1 200 OK\r\nX-Limit: 600\r\nx-limit: 7\r\n"
PACKED = gzip.compress(b"hello", mtime=0)
LENGTH = b"Content-Length: %d\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n"


def fed(*parts: bytes) -> Parser:
    answer = Parser()
    for part in parts:
        answer.feed(memoryview(part))
    return answer


@pytest.mark.parametrize(
    ("text", "keeps_open"),
    [
        (HEAD + LENGTH % 5 + b"hello", True),
        (HEAD + CHUNKED + b"\r\n", True),
        (HEAD + CHUNKED + b"Content-Encoding: gzip\r\n\r\n", True),
        (HEAD + b"Content-Encoding: gzip\r\n" + LENGTH % len(PACKED) + PACKED, True),
        (HEAD + b"Connection: close\r\n" + LENGTH % 5 + b"hello", False),
        (HEAD.replace(b"/1.1", b"/1.0") + LENGTH % 5 + b"hello", False),
        (HEAD + b"Upgrade: h2\r\n" + LENGTH % 5 + b"hello", True),
        (b"HTTP/1.1 100 Continue\r\nx-limit: 1\r\n\r\n" + HEAD + LENGTH % 5 + b"hello", True),
    ],
    ids=["length", "chunks", "trailer", "gzip", "close", "HTTP/1.0", "upgrade", "continue"],
)
def test_an_answer_is_the_same_wherever_it_is_parted(text: bytes, keeps_open: bool) -> None:
    single = [bytes([byte]) for byte in text]
    for parts in [(text,), single, *((text[:i], text[i:]) for i in range(1, len(text)))]:
        answer = fed(*parts)
        assert (answer.complete, answer.keeps_open, answer.status) == (True, keeps_open, 200)
        assert answer.headers["X-LIMIT"] == "600"
        assert answer.body() == b"hello"


@pytest.mark.parametrize("text", [HEAD + LENGTH % 5 + b"hello", HEAD + CHUNKED + b"\r\n"])
def test_an_answer_that_ends_early_is_not_whole(text: bytes) -> None:
    for i in range(len(text)):
        answer = fed(text[:i])
        assert not answer.complete
        with pytest.raises(CutShortError):
            answer.body()


@pytest.mark.parametrize("header", [b"", b"Transfer-Encoding: identity\r\n"])
def test_without_a_length_the_body_ends_with_the_connection(header: bytes) -> None:
    answer = fed(HEAD + header + b"\r\nhel", b"lo")
    assert not answer.keeps_open
    assert answer.body() == b"hello"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_answers_have_no_body_whatever_length_they_tell(status: bytes) -> None:
    answer = fed(b"HTTP/1.1 " + status + b"\r\n" + LENGTH % 5)
    assert answer.complete
    assert answer.body() == b""


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        HEAD + LENGTH % 5 + b"hello" + HEAD,
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_what_is_no_answer_or_more_than_one_is_told(text: bytes) -> None:
    with pytest.raises(NotHttpError):
        fed(text)


def test_a_fault_of_ours_is_not_taken_for_one_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Parser, "on_header", fault)
    with pytest.raises(MemoryError):
        fed(HEAD)
