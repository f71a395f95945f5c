"""Spellings: of texts with one search key, they stand in the order of the texts, and differ where the texts do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regulars.audience.structures.spellings import SAME, Spellings, spelling_of
from regulars.domain.text import search_key

variants = st.sampled_from(
    ["jose", "Jose", "José", "JOSÉ", "josé", "jo\u200bse", " jose", "jose ", "JoSe", "ＪＯＳＥ", "jose\u0301"]
)


@given(variants, variants)
def test_spellings_of_one_key_stand_as_their_texts(left: str, right: str) -> None:
    key = "jose"
    assert search_key(left) == search_key(right) == key
    a, b = spelling_of(key, left), spelling_of(key, right)
    assert (a < b, a == b) == (left < right, left == right)
    assert (a == SAME) == (left == key)


@given(st.text(), st.text(), st.text())
def test_they_do_so_whatever_the_key(key: str, left: str, right: str) -> None:
    a, b = spelling_of(key, left), spelling_of(key, right)
    assert (a < b) == (left < right) or "\0" in left + right  # which no text has


@given(st.dictionaries(st.integers(0, 30), st.text(alphabet="aAbBéÉ ", max_size=6), max_size=20))
def test_a_column_tells_the_spelling_of_each(texts: dict[int, str]) -> None:
    spellings = Spellings()
    for ordinal, text in texts.items():
        spellings.set(ordinal, search_key(text), text)
    for ordinal, text in texts.items():
        assert spellings.get(ordinal) == spelling_of(search_key(text), text)
    assert spellings.get(99) == SAME
    ordered, places = spellings.of(np.arange(40, dtype=np.uint32))
    assert ordered == sorted(ordered)
    for ordinal, text in texts.items():
        assert ordered[places[ordinal]].decode() == spelling_of(search_key(text), text)
