"""Evidence of newsletters: it replays to the state of every customer, whatever happened in which order."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.domain.commands import Command, DeleteCustomer, MergeCustomers, Relate, SaveObject, UndoMerge
from regulars.domain.consent import UNDATED
from regulars.domain.identity import Who
from regulars.domain.newsletter_consents import SUBSCRIBED, UNSUBSCRIBED, replay
from regulars.domain.working.history import NewsletterConsent

from ..databases import only_on_postgresql
from ..domain.disorder import PEOPLE, START
from ..effort import examples
from .running import Running, activity, running, stored_customers, stored_ties, upsert, with_store

_unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))
_COLUMNS = "customer, newsletter, at, granted, cause, source, wording, proof, received_at, channel, actor"


def evidence_of(at: Running) -> list[NewsletterConsent]:
    rows = at.rows(f"SELECT {_COLUMNS} FROM newsletter_consents WHERE site_id = 1 ORDER BY number")
    return [NewsletterConsent(row[0], row[1], row[2], bool(row[3]), *row[4:]) for row in rows]


def assert_replay_gives_the_state(at: Running) -> None:
    """The evidence of a customer, with that of those who are merged into it, says to what it is subscribed."""
    wholes = {number: each.merged_into or number for number, each in stored_customers(at.path, 1).items()}
    evidence = evidence_of(at)
    ties = {place: tie for place, tie in stored_ties(at.path, 1).items() if wholes[place[0]] == place[0]}
    said = {
        (customer, newsletter): subscribed
        for customer in {wholes[each.customer] for each in evidence}
        for newsletter, subscribed in replay(each for each in evidence if wholes[each.customer] == customer).items()
    }
    held = {(number, item): tie.holds for (number, code, item), tie in ties.items() if code == SUBSCRIBED.code}
    assert said == held
    for (number, code, item), tie in ties.items():
        if code == UNSUBSCRIBED.code and tie.holds:
            assert not said[number, item]


person, newsletter = st.sampled_from(PEOPLE), st.sampled_from(["news", "tips"])
moment = st.none() | st.integers(START, START + 3)


def _event(name: str, email: str, item: str, at: int | None) -> Command:
    return activity(name, email=email, newsletter_id=item, **({} if at is None else {"timestamp": at}))


def _upsert(email: str, item: str, subscribed: bool) -> Command:
    return upsert(email=email, subscription_groups=[{"id": item, "subscribed": subscribed}])


def _identify(email: str, item: str, subscribed: bool, at: int) -> Command:
    groups = [{"id": item, "subscribed": subscribed}]
    return activity("identify", email=email, timestamp=at, subscription_groups=groups)


def _relate(email: str, items: list[str], change: Any) -> Command:
    return Relate(Who(email_key=email), "newsletter.subscribed", tuple(items), change)


events = st.sampled_from(["newsletter_subscribed", "newsletter_unsubscribed", "email_unsubscribed"])
commands = st.one_of(
    st.builds(_event, events, person, newsletter, moment),
    st.builds(_upsert, person, newsletter, st.booleans()),
    st.builds(_identify, person, newsletter, st.booleans(), st.integers(START, START + 3)),
    st.builds(
        _relate, person, st.lists(newsletter, max_size=2, unique=True), st.sampled_from(["add", "remove", "replace"])
    ),
    st.builds(lambda email: DeleteCustomer(Who(email_key=email)), person),
    st.just(MergeCustomers(Who(email_key=PEOPLE[0]), (Who(email_key=PEOPLE[1]),))),
    st.builds(UndoMerge, st.integers(1, 2)),
)


async def replays(history: list[Command], engine: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), engine=engine) as at:
            for key in ("news", "tips"):
                await at.store.ledger.submit(1, SaveObject(kind="newsletter", key=key, name=key))
            for start in range(0, len(history), 3):
                await at.store.ledger.submit_all(1, history[start : start + 3])
                assert_replay_gives_the_state(at)


@settings(_unhurried, max_examples=examples(12, 500))
@given(st.lists(commands, min_size=1, max_size=12))
async def test_evidence_replays_to_the_state(history: list[Command]) -> None:
    await replays(history, "sqlite")


@only_on_postgresql("the test above is the same on SQLite, with more examples")
@settings(_unhurried, max_examples=examples(2, 30))
@given(st.lists(commands, min_size=1, max_size=12))
async def test_evidence_replays_to_the_state_on_postgresql(history: list[Command]) -> None:
    await replays(history, "postgresql")


@with_store()
async def test_each_subscription_leaves_who_when_and_what_was_said(at: Running) -> None:
    await at.record(
        "newsletter_subscribed", email="a@x.example", newsletter_id="news", timestamp=START, wording="Yes", proof="form"
    )
    await at.record("email_unsubscribed", email="a@x.example", newsletter_id="news", timestamp=START + 5)
    first, second = evidence_of(at)
    assert (first.at, first.granted, first.wording, first.proof, first.source) == (
        START * 1000,
        True,
        "Yes",
        "form",
        "event",
    )
    assert (second.at, second.granted, second.cause) == ((START + 5) * 1000, False, "opt_out")


@with_store(engines=["sqlite"])
async def test_a_repeated_state_leaves_no_evidence(at: Running) -> None:
    for _ in range(3):
        await at.upsert(email="a@x.example", subscription_groups=[{"id": "news", "subscribed": True}], wording="Yes")
    assert [(each.granted, each.wording) for each in evidence_of(at)] == [(True, "Yes")]


@pytest.mark.parametrize("granted", [True, False])
def test_a_belief_is_older_than_every_report(granted: bool) -> None:
    belief = NewsletterConsent(1, 7, 2000, granted, None, UNDATED)
    report = NewsletterConsent(1, 7, 1, not granted, None, "event")
    assert replay([report, belief]) == replay([belief, report]) == {7: not granted}
