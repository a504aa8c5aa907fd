"""Redacts texts of the API: only what is known to be harmless is kept, in printable ASCII.

Words of the vocabulary are kept, names made of them, and numbers that state a limit or a duration.
Everything else may be a value of a row or of a request.
"""

# ruff: noqa: RUF001 - marks of quotation that look alike are what this is about

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sumeru_api.vocabulary import BEFORE_NUMBERS, FIRST_NAMES, NAMES, WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_MAX_READ = 2000
"""Characters of a text to read, at most."""
_MAX_LENGTH = 300
_MAX_NAME = 80
_LABELS = ("[value]", "[e-mail]", "[number]", "[token]")
_SHORTENED = re.compile(r"([A-Za-z]+)'[a-z]{1,2}")
"""As in `doesn't` and `customer's`."""
_NAME = re.compile(r"[A-Za-z_.:/\[\]{}0-9-]*")
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_NUMBERED = re.compile(r"[^0-9]*(?:[0-9]{1,2}(?:mo)?(?![A-Za-z0-9]))?[^0-9]*")
"""A name of the API has one short number at most, as in `v1` and `ltv_12mo`; an id may have several."""
_NUMBER = re.compile(r"[0-9]{1,3}(?:s|ms|%)?")
_TOKEN = re.compile(r"\b(?:copt|sk|pk|wsec)_\w{4,}", re.ASCII)
_BEARER = "bearer"
"""The word after this one is a token; both are masked."""
_SENT_PART = re.compile(r"[\W_]+")
_EDGES = ".,;:!?()<>=*-+#&|~^\\/"
_PUNCTUATION = ".,;:!?"

_DOUBLE = '"“”„‟«»″＂〝〞「」『』《》'
_SINGLE = "'‘’‚‛‹›′＇"
_BACK = "`´"
_FAMILY = {mark: family for family in (_DOUBLE, _SINGLE, _BACK) for mark in family}
_OPENING = frozenset("“„«‘‚‹〝「『《")
_ENTITY = re.compile(r"&(?:(?:quot|apos|[lr][sd]quo|[lr]aquo)|#(?:0{0,5}3[49]|x0{0,5}2[27]));", re.IGNORECASE)

_CODE = re.compile(r"(?:[a-z]{1,40}|[A-Z]{1,40})(?:[_.-](?:[a-z]{1,40}|[A-Z]{1,40}|[0-9]{1,4})){0,9}")
_REQUEST_ID = re.compile(r"(?=[0-9_-]{0,79}[A-Za-z])(?=[A-Za-z]{0,79}[0-9_-])[A-Za-z0-9_-]{1,80}")
_OWN_NAME = re.compile(r"(?:[A-Za-z_*?][\w. \[\]*?-]{0,79})?", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z][\w-]{0,79}", re.ASCII)


def mask(text: str, sent: Iterable[str] = ()) -> str:
    """Return a text of the API as one short line in ASCII, without anything that may be a private value.

    Args:
        text: The text.
        sent: Values of the request, which the API may repeat in its message.
    """
    private = {part for value in sent for part in _SENT_PART.split(value.casefold()) if part}
    line = " ".join(_merged(_masked(_without_quotations(_printable(text)).split(), private)))
    return line if len(line) <= _MAX_LENGTH else line[:_MAX_LENGTH] + "..."


def _printable(text: str) -> str:
    """Return a text without control and formatting characters, cut at a word if it is long."""
    if len(text) > _MAX_READ:
        text = text[:_MAX_READ].rpartition(" ")[0]  # what is cut in the middle might not be recognised
    return _ENTITY.sub('"', "".join(letter if letter.isprintable() else " " for letter in text))


def _without_quotations(text: str) -> str:
    """Replace what is quoted, unless it is a name of the API; without a closing mark, all that follows."""
    kept: list[str] = []
    start = depth = 0
    family = ""
    for i, mark in enumerate(text):
        if mark not in (family or _FAMILY):
            continue
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        if not depth:
            if mark in _OPENING or (after and not before.isalnum() and not after.isspace()):
                kept += [text[start:i], " "]
                start, depth, family = i + 1, 1, _FAMILY[mark]
        elif not after.isalnum():
            depth -= 1
            if not depth:
                inside = text[start:i].strip()
                kept += [f'"{inside}"' if is_known(inside, NAMES) else "[value]", " "]
                start, family = i + 1, ""
        elif not before.isalnum():
            depth += 1
    return "".join([*kept, "[value]" if depth else text[start:]])


def _masked(words: list[str], private: set[str]) -> Iterator[tuple[str, str]]:
    """Yield what is shown of each word, and the punctuation after it if the word is masked."""
    cores = [word.strip(_EDGES) for word in words]
    for word, core, before, after in zip(words, cores, ["", *cores], [*cores[1:], ""], strict=False):
        bare = core.strip('"')
        shortened = _SHORTENED.fullmatch(bare)
        if _BEARER in (core.lower(), before.lower()):
            yield "[token]", ""
            continue
        if core in _LABELS or _is_private(bare.casefold(), private):
            known = False
        elif _NUMBER.fullmatch(core):
            known = before.lower() in BEFORE_NUMBERS and not any(letter.isdigit() for letter in after)
        else:
            known = is_known(shortened[1] if shortened else bare)
        if known:
            yield word, ""
        else:
            yield (core if core in _LABELS else _label(word)), word[-1] if word[-1] in _PUNCTUATION else ""


def _is_private(word: str, private: set[str]) -> bool:
    return bool(private) and not private.isdisjoint(_SENT_PART.split(word))


def _label(word: str) -> str:
    if "@" in word or "%40" in word:
        return "[e-mail]"
    if _TOKEN.search(word):
        return "[token]"
    return "[value]" if any(letter.isalpha() for letter in word) else "[number]"


def _merged(words: Iterable[tuple[str, str]]) -> list[str]:
    """Join each word with its punctuation, and the masked words of one kind that follow each other."""
    merged: list[str] = []
    for shown, mark in words:
        if merged and shown in _LABELS and merged[-1].rstrip(_PUNCTUATION) == shown:
            merged[-1] = shown + mark
        elif merged and shown in _PUNCTUATION:
            merged[-1] += shown
        else:
            merged.append(shown + mark)
    return merged


def is_known(name: str, words: Collection[str] = WORDS) -> bool:
    """Return whether a name is made of known words alone, as `filter[date_from]` and `api/v1/orders` are."""
    if len(name) > _MAX_NAME or not (_NAME.fullmatch(name) and _NUMBERED.fullmatch(name)):
        return False
    parts = _NAME_PART.findall(name)
    if "".join(parts)[:1].isdigit() or not FIRST_NAMES.isdisjoint(map(str.lower, set(parts) - FIRST_NAMES)):
        return False
    return all(part.isdigit() or part.lower() in words for part in parts)


def error_code(text: str) -> str:
    """Return an error code unchanged; an empty string if it does not look like one."""
    return text if _CODE.fullmatch(text) and not _TOKEN.match(text) else ""


def request_id(text: str) -> str:
    """Return the id of a request unchanged; an empty string if it may be a name, a number or a token."""
    return text if _REQUEST_ID.fullmatch(text) and not _TOKEN.search(text) else ""


def name_only(text: str) -> str:
    """Return a name of letters, digits, `_` and `-` unchanged; an empty string if it is anything else."""
    return text if _IDENTIFIER.fullmatch(text) and not _TOKEN.search(text) else ""


def mask_name(text: str) -> str:
    """Return a name from a file of the user, masked if it does not look like one."""
    return text if _OWN_NAME.fullmatch(text) and not _TOKEN.search(text) else _label(text)
