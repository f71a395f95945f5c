"""Words that are alike but for typing errors: the rule, and texts that are looked through for it.

A word is a run of alphanumeric characters. An error is an inserted, missing or replaced letter, or two neighbours that
are swapped; no letter is part of two errors (the optimal string alignment distance). A short word may have none, as
too many others would be alike.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

_WORD: Final = re.compile(r"[^\W_]+")
_REMEMBERED: Final = 65_536
"""Words of which it is remembered while texts are looked through whether they are alike."""

ONE_ERROR: Final = 4
TWO_ERRORS: Final = 8
"""From how many letters on a word may have so many errors."""


class WantedWord(NamedTuple):
    """A word, as a search key, to which others are alike. is_prefix: it is enough that one begins alike."""

    text: str
    is_prefix: bool = False

    @property
    def errors(self) -> int:
        """How many errors it may have."""
        return allowed_errors(self.text)


def allowed_errors(word: str) -> int:
    """How many errors a word may have."""
    return (len(word) >= ONE_ERROR) + (len(word) >= TWO_ERRORS)


def words_of(text: str) -> list[str]:
    """The words of a search key."""
    return _WORD.findall(text)


def is_alike(wanted: WantedWord, word: str) -> bool:
    """Whether a word, or with `is_prefix` its beginning, is the wanted one but for the errors that it may have."""
    text, errors = wanted.text, wanted.errors
    if not wanted.is_prefix:
        return OSA.distance(text, word, score_cutoff=errors) <= errors
    shortest, longest = len(text) - errors, min(len(text) + errors, len(word))
    return any(
        OSA.distance(text, word[:length], score_cutoff=errors) <= errors for length in range(shortest, longest + 1)
    )


def texts_with(wanted: WantedWord, texts: Iterable[tuple[int, str]]) -> Iterator[int]:
    """Yield the ordinals of (ordinal, search key) pairs that have a word alike."""
    known: dict[str, bool] = {}
    for ordinal, text in texts:
        for word in words_of(text):
            hit = known.get(word)
            if hit is None:
                if len(known) >= _REMEMBERED:
                    known.clear()
                hit = known[word] = is_alike(wanted, word)
            if hit:
                yield ordinal
                break
