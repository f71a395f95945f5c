"""The audience on the real store against brute force over its tables: any history, any question, whatever happens.

REGULARS_EXAMPLES says how many random histories are tried; `make test-long` tries thousands.
"""

from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.audience.difference import differences
from regulars.audience.filters.catalogue import BY_NAME, FILTERS, parse
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.index import Tuning
from regulars.domain.commands import Command, DeleteCustomer, DeleteObject, Relate
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.domain.objects import OWN_NUMBERS
from regulars.store.pruning import prune_changes

from .audience.strategies import PIECES
from .audience_truth import DAY, Asked, Record
from .audience_world import SORTS, World, in_a_world, world
from .databases import only_on_postgresql
from .domain.disorder import histories
from .effort import EXAMPLES
from .store.running import NOW, activity, upsert

ON_POSTGRESQL = max(EXAMPLES // 10, 3)
PEOPLE = ("anna@example.com", "bo@example.com", "Änne.Smith@gmail.com", "i%_x@mail.example", "ssi@gmail.com", "x@x.org")
IDS = ("c1", "C1", "anna 7", "ß%")
DAYS = ("0", "1", "30", "90", "180", "365", "400")
EVERYTHING = [each.name for each in FILTERS if each.predicate is not None]


# -- random histories and questions ---------------------------------------------------------------------------

words = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
ids = st.lists(st.sampled_from(["1", "2", "3", "t", "save"]), min_size=1, max_size=2, unique=True).map(",".join)
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "days": st.sampled_from(DAYS),
    "flag": st.sampled_from(["true", "false", "1", "0"]),
    "id": ids,
    "money": st.sampled_from(["0", "1", "2.00", "-1", "5.5"]),
    "moment": st.sampled_from(["2020-01-01", "2026-01-01T00:00:00Z", "2030-06-01T12:00:00+02:00"]),
    "uuid": st.integers(1, 9).map(str),  # a customer's number: see World.check
    "text": words | st.sampled_from([*PEOPLE, *IDS, "gmail", "a", "nn", "SAVE", "%", "_", "i"]),
    "address": st.sampled_from(["anna@example.com", "nobody@example.org", "p1@example.com"]),
}


@st.composite
def questions(draw: st.DrawFn) -> tuple[Asked, str, int, int]:
    asked = []
    for name in draw(st.lists(st.sampled_from(EVERYTHING), min_size=0, max_size=4)):
        value = draw(_VALUES[BY_NAME[name].kind.name])
        if name == "search":
            value = value.strip() or "anna"
        asked.append((name, value))
    return asked, draw(st.sampled_from(SORTS)), draw(st.integers(0, 4)), draw(st.sampled_from([1, 2, 25]))


@st.composite
def late(draw: st.DrawFn) -> list[Command]:
    """Activity with times at and around the borders of every window, late, early and repeated."""
    found: list[Command] = []
    for body in draw(histories(4)):
        seconds = NOW // 1000 - int(draw(st.sampled_from(DAYS))) * 86_400 + draw(st.integers(-1, 1))
        body = {**body, "email": draw(st.sampled_from(PEOPLE)), "timestamp": min(seconds, NOW // 1000)}
        if "log_id" in body:
            body["log_id"] = body["email"]
        try:
            found.append(activity(**body))
        except RefusedError:
            continue
    return found


@st.composite
def profiles(draw: st.DrawFn) -> list[Command]:
    identity = {"email": draw(st.sampled_from(PEOPLE))}
    if draw(st.integers(0, 3)) == 0:
        identity["customer_id"] = draw(st.sampled_from(IDS))
        if draw(st.booleans()):
            del identity["email"]
    body: dict[str, Any] = dict(identity)
    for field in ("name", "firstname", "lastname", "phone_number", "address_line_1", "address_city", "address_zip"):
        if draw(st.integers(0, 3)) == 0:
            body[field] = draw(words | st.none())
    for field in ("hidden", "suppressed", "unsubscribed"):
        if draw(st.integers(0, 5)) == 0:
            body[field] = draw(st.booleans())
    try:
        return [upsert(**body)]
    except RefusedError:
        return [upsert(**identity)]


who = st.sampled_from(PEOPLE).map(lambda email: Who(email_key=email.casefold()))
deeds = st.one_of(
    late(),
    profiles(),
    profiles(),
    st.builds(DeleteCustomer, who).map(lambda each: [each]),
    st.builds(DeleteObject, st.sampled_from(["tag", "offer"]), st.sampled_from([1, 2])).map(lambda each: [each]),
    st.builds(Relate, who, st.sampled_from(["tag.has"]), st.just((1,)), st.sampled_from(("add", "remove"))).map(
        lambda each: [each]
    ),
)
together = st.lists(deeds, min_size=2, max_size=5).map(lambda each: ("together", [*chain.from_iterable(each)]))
events = st.one_of(
    deeds,
    deeds,
    deeds,
    together,
    st.sampled_from([1, 1_000, DAY - 1_000, DAY, 90 * DAY]),  # the clock moves on
    st.sampled_from(["save", "restart", "prune", "follow"]),
)


_given = given(
    st.lists(events, min_size=2, max_size=14),
    st.lists(questions(), min_size=6, max_size=12),
    st.sampled_from([Tuning(), Tuning(1, 1, 2, banded_from=1), Tuning(3, 4, 1, words_limit=0, banded_from=3)]),
)
_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(_unhurried, max_examples=EXAMPLES)
@_given
async def test_every_answer_is_what_the_tables_say(happening: list[Any], asked: list[Any], tuning: Tuning) -> None:
    await live(happening, asked, tuning, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=ON_POSTGRESQL)
@_given
async def test_every_answer_on_postgresql(happening: list[Any], asked: list[Any], tuning: Tuning) -> None:
    await live(happening, asked, tuning, "postgresql")


def _is_valid(name: str, value: str) -> bool:
    """Whether a filter takes the value: a text of marks alone, say, is refused."""
    try:
        parse(BY_NAME[name], value, 0)
    except BadFilterValueError:
        return False
    return True


async def live(happening: list[Any], asked: list[tuple[Asked, str, int, int]], tuning: Tuning, engine: str) -> None:
    """Let things happen, ask while they do and after it, and compare with the tables."""
    asked = [each for each in asked if all(_is_valid(name, value) for name, value in each[0])]
    async with world(tuning, engine) as made:
        await made.audience()
        await made.audience(pool_above=0, slice_changes=1)
        for at, event in enumerate(happening):
            match event:
                case int():
                    made.now += event
                case "save":
                    await made.save(made.audiences[0])
                case "restart":
                    await made.audience(directory=True)
                case "prune":
                    saved = made.directory.head(made.site)
                    await prune_changes(
                        made.store.engine, made.site, before=made.now + 1, until=saved.number if saved else None
                    )
                case "follow":
                    await made.audiences[1].follow_once()
                    assert made.audiences[1].follow_errors == 0
                case ("together", commands):
                    await made.together(*commands)
                case _:
                    await made.attempt(*event)
            if at % 3 == 0:
                await made.check(*asked[at % len(asked)])
        for question in asked:
            await made.check(*question)
        first, *others = [audience.loaded[made.site].index for audience in made.audiences]
        for other in others:
            assert differences(first, other) == []


def test_the_truth_knows_every_filter() -> None:
    record: Record = {**dict.fromkeys(("email", "phone_number"), "x"), "ties": set()}
    from . import audience_truth as truth

    known = {*truth.ANY_OF, *truth.NONE_OF, *truth.FLAGS, *truth.OTHERS}
    for name in set(EVERYTHING) - known:
        assert name.endswith(("_in_last", "_contains", "_contacts_with_open_data")), name
    assert truth.fits("email_contains", "X", record, NOW)


# -- named edge cases -----------------------------------------------------------------------------------------


@in_a_world()
async def test_an_object_is_deleted_and_used_again_in_one_change(made: World) -> None:
    await made.audience()
    await made.do(activity("tag_added", email="a@example.com", tag_id="1"))
    assert await made.check([("has_tag_id", "1")]) == [1]
    tagged = [activity("tag_added", email=f"{name}@example.com", tag_id="1", timestamp=5) for name in "abc"]
    await made.together(DeleteObject("tag", 1), *tagged)
    await made.audience()
    assert await made.check([("has_tag_id", "1")]) == [1, 2, 3]


@in_a_world()
async def test_the_borders_of_a_window_to_the_second(made: World) -> None:
    await made.audience()
    for place, seconds in enumerate((30 * 86_400 + 1, 30 * 86_400, 30 * 86_400 - 1, 0), 1):
        await made.do(activity("visit", email=f"p{place}@example.com", timestamp=NOW // 1000 - seconds))
    assert await made.check([("active_in_last", "30")]) == [2, 3, 4]
    assert await made.check([("inactive_in_last", "30")]) == [1]
    assert await made.check([("active_in_last", "0")]) == [4]
    made.now += 1
    assert await made.check([("active_in_last", "30")]) == [3, 4]
    assert await made.check([("active_in_last", "0")]) == []


@pytest.mark.parametrize("moment", ["2028-02-29T00:00:00Z", "2028-03-01T00:00:00+14:00", "2027-12-31T23:59:60Z"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/St_Johns"])
async def test_midnight_leap_days_and_other_zones(moment: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time
    from datetime import datetime

    monkeypatch.setenv("TZ", zone)
    time.tzset()

    try:
        async with world() as made:
            made.now = int(datetime.fromisoformat(moment.replace(":60Z", ":59Z")).timestamp() * 1000)
            await made.audience()
            await made.do(upsert(email="a@example.com"), upsert(email="b@example.com"))
            for moved in (0, DAY, 1):
                made.now += moved
                for days in ("0", "1", "365", "366"):
                    await made.check([("created_in_last", days)])
                    await made.check([("not_created_in_last", days)])
    finally:
        monkeypatch.undo()
        time.tzset()


@in_a_world()
async def test_equal_sort_keys_across_the_borders_of_pages(made: World) -> None:
    await made.audience()
    await made.do(*(upsert(email=f"p{each}@example.com", name="Same") for each in range(7)))
    for sort in SORTS:
        seen: list[int] = []
        for skip in range(0, 8, 2):
            seen += await made.check([], sort, skip, 2)
        assert sorted(seen) == list(range(1, 8))


@in_a_world()
async def test_texts_of_every_kind(made: World) -> None:
    await made.audience()
    names = [
        "Zoë 👩‍👧",
        "Zoe\u0308 😀",
        "ISPARTA ılıca",
        "Straße",
        "STRASSE",
        "100% _under_",
        "İpek",
        "ﬁn",
        "a\u0301",
        "á",
    ]
    await made.do(*(upsert(email=f"p{at}@example.com", name=name) for at, name in enumerate(names)))
    for needle in [
        "zoë",
        "ZOE\u0308",
        "👧",
        "😀",
        "ı",
        "I",
        "i",
        "ß",
        "ss",
        "%",
        "_",
        "100%",
        "fin",
        "á",
        "a",
        "*",
    ]:
        for sort in ("name", "-name"):
            await made.check([("name_contains", needle)], sort)
            if needle.strip("%_*"):
                await made.check([("search", needle)], sort)
    assert await made.check([("name_contains", "%")]) == [6]


@in_a_world()
async def test_unset_keys_stand_last_in_both_directions(made: World) -> None:
    await made.audience()
    await made.do(upsert(customer_id="1"), upsert(email="b@example.com"), activity("visit", customer_id="1"))
    for sort in SORTS:
        await made.check([], sort)
    assert await made.check([], "email") == await made.check([], "-email") == [2, 1]


@in_a_world()
async def test_a_customer_deleted_between_two_pages(made: World) -> None:
    await made.audience()
    await made.do(*(upsert(email=f"p{each}@example.com") for each in range(6)))
    assert await made.check([], "email", 0, 3) == [1, 2, 3]
    await made.do(DeleteCustomer(Who(email_key="p1@example.com")))
    assert await made.check([], "email", 2, 3) == [4, 5, 6]
    await made.do(upsert(email="p1@example.com"))
    assert await made.check([("email", "P1@example.com")]) == [7]


@in_a_world()
async def test_large_numbers_of_objects(made: World) -> None:
    await made.audience()
    numbers = (2**31 - 1, 2**31, 2**32 + 1, OWN_NUMBERS.start - 1, OWN_NUMBERS.stop, 2**53 - 1)
    for item in (*numbers, "ours"):
        await made.do(activity("tag_added", email=f"p{item}@example.com", tag_id=item))
    await made.audience()
    for item in (*numbers, "ours", OWN_NUMBERS.start + 1):
        assert len(await made.check([("has_tag_id", str(item))])) == 1
