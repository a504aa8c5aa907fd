"""What an error may quote of a text of the API."""

# ruff: noqa: RUF001 - marks of quotation that look alike are what this is about

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.redaction import error_code, is_known, mask, mask_name, name_only, request_id
from sumeru_api.vocabulary import WORDS
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no such customer jane.doe+x@example.co.uk", "no such customer [e-mail]"),
        ('field "email": "jane@example.com"', 'field "email": [value]'),
        ("call +44 (0)20 7946 0958 now", "call [number] now"),
        ("call 555 010 0777, (555) 010-0777 or 555/010.0777", "call [number] or [number]"),
        ("call [55] [50] [10] /07 _77 or page 55 50 10", "call [number] or page [number]"),
        ("token copt_test_abcDEF123 expired", "token [token] expired"),
        ("Authorization: Bearer abc.def", "Authorization: [token]"),
        ("Authorization: Bearer status", "Authorization: [token]"),
        ("key aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g0000", "key [value]"),
        ("token lacks the scope orders:read", "token lacks the scope orders:read"),
        ('no customer "Jane Doe" here', "no customer [value] here"),
        ("no customer Jane Doe here", "no customer [value] here"),
        ("jane doe has no orders", "[value] has no orders"),
        ("May and Will may not, they will not", "[value] and [value] may not, they will not"),
        ("address 12 rose road, springfield", "address [number] [value]"),
        ("customer 42 is unknown, it'jane too", "customer [number] is unknown, [value] too"),
        ("GET /api/v1/customers/cus_1?email=jane%40x.com", "GET [e-mail]"),
        ("“jane” «jane» „jane“ ‘jane’ ‹jane› 「jane」 `jane`", "[value]"),
        ("'limit 'the' value' and \"status \"of\" it\" exist", "[value] and [value] exist"),
        ("'the limit isn't it' and all", "[value] and all"),
        ('missing "status of it all', "missing [value]"),
        ("&quot;the one&quot; and &#39;the two&#39; exist", "[value] and [value] exist"),
        ("the customer's order doesn't exist", "the customer's order doesn't exist"),
        ("unknown parameter `filter[date_from]`", 'unknown parameter "filter[date_from]"'),
        ("Müller मोहन ｊａｎｅ is unknown", "[value] is unknown"),
        ("Too many requests; retry after 60s", "Too many requests; retry after 60s"),
        ("limit must be between 1 and 100", "limit must be between 1 and 100"),
        ("the shard did not answer", "the shard did not answer"),
        ("date_to required", "date_to required"),
        ("as_00A0, to_0And and v1is for v1, ltv_12mo", "[value] and [value] for v1, ltv_12mo"),
        ("line\nby\tline   gone", "line by line gone"),
        ("\x1b[2K ok \u202e\x07\u200b\x00\u2028", "[value] ok"),
        ("a " * 400, "a " * 150 + "..."),
    ],
)  # fmt: skip
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_values_that_were_sent_are_masked_where_the_api_quotes_them() -> None:
    assert mask("active is no stage; inactive neither", ["active"]) == "[value] is no stage; inactive neither"
    assert mask("unknown token secret", ["", "secret"]) == "unknown token [value]"
    assert (
        mask("no order and no LIST_of them found", ["Order/List"]) == "no [value] and no [value] them found"
    )


CANARIES = st.one_of(
    st.from_regex(r"[a-z0-9._%+-]{1,20}@[a-z0-9.-]{1,20}\.[a-z]{2,4}", fullmatch=True),
    st.from_regex(r"\+?[0-9]{1,4}([ ./()-]{1,2}[0-9]{2,4}){2,5}", fullmatch=True),
    st.from_regex(r"[0-9]{4,20}([.,][0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[A-Za-z][a-z]{3,10}( [A-Za-z][a-z]{3,10}){0,2}", fullmatch=True),
    st.from_regex(r"[a-z]{2,5}[_-][a-z]{0,5}[0-9][a-zA-Z0-9]{3,20}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9+/]{24,80}={0,2}", fullmatch=True),
    st.text(st.characters(categories=["Lo"]), min_size=2, max_size=20),
    st.text(string.ascii_letters + " @+.'", min_size=3, max_size=20)
    .map(quote)
    .filter(lambda one: "%" in one),
    st.tuples(
        st.sampled_from(['""', "''", "``", "“”", "„“", "«»", "»«", "‘’", "‹›", "「」", "＂＂"]),
        st.from_regex(r"[a-z]{5,12}( [a-z]{5,12}){0,3}", fullmatch=True),
    ).map(lambda pair: pair[0][0] + pair[1] + pair[0][1]),
)  # fmt: skip
"""Private values as an API may put them into a message."""

SENTENCES = st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=12)


@given(SENTENCES, CANARIES, SENTENCES, st.sampled_from(["", ".", ",", ":", ")", "!"]))
def test_nothing_of_a_private_value_is_left_wherever_it_stands(
    before: list[str], canary: str, after: list[str], end: str
) -> None:
    masked = mask(" ".join([*before, canary + end, *after]))
    shown = mask(" ".join(before)).split() + mask(" ".join(after)).split()
    for part in canary.strip("\"'`“”„«»‘’‹›「」＂").split():
        bare = part.strip(".,;:!?()<>=*-+#&|~^\\/")
        if bare.lower() not in WORDS and len(bare) > 2:
            assert part not in masked.split(), masked
            assert bare not in masked.split(), masked
    assert len(masked.split()) <= len(shown) + 2


@given(st.text())
def test_a_masked_text_is_one_short_line_of_printable_ascii(text: str) -> None:
    masked = mask(text, [text])
    assert masked.isascii()
    assert masked.isprintable()
    assert len(masked) <= 303


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x ",
        "1",
        "1 ",
        "a-",
        "a_b.",
        '"',
        "'a ",
        "&quot;",
        "&#0",
        "“”",
        "a@",
        "%40",
        "[",
        "../",
        "(1) ",
        "\r",
    ],
)
def test_a_long_text_is_cut_before_it_is_masked(text: str) -> None:
    """A pattern that goes back and forth over 200,000 letters would hold the interpreter for minutes."""
    masked = mask(text * 200_000, [text * 1000])
    assert len(masked) <= 303


@pytest.mark.parametrize("text", ["a", "a-", "a_", "A", "1", "-", "_1", "a." * 7])
def test_a_long_code_or_name_is_refused_without_going_back_and_forth(text: str) -> None:
    long = text * 200_000
    assert (error_code(long), request_id(long), name_only(long), is_known(long)) == ("", "", "", False)
    assert mask_name(long).startswith("[")


@pytest.mark.parametrize(
    ("text", "code"),
    [("validation_failed", "validation_failed"), ("HTTP_404", "HTTP_404"), ("rate.limited", "rate.limited"),
     ("copt_live_aB3xY9", ""), ("copt_live_abcdef", ""), ("jane@example.com", ""), ("Jane Doe", ""),
     ("a_5550100777", ""), ("x" * 81, ""), ("a\n", ""), ("", "")],
)  # fmt: skip
def test_an_error_code_is_quoted_only_if_it_looks_like_one(text: str, code: str) -> None:
    assert error_code(text) == code


@pytest.mark.parametrize(
    ("text", "shown"),
    [("req_000000000012", True), ("req_a", True), ("0f8e6a1c-1111-4a4a-9999-aabbccddeeff", True),
     ("5550100777", False), ("555-010-0777", False), ("Jane", False), ("jane@example.com", False),
     ("copt_live_aB3xY9", False), ("x_" * 41, False), ("req_1\n", False), ("", False)],
)  # fmt: skip
def test_the_id_of_a_request_is_quoted_only_if_it_looks_like_one(text: str, shown: bool) -> None:
    assert request_id(text) == (text if shown else "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("nextCursor", True), ("iso-8859-1", True), ("copt_live_abcd", False), ("a b", False), ("a\x1b", False)],
)
def test_a_name_is_shown_only_if_it_is_one_word(text: str, shown: bool) -> None:
    assert name_only(text) == (text if shown else "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("progress_markers", "progress_markers"), ("Acme Store", "Acme Store"), ("jane@example.com", "[e-mail]"),
     ("copt_live_aB3xY9", "[token]"), ("555 0100", "[number]"), ("a\nb", "[value]"), ("\ud800", "[number]")],
)  # fmt: skip
def test_a_name_of_the_users_own_files_is_quoted_if_it_looks_like_one(text: str, shown: str) -> None:
    assert mask_name(text) == shown


@given(st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.integers(0, 99)), min_size=2, max_size=5))
def test_an_id_is_not_taken_for_a_name_because_its_letters_are_words(parts: list[tuple[str, int]]) -> None:
    assert mask("_".join(f"{word}{number}" for word, number in parts)).startswith("[")
    assert mask("".join(f"{number}{word}" for word, number in parts)).startswith("[")


def test_every_name_of_the_api_is_known() -> None:
    names = {"limit", "cursor", "include", "fields", "filter[date_from]", "filter[date_to]", "orders:read"}
    names |= {"validation_failed", "rate_limited", "internal_error", "not_found", "unauthenticated"}
    for name, spec in STREAMS.items():
        names |= {name, spec.path, *stream_schemas.load(name)["properties"]}
    assert sorted(name for name in names if not is_known(name)) == []
