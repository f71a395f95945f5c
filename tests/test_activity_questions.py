"""Questions about what customers did against brute force over the tables: any history, whatever happens meanwhile."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.audience.difference import differences
from regulars.audience.index import Tuning
from regulars.domain.commands import Command, DeleteCustomer, DeleteObject
from regulars.domain.identity import Who
from regulars.store.pruning import prune_changes
from regulars.store.site_settings import change_site

from .audience.questions.strategies import activity as activity_questions
from .audience.questions.strategies import tied_since
from .audience_world import World, in_a_world, world
from .databases import only_on_postgresql
from .effort import EXAMPLES
from .store.running import NOW, activity, upsert
from .test_questions_end_to_end import check

PEOPLE = ("anna@example.com", "bo@example.com", "c@example.com")
HOUR = 3_600
_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=max(EXAMPLES // 2, 1))

DETAILS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "purchase": {
        "revenue": st.sampled_from([0, 5, 19.9, "30.00"]),
        "amount": st.sampled_from([7]),
        "currency": st.sampled_from(["EUR", "usd"]),
        "order_id": st.sampled_from(["o1", "o2"]),
        "shop": st.sampled_from([{"city": "Pro"}, {"city": ["7", "é"]}]),
    },
    "refund": {"currency": st.sampled_from(["EUR", "USD"])},
    "visit": {"stars": st.sampled_from([0, 1, "2.5", "x", 5.5]), "cookie": st.sampled_from(["k1", "k2"])},
    "rated": {"stars": st.sampled_from([0, 1, 7, "7", 2.5, None]), "revenue": st.sampled_from([3, "5"])},
    "email_clicked": {"url": st.sampled_from(["https://a.example/1", "other"])},
}
NAMES = ("purchase", "purchase", "visit", "visit", "rated", "refund", "in", "odd:(name")
TIES = ("tag_added", "tag_added", "tag_removed", "offer_granted", "newsletter_unsubscribed", "coupon_used")
TIED_BY = {"tag": "tag_id", "offer": "offer_id", "newsletter": "newsletter_id", "coupon": "code"}
EMAILS = ("email_sent", "email_opened", "email_clicked", "email_bounced", "email_unsubscribed")


@st.composite
def happenings(draw: st.DrawFn) -> list[Command]:
    """Some events, late and early, with and without ids, of customers and of visitors."""
    found: list[Command] = []
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(NAMES + EMAILS + TIES))
        ago = draw(st.sampled_from([0, 1, HOUR, 24 * HOUR, 30 * 24 * HOUR, 40 * 24 * HOUR, 400 * 24 * HOUR]))
        body: dict[str, Any] = {"timestamp": NOW // 1000 - ago - draw(st.integers(-1, 1)) * (ago > 1)}
        for field, values in DETAILS.get(name, {}).items():
            if draw(st.booleans()):
                body[field] = draw(values)
        if name in TIES:
            body[TIED_BY[name.partition("_")[0]]] = draw(st.sampled_from([1, 2, "t"]))
        if name == "refund":
            body["revenue"] = 5
        if name in EMAILS:
            body["log_id"] = draw(st.sampled_from(["m1", "m2"]))
            for kind in ("broadcast", "template", "sequence"):
                if draw(st.integers(0, 2)) == 0:
                    body[f"{kind}_id"] = draw(st.sampled_from([1, "2", "welcome"]))
        if "cookie" not in body or draw(st.booleans()):
            body["email"] = draw(st.sampled_from(PEOPLE))
        if draw(st.integers(0, 3)) == 0:
            body["event_uuid"] = f"u{draw(st.integers(0, 5))}"
        found.append(activity(name, **body))
    return found


events = st.one_of(
    happenings(),
    happenings(),
    happenings(),
    st.sampled_from(PEOPLE).map(lambda email: [DeleteCustomer(Who(email_key=email))]),
    st.sampled_from([1, 2]).map(lambda number: [DeleteObject("tag", number)]),
    st.sampled_from(PEOPLE).map(lambda email: [upsert(email=email, name="x")]),
    st.sampled_from([1, HOUR * 1000, 24 * HOUR * 1000, 30 * 24 * HOUR * 1000]),
    st.sampled_from(["save", "restart", "prune", "follow", "idle", "EUR", "USD"]),
)
_given = given(
    st.lists(events, min_size=3, max_size=14),
    st.lists(activity_questions | tied_since, min_size=6, max_size=14),
    st.sampled_from([Tuning(), Tuning(1, 1, 2, banded_from=1)]),
)


@_unhurried
@_given
async def test_every_question_is_what_the_tables_say(happening: list[Any], asked: list[Any], tuning: Tuning) -> None:
    await live(happening, asked, tuning, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=max(EXAMPLES // 10, 3))
@_given
async def test_every_question_on_postgresql(happening: list[Any], asked: list[Any], tuning: Tuning) -> None:
    await live(happening, asked, tuning, "postgresql")


@in_a_world()
async def test_the_time_of_a_tie_moves_with_its_reports(made: World) -> None:
    await made.audience()
    tagged = {"email": "a@example.com", "tag_id": "vip"}
    asked = {"has": "tag", "any_of": ["vip"], "when": {"last": "1d"}}
    await made.do(activity("tag_added", timestamp=NOW // 1000 - 72 * HOUR, **tagged))
    assert await check(made, asked) == []
    await made.do(activity("tag_added", timestamp=NOW // 1000 - HOUR, **tagged))  # it holds already, since another time
    assert await check(made, asked) == [1]
    await made.do(activity("tag_removed", **tagged))
    assert await check(made, asked) == []
    assert await check(made, {**asked, "any_of": [1, "vip", "no-such"]}) == []


async def live(happening: list[Any], asked: list[dict[str, Any]], tuning: Tuning, engine: str) -> None:
    """Let things happen, ask while they do and after it, and compare with the tables."""
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
                    until = saved.number if saved else None
                    await prune_changes(made.store.engine, made.site, before=made.now + 1, until=until)
                case "follow":
                    await made.audiences[1].follow_once()
                    assert made.audiences[1].follow_errors == 0
                case "idle":
                    for each in made.audiences[0].loaded.values():
                        each.index.drop_idle(-1)
                case str():
                    await change_site(made.store.engine, made.site, {"currency": event}, now=made.now)
                case _:
                    await made.attempt(*event)
            await check(made, asked[at % len(asked)])
        for question in asked:
            await check(made, question)
        first, *others = [audience.loaded[made.site].index for audience in made.audiences]
        for other in others:
            assert differences(first, other) == []


@in_a_world()
async def test_the_borders_of_windows_and_amounts(made: World) -> None:
    await made.audience()
    day = 86_400
    for place, seconds in enumerate((30 * day + 1, 30 * day, 30 * day - 1, 0), 1):
        body = {"email": f"p{place}@example.com", "timestamp": NOW // 1000 - seconds, "revenue": place * 10}
        await made.do(activity("purchase", **body))
    last = {"when": {"last": "30d"}}
    assert await check(made, {"did": "purchase", **last}) == [2, 3, 4]
    assert await check(made, {"did": "purchase", "times": 0, **last}) == [1]
    assert await check(made, {"did": "purchase", "sum": {"property": "revenue", "gt": "20"}}) == [3, 4]
    assert await check(made, {"did": "purchase", "sum": {"property": "revenue", "gte": "20"}, **last}) == [2, 3, 4]
    assert await check(made, {"not": {"did": "purchase", "first": {"when": {"ago": [None, "30d"]}}}}) == [3, 4]
    made.now += 1
    assert await check(made, {"did": "purchase", **last}) == [3, 4]


@in_a_world()
async def test_amounts_count_in_the_currency_of_the_site(made: World) -> None:
    await made.audience()
    await made.do(upsert(email="x@example.com"))
    asked = {"did": "purchase", "sum": {"property": "revenue", "gte": "10"}}
    assert await check(made, asked) == []
    for person, currency in (("a", "EUR"), ("b", "USD"), ("c", None)):
        named = {} if currency is None else {"currency": currency}
        await made.do(activity("purchase", email=f"{person}@example.com", revenue="10.00", **named))
    assert await check(made, asked) == [2, 4]
    await change_site(made.store.engine, made.site, {"currency": "USD"}, now=made.now)
    assert await check(made, asked) == [3, 4]


@in_a_world()
async def test_sequences(made: World) -> None:
    await made.audience()

    async def lived(email: str, *steps: tuple[str, int]) -> None:
        for name, hours in steps:
            await made.do(activity(name, email=email, timestamp=NOW // 1000 - hours * HOUR))

    await lived("a@example.com", ("view", 50), ("buy", 40))
    await lived("b@example.com", ("buy", 50), ("view", 40))
    await lived("c@example.com", ("view", 50), ("cancel", 45), ("view", 43), ("buy", 40), ("cancel", 1))
    await lived("d@example.com", ("view", 50), ("cancel", 45), ("buy", 40))
    await lived("e@example.com", ("view", 1))
    view, buy, cancel = {"did": "view"}, {"did": "buy"}, {"did": "cancel", "absent": True}
    assert await check(made, {"sequence": [view, buy]}) == [1, 3, 4]
    assert await check(made, {"sequence": [view, buy], "within": "9h"}) == [3]
    assert await check(made, {"sequence": [view, cancel, buy]}) == [1, 3]
    assert await check(made, {"sequence": [view, buy, cancel]}) == [1, 4]
    assert await check(made, {"sequence": [view, buy, cancel], "within": "24h"}) == [1, 3, 4]
    assert await check(made, {"sequence": [view, {"did": "buy", "absent": True}], "within": "2h"}) == [1, 2, 3, 4]
    made.now += HOUR * 1000  # the two hours of e are over
    assert await check(made, {"sequence": [view, {"did": "buy", "absent": True}], "within": "2h"}) == [1, 2, 3, 4, 5]


@in_a_world()
async def test_what_an_email_was_sent_for_is_known_from_its_sending(made: World) -> None:
    await made.audience()
    for person, template in (("a", "welcome"), ("b", 7)):
        who = {"email": f"{person}@example.com", "log_id": f"mail-{person}"}
        await made.do(activity("email_sent", template_id=template, **who))
        await made.do(activity("email_opened", **who), activity("email_opened", timestamp=NOW // 1000 - 5, **who))
    assert await check(made, {"mail": "opened", "template": ["welcome"], "times": {"gte": 2}}) == [1]
    assert await check(made, {"mail": "opened", "template": ["welcome", 7], "times": {"gte": 2}}) == [1, 2]
    assert await check(made, {"mail": "clicked", "template": ["welcome"]}) == []
