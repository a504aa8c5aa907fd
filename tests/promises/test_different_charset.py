"""Bodies come in any charset, or in none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply
from support.scripted_sync import assert_complete, sync, warnings
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

NAME = "Müller"
KEY = {"updated_at": "2026-05-10T00:00:00Z"}
BODY = json.dumps(
    {"data": [{"id": "cus_1", "attributes": {"last_name": NAME, **KEY}}], "pagination": END},
    ensure_ascii=False,
)


@pytest.mark.parametrize(
    ("charset", "header"),
    [
        ("utf-8", "application/json"),
        ("utf-8-sig", "application/json"),
        ("iso-8859-1", "application/json; charset=iso-8859-1"),
        ("iso-8859-1", 'application/json;Charset="ISO-8859-1"; q=1'),
        ("windows-1252", "application/json; charset=windows-1252"),
        ("utf-16", "application/json; charset=utf-16"),
        ("utf-16-le", "application/json"),
        ("utf-32-be", "application/json; charset=utf-8"),
    ],
)
def test_a_body_is_read_in_its_charset(tmp_path: Path, charset: str, header: str) -> None:
    """Met elsewhere as n8n-io/n8n#11928."""
    reply = Reply(BODY.encode(charset), headers={"Content-Type": header})
    output = sync(tmp_path, lambda _: reply, "customers")
    assert_complete(output, "customers")
    assert [record["last_name"] for record in output.records("customers")] == [NAME]
    assert warnings(output) == []


def test_an_unknown_charset_is_read_as_utf_8_and_said_once(tmp_path: Path) -> None:
    reply = Reply(BODY, headers={"Content-Type": "application/json; charset=klingon"})
    output = sync(tmp_path, lambda _: reply, "customers")
    assert_complete(output, "customers")
    assert [record["last_name"] for record in output.records("customers")] == [NAME]
    (warning,) = warnings(output)
    assert "klingon" in warning


@pytest.mark.parametrize("where", ["last_name", "new", "tags"])
def test_what_cannot_be_decoded_is_counted_and_said_once(tmp_path: Path, where: str) -> None:
    rows = [
        {"id": f"cus_{n}", "attributes": {where: [NAME] if where == "tags" else NAME, **KEY}}
        for n in range(3)
    ]
    body = json.dumps({"data": rows, "pagination": END}, ensure_ascii=False).encode("iso-8859-1")
    output = sync(tmp_path, lambda _: Reply(body, headers={"Content-Type": "application/json"}), "customers")
    assert_complete(output, "customers")
    assert "M\ufffdller" in json.dumps(output.records("customers"), ensure_ascii=False)
    assert warnings(output) == [
        "customers: 3 characters could not be decoded; the records have U+FFFD instead."
    ]


def test_the_message_of_an_error_is_read_in_its_charset(tmp_path: Path) -> None:
    body = '{"error":{"code":"forbidden","message":"the scope is missing"}}'.encode("utf-16")
    reply = Reply(body, 403, {"Content-Type": "application/json; charset=utf-16"})
    output = sync(tmp_path, lambda _: reply, "customers")
    assert output.code == 1
    assert "403 forbidden: the scope is missing" in output.log
    assert STREAMS["customers"].scope in output.log
