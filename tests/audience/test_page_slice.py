"""Slices by key against the brute-force model: keys of those who are there, who have gone and who never were."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from regulars.audience.evaluate import evaluate
from regulars.audience.filters.predicates import EVERYBODY
from regulars.audience.filters.sorts import SORTS, Sort
from regulars.audience.index import SiteIndex, Tuning
from regulars.audience.page_slice import PageSlice, SortKey, show
from regulars.audience.source import Head
from regulars.audience.structures import window as module
from regulars.audience.structures.spellings import spelling_of
from regulars.audience.structures.window import ordered_rank, rank, window
from regulars.domain.changes import NULL, TEXTS
from regulars.domain.identity import address_key

from ..effort import examples
from . import strategies as random
from .model import Model, folded
from .test_index import TUNINGS, loaded

Values = dict[int, int | str | None]


def values_of(model: Model, column: str) -> Values:
    """What a column's order compares, by customer."""
    if column == "id":
        return dict.fromkeys(model.customers)
    if column in TEXTS:
        return {n: _place(c.texts.get(column), column) for n, c in model.customers.items()}
    return {n: c.columns.get(column) for n, c in model.customers.items()}


def _place(text: str | None, column: str) -> str | None:
    if text is None:
        return None
    return folded(text) + spelling_of(folded(text), address_key(text) if column == "email" else text)


def stands_before(value: int | str | None, number: int, key: SortKey, sort: Sort) -> bool:
    if sort.column == "id":
        return number > key.number if sort.descending else number < key.number
    if value == key.value:
        return number < key.number
    if value is None or key.value is None:
        return key.value is None
    return bool(value > key.value if sort.descending else value < key.value)  # type: ignore[operator]


def split(model: Model, sort: Sort, matches: list[int], key: SortKey) -> tuple[list[int], list[int]]:
    """(who stands before the key, who behind it) in order; the customer whose key it is is neither."""
    values = values_of(model, sort.column)
    before = [n for n in matches if stands_before(values[n], n, key, sort)]
    at = key.number in values and (sort.column == "id" or values[key.number] == key.value)
    return before, [n for n in matches if n not in before and not (at and n == key.number)]


def assert_stretches(index: SiteIndex, model: Model, sort: Sort, key: SortKey, take: int, predicate=EVERYBODY) -> None:  # type: ignore[no-untyped-def]
    found = evaluate(predicate, index)
    matches = model.answer(predicate, sort, 0, 1_000)[1]
    before, behind = split(model, sort, matches, key)
    shown = show(index, found, sort, PageSlice(take=take, after=key))
    assert shown.numbers == behind[:take]
    assert shown.skipped == len(matches) - len(behind)
    back = show(index, found, sort, PageSlice(take=take, before=key))
    assert back.numbers == before[-take:]
    assert back.skipped == len(before) - len(back.numbers)
    values = values_of(model, sort.column)
    for each in (shown, back):
        ends = [each.numbers[0], each.numbers[-1]] if each.numbers else []
        assert each.ends == (tuple(SortKey(values[n], n) for n in ends) or None)


@settings(max_examples=examples(25, 500), deadline=None)
@given(st.data(), random.steps, st.sampled_from(TUNINGS))
def test_stretches_of_a_followed_and_of_a_loaded_index(data: st.DataObject, steps: list, tuning: Tuning) -> None:  # type: ignore[type-arg]
    model = Model()
    index = SiteIndex(tuning)
    sort = data.draw(random.sorts)
    keys: set[tuple[int, int | str | None]] = set()
    for number, step in enumerate(steps, 1):
        record = random.take(model, step)
        if record is not None:
            index.apply([record], model.texts(each.number for each in record.entries), Head(number, number))
        keys |= {(n, value) for n, value in values_of(model, sort.column).items()}
        if number % 4 == 0:
            show(index, index.alive, sort, PageSlice())  # now and then the text orders are brought up to date
    fresh = loaded(model, tuning)
    predicate = data.draw(random.predicates)
    for n, value in data.draw(st.lists(st.sampled_from(sorted(keys, key=str)), max_size=4)) if keys else []:
        key = SortKey(value, data.draw(st.integers(max(n - 1, 0), n + 1)))
        take = data.draw(st.integers(1, 5))
        for each in (index, fresh):
            assert_stretches(each, model, sort, key, take)
            assert_stretches(each, model, sort, key, take, predicate)


@pytest.mark.parametrize("column", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_a_walk_meets_everybody_once_while_others_come_and_go(column: str, descending: bool) -> None:
    model, index, sort = Model(), SiteIndex(Tuning(2, 3, 2, banded_from=2)), Sort(column, descending)
    change = 0

    def write(number: int | None, value: int | None) -> None:
        nonlocal change
        change += 1
        texts = {"name": None if value is None else f"n{value}", "email": f"{value}@x.example"}
        columns = {"created_at": value, "net_revenue": value, "last_request_at": value}
        record = model.upsert(number, columns, texts)
        index.apply([record], model.texts(each.number for each in record.entries), Head(change, change))

    for at in range(60):
        write(None, None if at % 5 == 0 else at % 7 * 10)
    stay = {n for n in model.customers if n % 4}
    met: list[int] = []
    key: SortKey | None = None
    while True:
        shown = show(index, evaluate(EVERYBODY, index), sort, PageSlice(take=4, after=key))
        if shown.ends is None:
            break
        met += shown.numbers
        key = shown.ends[1]
        goes = min(set(model.customers) - stay)
        change += 1
        index.apply([model.delete(goes)], {}, Head(change, change))
        if len(met) < 50:
            write(None, len(met))  # somewhere: before or behind the walk
    assert sorted(n for n in met if n in stay) == sorted(stay)
    assert len(set(met)) == len(met)


@pytest.mark.parametrize("seed", range(8))
def test_a_rank_is_the_position_in_the_page(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-5, [1, 9, 2**62][seed % 3], 500)
    values[rng.random(500) < 0.3] = NULL
    values[:2] = 2**63 - 1, NULL + 1
    matches = BitMap(np.flatnonzero(rng.random(500) < [1, 0.05][seed % 2]).tolist())
    for descending in (False, True):
        order = window(matches, values, skip=0, take=500, descending=descending).tolist()
        assert [rank(matches, values, int(values[o]), o, descending=descending) for o in order] == list(
            range(len(order))
        )


@pytest.mark.parametrize("descending", [False, True])
def test_ranks_in_an_ascending_column(descending: bool) -> None:
    rng = np.random.default_rng(3)
    values = np.sort(rng.integers(0, 40, 300))
    for chance in (1, 0.2, 0):
        matches = BitMap(np.flatnonzero(rng.random(300) < chance).tolist())
        for value in (NULL, -1, 0, 17, 39, 40):
            for ordinal in (0, 1, 120, 299, 300):
                expected = rank(matches, values, value, ordinal, descending=descending)
                assert ordered_rank(matches, values, value, ordinal, descending=descending) == expected


def test_a_key_costs_little_among_a_million() -> None:
    values = np.random.default_rng(1).integers(0, 10**9, 1_000_000)
    matches = BitMap(range(0, 1_000_000, 2))
    rank(matches, values, 5 * 10**8, 7, descending=True)
    best = min(_seconds(lambda: rank(matches, values, 5 * 10**8, 7, descending=True)) for _ in range(5))
    assert best < 0.02
    assert module.DENSE > 1


def _seconds(work) -> float:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
