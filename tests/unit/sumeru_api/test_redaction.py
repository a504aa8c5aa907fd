"""What an error may quote of a text of the API."""

from __future__ import annotations

import pytest

from sumeru_api.redaction import mask, name_only


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no such customer jane.doe+x@example.co.uk", "no such customer [e-mail]"),
        ('field "email": "jane@example.com"', 'field "email": "[e-mail]"'),
        ("call +44 (0)20 7946 0958 now", "call [number] now"),
        ("token copt_test_abcDEF123 expired", "token [token] expired"),
        ("Authorization: Bearer abc.def", "Authorization: [token]"),
        ("key aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g0000", "key [token]"),
        ("token lacks the scope orders:read", "token lacks the scope orders:read"),
        ('no customer "Jane Doe" here', 'no customer "[value]" here'),
        ("unknown parameter `filter[date_from]`", "unknown parameter `filter[date_from]`"),
        ("line\nbreaks\tare   gone", "line breaks are gone"),
        ("x " * 400, "x " * 150 + "…"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_values_that_were_sent_are_masked_where_the_api_quotes_them() -> None:
    assert mask("loyal is no stage; disloyal neither", ["loyal"]) == "[value] is no stage; disloyal neither"
    assert mask("unknown token s3cret", ["", "s3cret"]) == "unknown token [value]"


@pytest.mark.parametrize(
    ("text", "name"),
    [("validation_failed", "validation_failed"), ("req_000000000012", "req_000000000012"),
     ("copt_live_aB3xY9", ""), ("jane@example.com", ""), ("Jane Doe", ""), ("x" * 81, "")],
)  # fmt: skip
def test_a_code_of_the_api_is_quoted_only_if_it_looks_like_one(text: str, name: str) -> None:
    assert name_only(text) == name
