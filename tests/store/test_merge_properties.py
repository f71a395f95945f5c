"""Merges of random histories: undone, they leave no trace; in any order, a group of customers becomes the same one."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.checking import check_site
from regulars.domain.commands import MergeCustomers, UndoMerge
from regulars.domain.identity import Who

from ..databases import only_on_postgresql
from ..domain.disorder import PEOPLE, figures, histories
from ..effort import examples
from .running import Running, activity, running, stored_customers, stored_ties, upsert
from .test_disorder import end_of, kind_of
from .test_newsletter_consents import assert_replay_gives_the_state

ANNA, BO = (Who(email_key=address) for address in PEOPLE)
_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


def named_otherwise(body: dict[str, Any], ways: str) -> dict[str, Any]:
    """An event that names its customer by another identifier."""
    email = body["email"]
    if ways == "customer_id" and "log_id" not in body:
        return {**{name: value for name, value in body.items() if name != "email"}, "customer_id": email[0]}
    return {**body, "customer_id": email[0]} if ways == "both" else body


async def record(at: Running, site: int, bodies: list[dict[str, Any]]) -> None:
    commands = [activity(body["event"], **{key: body[key] for key in body if key != "event"}) for body in bodies]
    await at.store.ledger.submit_all(site, commands)


async def people(at: Running, site: int) -> None:
    for address in PEOPLE:
        await at.store.ledger.submit(site, upsert(email=address, customer_id=address[0], firstname=address[:2]))


def is_event(body: dict[str, Any]) -> bool:
    return str(body["event"]) != "identify"


late = st.tuples(
    histories(6), st.lists(st.sampled_from(["email", "customer_id", "both"]), min_size=30, max_size=30)
).map(
    lambda drawn: [
        named_otherwise(body, way) for body, way in zip(drawn[0], drawn[1] * 9, strict=False) if is_event(body)
    ]
)
pasts = histories(8)


async def leaves_no_trace(
    before: list[dict[str, Any]], during: list[dict[str, Any]], after: list[dict[str, Any]], engine: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), sites=2, engine=engine) as at:
            for site in (1, 2):
                await people(at, site)
                await record(at, site, before)
            merged = await at.store.ledger.submit(1, MergeCustomers(ANNA, (BO,)))
            assert merged.verdict == "updated", merged.refusal
            for site in (1, 2):
                await record(at, site, during)
            assert (await check_site(at.store, 1)).problems == []
            assert_replay_gives_the_state(at)
            undone = await at.store.ledger.submit(1, UndoMerge(1))
            assert undone.verdict == "updated", undone.refusal
            for site in (1, 2):
                await record(at, site, after)
            assert (await check_site(at.store, 1)).problems == []
            assert_replay_gives_the_state(at)
            assert end_of(at.path, 1) == end_of(at.path, 2)


@settings(_unhurried, max_examples=examples(25, 300))
@given(pasts, late, late)
async def test_a_merge_that_is_undone_leaves_no_trace(
    before: list[dict[str, Any]], during: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    await leaves_no_trace(before, during, after, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=examples(2, 30))
@given(pasts, late, late)
async def test_a_merge_that_is_undone_leaves_no_trace_on_postgresql(
    before: list[dict[str, Any]], during: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    await leaves_no_trace(before, during, after, "postgresql")


ALL = (*PEOPLE, "cy@example.com")
TREES = (
    (("a", "b"), ("a", "c")),
    (("a", "c"), ("a", "b")),
    (("b", "c"), ("a", "b")),
    (("c", "b"), ("a", "c")),
)
"""Orders in which three customers become one: (survivor, other) by customer_id."""


def of_three(bodies: list[dict[str, Any]], places: list[int]) -> list[dict[str, Any]]:
    """The events, some of them of a third customer."""
    chosen = [ALL[place] if place == 2 else body["email"] for body, place in zip(bodies, places * 20, strict=False)]
    return [{**body, "email": email} for body, email in zip(bodies, chosen, strict=True)]


three = st.tuples(histories(8), st.lists(st.integers(0, 2), min_size=5, max_size=20)).map(
    lambda drawn: of_three(*drawn)
)


async def merged_state(at: Running, site: int) -> Any:
    """What there is of the one customer that is left."""
    (customer,) = (each for each in stored_customers(at.path, site).values() if each.merged_into in (None, each.number))
    assert (await check_site(at.store, site)).problems == []
    keys = {
        row[:2]: row[2] or row[1] for row in at.rows("SELECT kind, number, key FROM objects WHERE site_id = ?", site)
    }
    ties = {
        (code, item if kind_of(code) is None else keys[kind_of(code), item]): (tie.holds, tie.at)
        for (number, code, item), tie in stored_ties(at.path, site).items()
        if number == customer.number
    }
    profile = (customer.name, customer.phone_number, json.loads(customer.attributes or "{}"))
    return {**figures(customer), "merged_into": None}, profile, ties


@settings(_unhurried, max_examples=examples(8, 100))
@given(three, st.permutations(range(3)), st.lists(st.integers(0, 2), min_size=3, max_size=3))
async def test_a_group_ends_alike_in_whatever_order_it_is_merged(
    events: list[dict[str, Any]], order: list[int], updated: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), sites=len(TREES), clock_stands=True) as at:
            states = []
            for site, tree in enumerate(TREES, 1):
                for place in order:
                    profile = (
                        {"firstname": ALL[place][:2]} if updated[place] else {"phone_number": f"+493012345{place}"}
                    )
                    more = {"plan": str(updated[place]), f"only_{place}": 1}
                    await at.store.ledger.submit(
                        site, upsert(email=ALL[place], customer_id=ALL[place][0], **profile, **more)
                    )
                await record(at, site, events)
                for survivor, other in tree:
                    done = await at.store.ledger.submit(
                        site, MergeCustomers(Who(customer_id=survivor), (Who(customer_id=other),))
                    )
                    assert done.verdict == "updated", done.refusal
                states.append(await merged_state(at, site))
            for state in states[1:]:
                assert state == states[0]
