"""The ties of a transaction: what deletions in the midst of it leave, and that they go through no others."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import DeleteCustomer, DeleteObject, Relate
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome
from regulars.domain.working import WorkingSet, ties

from .memory import MemorySite

PEOPLE = ("a@x.org", "b@x.org", "c@x.org")
GROUPS = ("one", "two", "three")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("tie"), st.sampled_from(PEOPLE), st.sampled_from(GROUPS)),
        st.tuples(st.just("untie"), st.sampled_from(PEOPLE), st.sampled_from(GROUPS)),
        st.tuples(st.just("delete customer"), st.sampled_from(PEOPLE), st.just("")),
        st.tuples(st.just("delete group"), st.just(""), st.sampled_from(GROUPS)),
    ),
    max_size=30,
)


def carry_out(site: MemorySite, step: tuple[str, str, str]) -> Outcome:
    name, email, group = step
    if name == "tie":
        return site.upsert(email=email, groups=[group])
    if name == "untie":
        return site.do(Relate(Who(email_key=email), "group.member", (group,), "remove"))
    if name == "delete customer":
        return site.do(DeleteCustomer(Who(email_key=email)))
    return site.do(DeleteObject("group", group))


@given(steps)
def test_what_is_noted_is_of_those_who_are_there(given_steps: list[tuple[str, str, str]]) -> None:
    site, held = MemorySite(), set[tuple[str, str]]()
    for step in given_steps:
        name, email, group = step
        carry_out(site, step)
        if name == "tie":
            held.add((email, group))
        held = {
            each
            for each in held
            if not (name == "untie" and each == (email, group))
            and not (name == "delete customer" and each[0] == email)
            and not (name == "delete group" and each[1] == group)
        }
    work = site.work
    people = {number: person.customer.email for number, person in work.people.by_number.items()}
    found = {
        (people[customer], work.objects.key_of("group", number))
        for (customer, code, number), tie in work.ties.saved.items()
        if tie.holds and code == 8
    }
    assert found == held
    assert {place for place, holds in work.ties.changes.items() if holds and place[1] == 8} == {
        place for place, tie in work.ties.saved.items() if tie.holds and place[1] == 8
    }


class Closed(dict[Any, Any]):
    """A dictionary that is looked into by key only."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("all ties were gone through")

    items = keys = values = __iter__  # type: ignore[assignment]


def test_a_deletion_goes_through_the_ties_of_what_is_deleted_only() -> None:
    site = MemorySite()
    work: WorkingSet = site.work
    work.ties.saved, work.ties.changes = Closed(), Closed()
    for person in PEOPLE:
        site.upsert(email=person, groups=list(GROUPS))
    for step in (("delete customer", PEOPLE[0], ""), ("delete group", "", GROUPS[0]), ("delete group", "", GROUPS[1])):
        assert carry_out(site, step).refusal is None
    for person in PEOPLE[1:]:
        assert [key for _, key in site.person(person).tied_to("group.member")] == [GROUPS[2]]


def test_groups_beyond_the_most_are_refused_and_other_ties_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ties, "MOST_TIES", 3)
    site = MemorySite()
    assert site.upsert(email="a@x.org", groups=["g1", "g2", "g3"]).refusal is None
    refusal = site.upsert(email="a@x.org", firstname="Ann", groups=["g4"]).refusal
    assert refusal is not None
    assert (refusal.code, refusal.faults[0].detail) == (
        "too_many_ties",
        "The customer is in 3 groups already, the most there can be.",
    )
    assert site.upsert(email="a@x.org", firstname="Bea", groups=["g3"]).verdict == "updated"
    assert site.upsert(email="a@x.org", tags=["g1", "g2", "g3", "g4"]).refusal is None
    site.do(Relate(Who(email_key="a@x.org"), "group.member", ("g1",), "remove"))
    assert site.upsert(email="a@x.org", groups=["g4"]).refusal is None
