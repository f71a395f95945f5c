"""The distinct words of texts."""

from hypothesis import given
from hypothesis import strategies as st

from regulars.audience.structures.distinct_words import END, NO_WORD, DistinctWords

WORDS = st.text(st.sampled_from("abz0é\U0001f600\udcff"), min_size=1, max_size=4)


@given(st.lists(st.lists(WORDS | st.just(END), max_size=60), max_size=4), st.lists(WORDS, max_size=200))
def test_words_are_numbered_as_they_come_and_put_in_order(chunks: list[list[str]], sample: list[str]) -> None:
    found = DistinctWords(sample)
    numbers = [found.numbers(chunk).tolist() for chunk in chunks]
    every = [word for chunk in chunks for word in chunk]
    words, ranks = found.sorted()
    distinct = sorted(set(every) - {END})
    assert words.lengths.tolist() == list(map(len, distinct))
    assert words.points.tolist() == [ord(letter) for word in distinct for letter in word]
    flat = [number for some in numbers for number in some]
    assert [None if number == NO_WORD else distinct[ranks[number]] for number in flat] == [
        None if word == END else word for word in every
    ]


def test_the_words_of_a_sample_fall_into_many_shards() -> None:
    found = DistinctWords(f"{number:04}" for number in range(1_000))
    found.numbers(f"{number:05}" for number in range(10_000))
    assert max(map(len, found.shards)) < 1_000
