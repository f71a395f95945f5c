"""Merges of random lives with visitors, drip campaigns, forgetting and erasing: undone, they leave no trace."""

import tempfile
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from regulars.checking import check_site
from regulars.domain.commands import (
    ActivateDripCampaign,
    Command,
    DeactivateDripCampaigns,
    EraseCustomer,
    ForgetCustomer,
    MergeCustomers,
    UndoMerge,
)
from regulars.domain.identity import Who
from regulars.domain.profile import parse_profile
from regulars.domain.relations import BY_NAME

from ..databases import only_on_postgresql
from ..domain.disorder import PEOPLE, START
from ..effort import examples
from .running import NOW, Running, activity, campaign, running, stored_ties
from .test_disorder import end_of
from .test_merge_properties import people

ANNA, BO = (Who(email_key=address) for address in PEOPLE)
_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))
_FORGOTTEN: Final = BY_NAME["forgotten"].code
Deed = tuple[str, int, int]
"""What happens, to which of two people, and which of two cookies, campaigns or mails it is about."""


def command(deed: Deed, place: int) -> Command:
    """The command of what happens. place: within its history, which tells events apart."""
    name, person, which = deed
    address, cookie = PEOPLE[person], f"cookie-{which}"
    who = Who(email=address, email_key=address)
    moment = {"timestamp": START + place}
    match name:
        case "visit":
            return activity("view", cookie=cookie, **moment)
        case "bought":
            return activity("purchase", cookie=cookie, revenue=which, **moment)
        case "names":
            return activity("visit", email=address, cookie=cookie, **moment)
        case "opened":
            return activity("email_opened", email=address, broadcast_id=str(which), **moment)
        case "drip":
            return ActivateDripCampaign(f"c{which}", parse_profile({"email": address}))
        case "stop":
            return DeactivateDripCampaigns(who)
        case "erase":
            return EraseCustomer(who)
    return ForgetCustomer(who, forgotten=name == "forget")


def lives(*names: str, most: int) -> st.SearchStrategy[list[Deed]]:
    return st.lists(st.tuples(st.sampled_from(names), st.integers(0, 1), st.integers(1, 2)), max_size=most)


before_a_merge = lives("visit", "bought", "names", "opened", "drip", "stop", "forget", "unforget", most=10)
during_it = lives("visit", "bought", "names", "opened", most=8)
after_it = lives("visit", "bought", "names", "opened", "drip", "stop", "forget", "unforget", "erase", most=8)


async def live(at: Running, site: int, deeds: list[Deed], first: int) -> None:
    for place, deed in enumerate(deeds, first):
        outcome = await at.store.ledger.submit(site, command(deed, place))
        is_gone = ("erase", deed[1]) in {each[:2] for each in deeds}
        assert outcome.refusal is None or is_gone, (deed, outcome.refusal)


def beside(at: Running, site: int) -> dict[str, Any]:
    """What `end_of` does not have: pending mails, and whose cookies are, by address; and what waits for a name."""
    names = dict(at.rows("SELECT number, email FROM customers WHERE site_id = ?", site))
    mails = at.rows("SELECT customer, sequence, step FROM pending_mails WHERE site_id = ?", site)
    holders = at.rows("SELECT customer, count(*) FROM visitors WHERE site_id = ? GROUP BY customer", site)
    waiting = at.rows("SELECT count(*) FROM anonymous_events WHERE site_id = ?", site)
    return {
        "mails": sorted((names[customer], *rest) for customer, *rest in mails),
        "holders": sorted((names[customer], count) for customer, count in holders),
        "waiting": waiting,
    }


def timeless(state: Any) -> Any:
    """A state in which all moments since the test began are the same: the two sites do things one after the other."""
    if isinstance(state, dict):
        return {key: timeless(each) for key, each in state.items()}
    if isinstance(state, list | tuple):
        return [timeless(each) for each in state]
    return "now" if isinstance(state, int) and state >= NOW else state


async def leaves_no_trace(before: list[Deed], during: list[Deed], after: list[Deed], engine: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), sites=2, engine=engine) as at:
            for site in (1, 2):
                for which in (1, 2):
                    await at.store.ledger.submit(site, campaign(f"c{which}", 60, 120))
                await people(at, site)
                await live(at, site, before, 0)
            is_forgotten = any(
                code == _FORGOTTEN and tie.holds for (_, code, _), tie in stored_ties(at.path, 1).items()
            )
            merged = await at.store.ledger.submit(1, MergeCustomers(ANNA, (BO,)))
            assert merged.verdict == "updated", merged.refusal
            if is_forgotten:  # such a merge cancels pending emails, and its undo does not bring them back
                await live(at, 2, [("stop", person, 1) for person in (0, 1)], 0)
            for site in (1, 2):  # both of them are forgotten meanwhile if one of them was: their events are not kept
                await live(at, site, [] if is_forgotten else during, len(before))
            assert (await check_site(at.store, 1)).problems == []
            undone = await at.store.ledger.submit(1, UndoMerge(1))
            assert undone.verdict == "updated", undone.refusal
            assert beside(at, 1) == beside(at, 2)
            for site in (1, 2):
                await live(at, site, after, len(before) + len(during))
            assert (await check_site(at.store, 1)).problems == []
            assert timeless(end_of(at.path, 1)) == timeless(end_of(at.path, 2))
            assert beside(at, 1) == beside(at, 2)


WHOLE: Final[tuple[list[Deed], list[Deed], list[Deed]]] = (
    [
        ("visit", 0, 1),
        ("names", 1, 1),
        ("bought", 0, 1),
        ("drip", 1, 1),
        ("drip", 0, 2),
        ("stop", 0, 2),
        ("visit", 0, 2),
    ],
    [("visit", 0, 1), ("names", 1, 2), ("bought", 0, 2), ("opened", 1, 1)],
    [("visit", 0, 1), ("forget", 0, 1), ("bought", 0, 2), ("drip", 1, 2), ("erase", 1, 1), ("names", 1, 1)],
)
"""A story with everything, which is always told."""


@settings(_unhurried, max_examples=examples(8, 300))
@example(*WHOLE)
@example([("drip", 1, 1), ("forget", 0, 1), ("names", 1, 1)], [], [("drip", 1, 1)])
@given(before_a_merge, during_it, after_it)
async def test_a_merge_leaves_no_trace_whatever_else_happens(
    before: list[Deed], during: list[Deed], after: list[Deed]
) -> None:
    await leaves_no_trace(before, during, after, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=examples(1, 30))
@example(*WHOLE)
@given(before_a_merge, during_it, after_it)
async def test_a_merge_leaves_no_trace_whatever_else_happens_on_postgresql(
    before: list[Deed], during: list[Deed], after: list[Deed]
) -> None:
    await leaves_no_trace(before, during, after, "postgresql")
