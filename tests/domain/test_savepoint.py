"""Upserts that count as one: what they undo among themselves did not happen."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import Upsert, UpsertGroup
from regulars.domain.identity import Who
from regulars.domain.limits import DEFAULT
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile
from regulars.domain.restored import Restored

from .memory import MemorySite


def together(site: MemorySite, *bodies: dict[str, Any]) -> Outcome:
    return site.do(UpsertGroup(tuple(Upsert(parse_profile(body, limits=DEFAULT)) for body in bodies)))


def verdicts(outcome: Outcome) -> list[str]:
    return ["refused" if part.refusal is not None else part.verdict for part in outcome.parts]


def state(site: MemorySite) -> Any:
    work = site.work
    return copy.deepcopy(
        (
            {number: (person.customer, person.ties) for number, person in work.people.by_number.items()},
            work.people.before,
            work.ties.saved,
            work.ties.changes,
            list(work.history.consents),
            work.objects.saved,
            [work.people.find(Who(email_key=f"{letter}@x.org")) for letter in "abc"],
            [work.people.find(Who(customer_id=number)) for number in "12"],
        )
    )


ROME, OSLO = {"email": "a@x.org", "city": "Rome"}, {"email": "a@x.org", "city": "Oslo"}


def test_there_and_back_is_nothing() -> None:
    site = MemorySite()
    assert verdicts(together(site, ROME, OSLO)) == ["created", "updated"]
    before = state(site)
    assert verdicts(together(site, ROME, OSLO)) == ["unchanged", "unchanged"]
    assert state(site) == before


def test_there_and_not_back_is_something() -> None:
    site = MemorySite()
    together(site, ROME, OSLO)
    touched = site.customer("a@x.org").updated_at
    assert verdicts(together(site, OSLO, ROME)) == ["unchanged", "updated"]
    assert site.customer("a@x.org").address_city == "Rome"
    assert site.customer("a@x.org").updated_at > touched


def test_a_refusal_among_them_is_told_and_alone() -> None:
    site = MemorySite()
    together(site, ROME, OSLO)
    long = {"email": "a@x.org", "data": {str(n): "x" * 1000 for n in range(100)}}
    before = state(site)
    assert verdicts(together(site, ROME, long, OSLO)) == ["unchanged", "refused", "unchanged"]
    assert state(site) == before


def test_two_customers_are_none_of_its_business() -> None:
    site = MemorySite()
    site.upsert(email="a@x.org", city="Oslo")
    site.upsert(customer_id="1")
    assert verdicts(together(site, ROME, OSLO, {"customer_id": "1", "city": "Rome"})) == ["updated"] * 3


def test_what_happened_to_somebody_else_meanwhile_stays() -> None:
    site = MemorySite()
    site.upsert(email="a@x.org", customer_id="1")
    told = together(
        site,
        {"email": "b@x.org", "customer_id": "1"},
        {"email": "a@x.org", "unsubscribed": False},
        {"email": "a@x.org", "customer_id": "2"},
        {"email": "c@x.org", "customer_id": "2"},
        {"email": "a@x.org", "customer_id": "1"},
    )
    assert verdicts(told) == ["updated", "created", "updated", "updated", "updated"]
    assert site.held("c@x.org") == {"subscribed"}
    assert [consent.customer for consent in site.work.history.consents] == [site.customer("c@x.org").number]


def test_attributes_in_another_order_are_the_same() -> None:
    site = MemorySite()
    there, back = {"email": "a@x.org", "data": {"x": None}}, {"email": "a@x.org", "city": "Rome", "data": {"x": 1}}
    together(site, there, back)
    before = state(site)
    assert verdicts(together(site, there, back)) == ["unchanged", "unchanged"]
    assert state(site) == before


bodies = st.fixed_dictionaries(
    {"email": st.just("a@x.org")},
    optional={
        "customer_id": st.sampled_from(["1", "2"]),
        "city": st.sampled_from(["Rome", "Oslo"]),
        "firstname": st.sampled_from(["Anna", "Berta"]),
        "unsubscribed": st.booleans(),
        "groups": st.lists(st.sampled_from(["g", "h"]), max_size=2),
        "subscription_groups": st.lists(
            st.fixed_dictionaries({"id": st.sampled_from(["n", "m"]), "subscribed": st.booleans()}), max_size=2
        ),
        "data": st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from([None, 1, "two"]), max_size=2),
    },
)


@given(st.lists(bodies, min_size=1, max_size=5))
def test_the_same_again_is_nothing(given_bodies: list[dict[str, Any]]) -> None:
    site = MemorySite()
    together(site, *given_bodies)
    before = state(site)
    assert set(verdicts(together(site, *given_bodies))) == {"unchanged"}
    assert state(site) == before


@given(st.lists(bodies, max_size=4), st.lists(bodies, min_size=1, max_size=4))
def test_they_come_to_what_they_come_to_one_by_one(
    past: list[dict[str, Any]], given_bodies: list[dict[str, Any]]
) -> None:
    one, other = MemorySite(), MemorySite()
    for site in (one, other):
        for body in past:
            site.upsert(**body)
    outcome = together(one, *given_bodies)
    for body in given_bodies:
        other.upsert(**body)
    assert one.held("a@x.org") == other.held("a@x.org")
    ours, theirs = one.customer("a@x.org"), other.customer("a@x.org")
    for name in ("customer_id", "address_city", "name", "firstname", "attributes"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert (set(verdicts(outcome)) == {"unchanged"}) or ours.updated_at == one.work.now


def test_an_alias_of_one_of_them_is_a_change() -> None:
    site = MemorySite()
    site.upsert(email="a@x.org")
    profile = parse_profile({"email": "a@x.org"}, limits=DEFAULT)
    for alias in ("b@x.org", "c@x.org"):  # only the first one shows in the customer's row
        restored = Restored(aliases=(Who(email=alias, email_key=alias),))
        outcome = site.do(UpsertGroup((Upsert(profile), Upsert(profile, restored=restored))))
        assert verdicts(outcome) == ["unchanged", "updated"]
    assert site.work.people.find(Who(email_key="c@x.org")) == {1}
