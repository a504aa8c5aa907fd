"""Whatever the charset of a body is, JSON is decoded from UTF-8 and what is lost is counted."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.charset import REPLACEMENT, to_utf8
from sumeru_api.json_values import UndecodableError
from sumeru_api.responses import Response

CHARSETS = [
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
    "iso-8859-1", "iso-8859-15", "windows-1252", "koi8-r", "shift_jis", "gb18030", "cp037",
]  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
CONTENTS = st.dictionaries(TEXTS, TEXTS | st.integers() | st.lists(TEXTS, max_size=2), max_size=4)


def encoded(content: object, charset: str) -> bytes:
    """Return JSON in a charset, with escapes for what the charset lacks."""
    lacking = []
    for letter in json.dumps(content, ensure_ascii=False):
        try:
            same = letter.encode(charset).decode(charset) == letter
        except UnicodeError:
            same = False
        lacking.append(letter if same else json.dumps(letter)[1:-1])
    return "".join(lacking).encode(charset)


@given(content=CONTENTS, charset=st.sampled_from(CHARSETS), quoted=st.booleans())
def test_what_was_written_in_a_charset_is_read(content: dict[str, Any], charset: str, quoted: bool) -> None:
    name = f'"{charset.upper()}"' if quoted else charset
    text = to_utf8(encoded(content, charset), f"application/json; x=1;Charset={name}; q=1")
    assert (json.loads(text.body), text.replaced, text.unusable) == (content, 0, "")


@given(content=CONTENTS, charset=st.sampled_from([one for one in CHARSETS if one.startswith("utf")]))
def test_utf_is_found_without_a_header(content: dict[str, Any], charset: str) -> None:
    text = to_utf8(encoded(content, charset), None)
    assert (json.loads(text.body), text.replaced, text.unusable) == (content, 0, "")


@pytest.mark.parametrize(
    "charset",
    [
        "klingon",
        "hex",
        "rot13",
        "idna",
        "punycode",
        "unicode_escape",
        "undefined",
        "utf-16",
        "utf-32-be",
        "a\0b",
    ],
)
def test_a_charset_that_cannot_be_that_of_the_body_is_taken_for_utf_8(charset: str) -> None:
    body = '{"a": "ü\\u00fc"}'.encode()
    assert to_utf8(body, f"application/json; charset={charset}") == (body, 0, charset)


@pytest.mark.parametrize(
    "header", [None, "", "application/json", "application/json;", "x; charset=", "x; y=z"]
)
def test_a_body_is_utf_8_unless_the_header_says_otherwise(header: str | None) -> None:
    body = '{"a": "ü"}'.encode()
    assert to_utf8(body, header) == (body, 0, "")


@given(st.binary(max_size=40), st.sampled_from([None, *(f"x; charset={one}" for one in (*CHARSETS, "nope"))]))
def test_any_body_is_text_or_not_json(body: bytes, header: str | None) -> None:
    text = to_utf8(body, header)
    try:
        content, replaced = Response(200, {}, text.body, 0.0, replaced=text.replaced).content()
    except UndecodableError:
        return
    assert replaced >= 0
    json.dumps(content, ensure_ascii=False, default=str).encode()


def content_of(body: bytes, header: str | None = None) -> tuple[Any, int]:
    """Return what a response with a body holds, and how many characters were replaced."""
    text = to_utf8(body, header)
    return Response(200, {}, text.body, 0.0, replaced=text.replaced).content()


@given(st.lists(st.sampled_from(["a", "ü", REPLACEMENT, "\xff"]), max_size=12))
def test_each_broken_byte_is_counted_and_no_character_that_was_sent(letters: list[str]) -> None:
    """A byte 0xFF is never part of UTF-8; the character U+FFFD may have been sent."""
    sent = b"".join(b"\xff" if one == "\xff" else one.encode() for one in letters)
    content, replaced = content_of(b'{"a":"' + sent + b'"}')
    assert content == {"a": "".join(letters).replace("\xff", REPLACEMENT)}
    assert replaced == letters.count("\xff")


@pytest.mark.parametrize(
    ("body", "header", "replaced"),
    [
        (rb'{"a": "\ud83d", "b": "\ud83d\ude00 \\ud83d \ufffd"}', None, 1),
        (b'{"a": "\x81"}', "x; charset=windows-1252", 1),
        ('{"a": "x"}'.encode("utf-16-le").replace(b"x\0", b"\x3d\xd8"), None, 1),
        (f'{{"a": "{string.printable[:62]}"}}'.encode(), None, 0),
    ],
)
def test_what_is_replaced_is_counted(body: bytes, header: str | None, replaced: int) -> None:
    assert content_of(body, header)[1] == replaced


def test_the_message_of_an_error_is_read_in_its_charset() -> None:
    text = to_utf8('{"error":{"message":"für"}}'.encode("iso-8859-1"), "x; charset=iso-8859-1")
    assert Response(403, {}, text.body, 0.0).failure().message == "für"
