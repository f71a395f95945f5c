# ruff: noqa: RUF005 -- tables
"""Questions on the real store against brute force over its tables: any history, any nested question, both engines."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.audience.filters.catalogue import Moment
from regulars.audience.index import Tuning
from regulars.audience.page_slice import PageSlice
from regulars.audience.questions.catalogue import BY_NAME
from regulars.audience.questions.expanding import canonical, expand, references_of
from regulars.audience.questions.json_form import read_question
from regulars.audience.questions.selecting import customers_of
from regulars.domain.commands import ChangeListMember
from regulars.domain.identity import Who
from regulars.store.audience_reads import with_references

from . import question_truth
from .audience.questions.strategies import questions
from .audience_world import World, in_a_world, world
from .databases import only_on_postgresql
from .effort import EXAMPLES
from .store.running import NOW, activity, audience, upsert
from .test_audience_end_to_end import PEOPLE, events

_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=EXAMPLES)
values = st.sampled_from(
    [
        "pro",
        "Pro",
        "trial",
        "007",
        "7",
        7,
        7.0,
        2.5,
        True,
        False,
        1,
        0,
        None,
        [],
        ["red", 7],
        ["red", "blue", "red"],
        [True],
    ]
    + ["2026-01-01", "2026-03-01T12:30:00Z", "1999-12-31", {"city": "Berlin"}, {"city": None}, "é", "e\u0301"]
)
described = st.builds(
    lambda email, attributes: [upsert(email=email, **attributes)],
    st.sampled_from(PEOPLE),
    st.dictionaries(
        st.sampled_from(["plan", "Score", "renews", "colors", "vip", 'a "b" c', "address"]),
        values,
        min_size=1,
        max_size=4,
    ),
)
_given = given(
    st.lists(
        described | events.filter(lambda event: event not in ("save", "restart", "prune", "follow")),
        min_size=2,
        max_size=12,
    ),
    st.lists(questions, min_size=8, max_size=16),
    st.sampled_from([Tuning(), Tuning(1, 1, 2, banded_from=1), Tuning(3, 4, 1, words_limit=0, banded_from=3)]),
)


async def ask(made: World, question: dict[str, Any]) -> list[int]:
    """The numbers of those who match, the same from every audience."""
    given = read_question(question)
    node = given

    async def prepare(snapshot: Any) -> None:
        nonlocal node
        node = expand(given, await with_references(snapshot.connection, made.site, references_of([given])))

    found: list[list[int]] = []
    for each in made.audiences:
        asking = each.ask(
            made.site,
            lambda: customers_of(node, Moment(made.now)),
            page_slice=PageSlice(0, 1000),
            prepare=prepare,
        )
        async with asking as answer:
            assert answer.total == len(answer.numbers)
            found.append(sorted(answer.numbers))
    assert all(each == found[0] for each in found)
    return found[0]


async def check(made: World, question: dict[str, Any]) -> list[int]:
    """The audiences and the tables agree on who matches."""
    hidden_asked = question_truth.mentions_hidden(question)
    expected = [
        record["number"]
        for record in made.people()
        if (hidden_asked or ("hidden", 0) not in record["ties"]) and question_truth.matches(question, record, made.now)
    ]
    assert await ask(made, question) == expected, question
    return expected


def settled(question: Any) -> Any:
    """The question with saved audiences that exist."""
    if isinstance(question, list):
        return [settled(part) for part in question]
    if not isinstance(question, dict):
        return question
    if "in" in question:
        ((noun, name),) = question["in"].items()
        names = (*question_truth.AUDIENCES, question_truth.LIST)
        return {"in": {noun: question_truth.LIST if noun == "list" else names[len(str(name)) % len(names)]}}
    return {name: settled(part) for name, part in question.items()}


async def save_audiences(made: World) -> None:
    """Save the audiences of the truth, and put every other customer into its list."""
    for key, question in question_truth.AUDIENCES.items():
        node = read_question(question)
        refers = [str(each) for each in references_of([node])]
        await made.do(audience(key, canonical(node), *refers))
    await made.do(audience(question_truth.LIST))
    for record in made.people()[::2]:
        await made.do(ChangeListMember(Who(number=record["number"]), question_truth.LIST, True))


async def live(happening: list[Any], asked: list[dict[str, Any]], tuning: Tuning, engine: str) -> None:
    async with world(tuning, engine) as made:
        await made.audience()
        for at, event in enumerate(happening):
            match event:
                case int():
                    made.now += event
                case ("together", commands):
                    await made.together(*commands)
                case _:
                    await made.attempt(*event)
            if at % 4 == 0 and not references_of([read_question(asked[at % len(asked)])]):
                await check(made, asked[at % len(asked)])
        await save_audiences(made)
        await made.audience()  # one that is loaded, beside the one that followed
        for question in asked:
            await check(made, settled(question))


@_unhurried
@_given
async def test_every_question_is_what_the_tables_say(
    happening: list[Any], asked: list[dict[str, Any]], tuning: Tuning
) -> None:
    await live(happening, asked, tuning, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=max(EXAMPLES // 10, 3))
@_given
async def test_every_question_on_postgresql(happening: list[Any], asked: list[dict[str, Any]], tuning: Tuning) -> None:
    await live(happening, asked, tuning, "postgresql")


def test_the_truth_knows_every_subject() -> None:
    assert question_truth.SUBJECTS.keys() == BY_NAME.keys()


@in_a_world()
async def test_the_borders_of_windows(made: World) -> None:
    await made.audience()
    day = 86_400
    for place, seconds in enumerate((30 * day + 1, 30 * day, 30 * day - 1, 0), 1):
        await made.do(activity("visit", email=f"p{place}@example.com", timestamp=NOW // 1000 - seconds))
    field = "last_request_at"
    assert await check(made, {"field": field, "when": {"last": "30d"}}) == [2, 3, 4]
    assert await check(made, {"field": field, "when": {"ago": ["720h", "1h"]}}) == [2, 3]
    assert await check(made, {"not": {"field": field, "when": {"ago": [None, "30d"]}}}) == [3, 4]
    made.now += 1
    assert await check(made, {"field": field, "when": {"last": "30d"}}) == [3, 4]


@in_a_world()
async def test_what_is_unset_is_in_every_complement(made: World) -> None:
    await made.audience()
    await made.do(upsert(email="a@example.com", address_city="Berlin"), upsert(email="b@example.com"))
    assert await check(made, {"field": "city", "ne": "berlin"}) == [2]
    assert await check(made, {"not": {"field": "city", "eq": "BERLIN"}}) == [2]
    assert await check(made, {"all": [{"field": "city", "set": True}, {"field": "city", "ne": "berlin"}]}) == []
    assert await check(made, {"field": "last_opened_at", "gt": "2020-01-01"}) == []
    assert await check(made, {"not": {"field": "last_opened_at", "gt": "2020-01-01"}}) == [1, 2]


@in_a_world()
async def test_a_sample_grows_with_its_percentage(made: World) -> None:
    await made.audience()
    await made.do(*(upsert(email=f"p{each}@example.com") for each in range(200)))
    half, tenth = [set(await check(made, {"sample": {"percent": each}})) for each in (50, 10)]
    assert tenth < half
    assert 60 < len(half) < 140
    assert set(await check(made, {"sample": {"percent": 50, "seed": "b"}})) != half
    assert len(await check(made, {"sample": {"percent": 100}})) == 200


@in_a_world()
async def test_control_buckets_are_those_that_customers_show(made: World) -> None:
    await made.audience()
    await made.audience(slice_changes=1)
    await made.do(*(upsert(email=f"p{each}@example.com") for each in range(150)))
    found = [set(await check(made, {"sample": {"bucket": bucket}})) for bucket in range(1, 101)]
    assert sum(map(len, found)) == 150 == len(set().union(*found))
    await made.do(*(upsert(email=f"q{each}@example.com") for each in range(150)))  # both follow
    for bucket in (1, 50, 100):
        await check(made, {"any": [{"sample": {"bucket": bucket}}, {"sample": {"bucket": 7}}]})
    for each in made.audiences:
        each.loaded[made.site].index.drop_idle(-1)
    await check(made, {"not": {"sample": {"bucket": 100}}})
