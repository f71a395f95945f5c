"""Refusals in words: the field is named, once."""

import pytest

from regulars.domain.faults import refuse


@pytest.mark.parametrize(
    ("field", "detail", "sentence"),
    [
        ("n", "must be a whole number of at most 64 bits", "n: must be a whole number of at most 64 bits"),
        ("m", "must be text", "m: must be text"),
        ("amount", "must be an amount", "amount: must be an amount"),
        ("", "must be a JSON object", "must be a JSON object"),
        ("email", "No valid identifier found", "email: No valid identifier found"),
        ("group", "The group 7 does not exist.", "The group 7 does not exist."),
        ("count", "count must be a whole number", "count must be a whole number"),
    ],
)
def test_the_sentence_names_the_field(field: str, detail: str, sentence: str) -> None:
    assert refuse("invalid", field, detail).sentence == sentence
