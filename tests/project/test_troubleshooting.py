"""docs/troubleshooting.md has every error and warning that the source can print, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from support.printed_messages import HOLE, messages

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
_MIN_WORDS = 4
"""A shorter beginning fits too much, so it must be the whole message."""


def _plain(text: str) -> str:
    """Return a text without backticks, with one hole instead of several in a row."""
    return re.sub(f"{HOLE}+", HOLE, text.replace("`", "")).strip()


def _spans() -> list[str]:
    """Return the messages in the first column of the page's tables, as they are in Markdown."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Messages of Meltano")[0]
    tables = text.partition("\n## Settings")[2]
    cells = re.findall(r"^\| (`.+?) \|", tables, re.MULTILINE)
    return [one for cell in cells for one in cell.split("<br>")]


def documented() -> list[str]:
    """Return the beginnings of messages in the first column of the page's tables, `…` for any text."""
    return [_plain(one) for one in _spans()]


def _begins(message: str, beginning: str) -> bool:
    if len(re.findall(r"[A-Za-z_]{2,}", beginning)) < _MIN_WORDS:
        return message == beginning
    pattern = ".*".join(re.escape(part) for part in beginning.split(HOLE))
    return re.match(pattern, message) is not None


def test_every_message_is_documented() -> None:
    beginnings = documented()
    missing = [
        f"{place}: {message}"
        for message, place in messages().items()
        if not any(_begins(_plain(message), beginning) for beginning in beginnings)
    ]
    assert not missing, f"add to the tables of {PAGE.name}, with cause and fix:\n" + "\n".join(missing)


def test_every_documented_message_exists() -> None:
    known = [_plain(message) for message in messages()]
    stale = [one for one in documented() if not any(_begins(message, one) for message in known)]
    assert not stale, f"no code prints these lines of {PAGE.name}:\n" + "\n".join(stale)


def test_every_message_is_one_code_span() -> None:
    """A backtick inside a message ends its span, unless two backticks and a space enclose it."""
    broken = [one for one in _spans() if not re.fullmatch(r"`[^`]+`|`` (?!.*``.*``).+ ``", one)]
    assert broken == []
