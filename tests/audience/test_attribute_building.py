"""Columns of attributes: built when first asked for, in step with whatever changes meanwhile and after."""

import asyncio
import random
from typing import Any

import msgspec
import pytest

from regulars.audience import Audience
from regulars.audience.filters.predicates import EVERYBODY, Attribute, Not, Predicate
from regulars.audience.filters.sorts import Sort
from regulars.audience.structures.attribute_values import Comparison

from .fake_source import FakeSource
from .test_service import asked, serving

PRO = Attribute(("plan",), Comparison("eq", ("pro",)))
PREDICATES: list[Predicate] = [
    PRO,
    Not(PRO),
    Attribute(("plan",), Comparison("set")),
    Attribute(("colors",), Comparison("has_any", ("red",))),
    Attribute(("plan.id",), Comparison("eq", ("pro",))),
    Attribute(("address", "city"), Comparison("eq", ("Bonn", "Kiel"))),
]


def describe(source: FakeSource, number: int, **attributes: Any) -> None:
    source.site.commit(source.site.model.describe(number, attributes or None))


async def agrees(audience: Audience, source: FakeSource, predicate: Predicate) -> None:
    assert await asked(audience, predicate) == source.site.model.answer(predicate, Sort(), 0, 1000)[1]


@pytest.mark.parametrize("is_asked_meanwhile", [False, True])
async def test_what_changes_while_a_column_is_built_is_in_it(is_asked_meanwhile: bool) -> None:
    source = FakeSource()
    for number in range(1, 6):
        describe(source, number, plan="pro" if number % 2 else "trial")
    async with serving(source) as audience:
        assert await asked(audience) == [1, 2, 3, 4, 5]
        source.gate.clear()
        waiting = asyncio.create_task(asked(audience, PRO))
        while not audience.loaded[1].index.attributes.is_watched:  # noqa: ASYNC110 -- what a task has reached
            await asyncio.sleep(0.001)
        describe(source, 1)
        describe(source, 2, plan="pro")
        describe(source, 9, plan="pro")
        source.site.commit(source.site.model.delete(3))
        if is_asked_meanwhile:  # the index goes on while the column is built
            assert await asked(audience) == [1, 2, 4, 5, 9]
        source.gate.set()
        assert await waiting == [2, 5, 9]
        describe(source, 4, plan="pro")
        assert await asked(audience, PRO) == [2, 4, 5, 9]
        assert source.reads["all_attributes"] == 1


async def test_any_order_of_changes_and_questions() -> None:
    rng = random.Random(7)
    source = FakeSource()
    values: list[Any] = ["pro", "trial", 7, True, None, ["red", "blue"], ["blue"]]
    async with serving(source, slice_changes=2) as audience:
        for _ in range(120):
            known = sorted(source.site.model.customers)
            if known and rng.random() < 0.1:
                source.site.commit(source.site.model.delete(rng.choice(known)))
            else:
                number = rng.choice(known) if known and rng.random() < 0.6 else source.site.model.last + 1
                attributes = {name: rng.choice(values) for name in ("plan", "colors", "plan.id") if rng.random() < 0.7}
                describe(source, number, **attributes, address={"city": rng.choice(["Bonn", "Kiel", "Rom"])})
            if rng.random() < 0.5:
                await agrees(audience, source, rng.choice(PREDICATES))
        for predicate in PREDICATES:
            await agrees(audience, source, predicate)


async def test_a_change_by_an_older_program_drops_the_columns() -> None:
    source = FakeSource()
    describe(source, 1, plan="pro")
    async with serving(source) as audience:
        assert await asked(audience, PRO) == [1]
        record = source.site.model.describe(1, {"plan": "trial"})
        source.site.commit(record, bodies=[msgspec.msgpack.encode([1, [], [], False])])  # which told nothing of it
        assert await asked(audience, PRO) == []
        assert source.reads["all_attributes"] == 2


async def test_a_column_that_nobody_asks_about_is_dropped() -> None:
    source = FakeSource()
    describe(source, 1, plan="pro")
    async with serving(source) as audience:
        assert await asked(audience, PRO) == [1]
        columns = audience.loaded[1].index.attributes
        columns.drop_idle(3600)
        assert list(columns) == [("plan",)]
        columns.drop_idle(-1)
        assert list(columns) == []
        assert await asked(audience, EVERYBODY) == [1]
        assert await asked(audience, PRO) == [1]
