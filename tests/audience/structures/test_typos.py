"""Words alike but for typing errors: the rule, word by word and by an index of words, against a plain definition."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.distinct_words import SortedWords
from regulars.audience.structures.typos import WantedWord, is_alike
from regulars.audience.structures.word_index import WordIndex

from .. import model

letters = st.text("abß", max_size=10)


def index_of(words: list[str]) -> WordIndex:
    """An index of words that are ascending; word i is in text i."""
    return WordIndex(SortedWords.of(words), np.arange(len(words), dtype=np.uint32), np.arange(len(words) + 1))


@pytest.mark.parametrize(
    ("wanted", "word", "expected"),
    [
        ("ana", "anna", False),  # three letters may have no error
        ("anna", "ana", True),
        ("anna", "naan", False),
        ("olivai", "olivia", True),
        ("anersson", "anderson", True),
        ("anersso", "anderson", False),  # seven letters may have one
        ("smtih", "smith", True),
        ("ca" + "b" * 3, "abc" + "b" * 2, False),  # a letter that was swapped is not part of another error
        ("müller", "muller", True),
    ],
)
def test_a_word_may_have_as_many_errors_as_its_length_allows(wanted: str, word: str, expected: bool) -> None:
    assert is_alike(WantedWord(wanted), word) == model.is_alike(wanted, word) == expected
    assert list(index_of([word]).alike(WantedWord(wanted))) == [0] * expected


@pytest.mark.parametrize(("wanted", "expected"), [("ande", True), ("adner", True), ("nader", True), ("sson", False)])
def test_of_a_word_the_beginning_is_enough_where_it_is_asked_for(wanted: str, expected: bool) -> None:
    assert is_alike(WantedWord(wanted, is_prefix=True), "andersson") == expected
    assert not is_alike(WantedWord(wanted), "andersson")


@given(st.sets(letters.filter(bool), max_size=30), letters, st.booleans())
def test_the_index_finds_what_the_definition_says(found: set[str], wanted: str, is_prefix: bool) -> None:
    words, question = sorted(found), WantedWord(wanted, is_prefix)
    expected = [place for place, word in enumerate(words) if model.is_alike(wanted, word, is_prefix=is_prefix)]
    assert list(index_of(words).alike(question)) == expected
    assert [place for place, word in enumerate(words) if is_alike(question, word)] == expected


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    words = sorted({"anna", "anne", "berta", "smith", "smithers", "ßoo", "😀"})
    path = tmp_path / "words"
    with path.open("wb") as file:
        writer = Writer(file)
        index_of(words).write(writer, "w")
        writer.finish()
    read = WordIndex.read(Reader(path), "w")
    assert len(read) == len(words)
    for wanted in ("anna", "smiht", "smithesr", "x"):
        assert read.alike(WantedWord(wanted, is_prefix=True)) == index_of(words).alike(
            WantedWord(wanted, is_prefix=True)
        )
