"""Text columns of thousands of texts, in segments and pending, against plain Python."""

import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from pyroaring import BitMap

from regulars.audience.structures import arena as arenas
from regulars.audience.structures.coded import CodedColumn
from regulars.audience.structures.orders import TextOrder
from regulars.audience.structures.segments import Segment
from regulars.audience.structures.spellings import Spellings
from regulars.audience.structures.text import TextColumn
from regulars.audience.structures.typos import WantedWord
from regulars.domain.changes import NULL
from tests.search_keys import search_key_of

from ...effort import slow
from ..model import is_alike, words

NEEDLES = ["", "a", "n", "@", "an", "nn", "ann", "anna", "anna.s", "gmail.com", "a@g", "@gmail", "ñ", "é2", "smith1",
           "x" * 70, "zz", "long anna", "l", "s1", ".com", "\0", "😀"]  # fmt: skip


def text(rng: random.Random) -> str:
    first = rng.choice(["anna", "maria", "peña", "josé", "li", "x", "😀", "long " * 14 + "anna"])
    last, domain = rng.choice(["smith", "lopez", "o"]), rng.choice(["gmail.com", "co.de", "é2.fr"])
    return search_key_of(f"{first}.{last}{rng.randrange(60)}@{domain}")


def truth(texts: dict[int, str], needle: str) -> list[int]:
    return sorted(ordinal for ordinal, each in texts.items() if needle in each)


def segmented() -> TextColumn:
    return TextColumn(pending_limit=40, scan_limit=100, tails=True)


def without_words() -> TextColumn:
    return TextColumn(pending_limit=40, scan_limit=100, words_limit=0)


@pytest.mark.parametrize("make", [segmented, without_words, TextColumn, CodedColumn])
@pytest.mark.parametrize("load", [False, True])
@pytest.mark.parametrize("steps", [400, slow(1_500)])
def test_a_life_of_changes(make: Callable[[], TextColumn | CodedColumn], load: bool, steps: int) -> None:
    column = make()
    rng = random.Random(3)
    texts: dict[int, str] = {}
    order = TextOrder(column, Spellings(), delta_limit=30) if isinstance(column, TextColumn) else None
    if load:
        for ordinal in range(0, 700, 20):
            texts |= {each: text(rng) for each in range(ordinal, ordinal + 20, 2)}
            column.load(ordinal, [texts.get(each) for each in range(ordinal, ordinal + 20)])
        column.finish(index=True)
    for step in range(steps):
        ordinal = rng.randrange(1_000)
        if rng.random() < 0.2:
            texts.pop(ordinal, None)
            column.set(ordinal, None)
        else:
            texts[ordinal] = text(rng)
            column.set(ordinal, texts[ordinal])
        if order:
            order.changed(ordinal)
        if step % 250 == 0:
            check(column, texts, order)
    check(column, texts, order)
    assert dict(column.items()) == texts
    assert column.nbytes > 0


def check(column: TextColumn | CodedColumn, texts: dict[int, str], order: TextOrder | None) -> None:
    everyone, few = BitMap(range(1_000)), BitMap(range(0, 1_000, 97))
    for needle in NEEDLES:
        for within in (everyone, few):
            assert list(column.contains(needle, within)) == [each for each in truth(texts, needle) if each in within]
        assert column.cost(needle, 1_000) > 0
    for wanted in [*list(texts.values())[:5], "a", "anna", ""]:
        assert list(column.equals(wanted, everyone)) == sorted(each for each, is_ in texts.items() if is_ == wanted)
    for ordinal in range(0, 1_000, 50):
        assert column.get(ordinal) == texts.get(ordinal)
    if isinstance(column, TextColumn):
        for word in ["ana", "smith", "lopes", "mariasmth", "x", "josé", "jose", "-", "", "gmial", "smi", "anna"]:
            for is_prefix in (False, True):
                asked = WantedWord(word, is_prefix)
                is_one = partial(is_alike, word, is_prefix=is_prefix)
                expected = [ordinal for ordinal, each in sorted(texts.items()) if any(map(is_one, words(each)))]
                assert list(column.alike(asked, everyone)) == expected
        assert column.alike_cost(WantedWord("smith")) > 0
    if order:
        labels = order.refresh(1_000)
        assert order.cost(1_000) == 0
        ranked = sorted(texts, key=lambda ordinal: texts[ordinal])
        for left, right in pairwise(ranked):
            assert (labels[left] == labels[right]) == (texts[left] == texts[right])
            assert labels[left] <= labels[right]
        assert {ordinal for ordinal in range(1_000) if labels[ordinal] != NULL} == texts.keys()


def test_ascending_texts_use_up_gaps_and_stay_in_order() -> None:
    column = TextColumn()
    order = TextOrder(column, Spellings())
    for ordinal in range(300):
        column.set(ordinal, f"user{ordinal:04}")
        order.changed(ordinal)
        labels = order.refresh(ordinal + 1)
        assert (labels[1:] > labels[:-1]).all()
    column.set(300, "user0100b")
    order.changed(300)
    assert order.refresh(301)[100] < order.refresh(301)[300] < order.refresh(301)[101]


@pytest.mark.parametrize("seed", range(20))
def test_texts_are_looked_through_where_there_are_no_trigrams(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arenas, "_BLOCK", [7, 10_000][seed % 2])
    monkeypatch.setattr(arenas, "_SAMPLE", [20, 10_000][seed // 2 % 2])
    rng = random.Random(seed)
    texts = {at: "".join(rng.choices("ab ä", k=rng.randrange(6))) for at in range(0, 300, 1 + seed % 3)}
    arena = Segment.of(list(texts), list(texts.values())).arena
    for needle in ("a", "b", "ab", "aab", "ä", " a", "äb b", "äaä", "aabab", "x", "ab" * 40, "a" * 5_000):
        expected = [at for at, text in texts.items() if needle in text]
        assert list(arena.holders(needle.encode())) == expected


def test_large_segments_wait_to_be_tidied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.audience.structures.text._MOST_AT_ONCE", 20)
    column = TextColumn(pending_limit=4, scan_limit=4)
    for ordinal in range(200):
        column.set(ordinal, f"anna {ordinal}")
        if column.is_untidy:
            column.tidy()
            assert not column.is_untidy
    assert dict(column.items()) == {ordinal: f"anna {ordinal}" for ordinal in range(200)}
    assert len(column.segments) < 6
