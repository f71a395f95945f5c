from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import DeleteObject, LinkProducts, Relate, SaveObject, SetChange
from regulars.domain.events import EVENTS, REFERENCE_FIELDS
from regulars.domain.identity import Who
from regulars.domain.relations import BY_NAME, RELATIONS
from regulars.domain.ties import RELATIONSHIPS, Relationship

from .memory import MemorySite

EMAIL = "a@example.com"
WHO = Who(email_key=EMAIL)
ITEMS = ("1", "2", "3")


@pytest.mark.parametrize("each", RELATIONSHIPS.values(), ids=lambda each: each.relation)
def test_the_table_agrees_with_the_catalogue_of_events(each: Relationship) -> None:
    for name, holds in ((each.added, True), (each.removed, False)):
        if name is not None:
            event = EVENTS[name]
            (field,) = event.requires
            assert REFERENCE_FIELDS[field] == BY_NAME[each.relation].kind
            assert [rule.holds for rule in event.sets if rule.relation == each.relation] == [holds]
            assert {rule.field for rule in event.sets} == {field}


def test_every_kind_that_customers_are_tied_to_has_one_relationship() -> None:
    kinds = [BY_NAME[relation].kind for relation in RELATIONSHIPS]
    # Lists have calls of their own: being in one leaves no trace in the activity.
    assert sorted(map(str, kinds)) == sorted({each.kind for each in RELATIONS if each.kind} - {"audience"})


def site() -> MemorySite:
    """A customer, and three objects of every kind; each offer has a product of its own, and shares the next one."""
    made = MemorySite()
    made.upsert(email=EMAIL)
    for relation in RELATIONSHIPS:
        for item in ITEMS:
            kind = BY_NAME[relation].kind or ""
            made.do(SaveObject(kind=kind, key=item if kind == "coupon" else int(item)))
    for item in ITEMS:
        made.do(LinkProducts(int(item), (int(item), int(item) % 3 + 1), "replace"))
    return made


def references(relation: str, items: list[str]) -> tuple[Any, ...]:
    return tuple(items) if relation == "coupon.used" else tuple(map(int, items))


def held_of(made: MemorySite, relation: str) -> set[int]:
    return {number for number, _ in made.person(EMAIL).tied_to(relation)}


writable = [name for name, each in RELATIONSHIPS.items() if each.added]
calls = st.tuples(
    st.sampled_from(writable),
    st.sampled_from(("add", "remove", "replace")),
    st.lists(st.sampled_from(ITEMS), unique=True, max_size=3),
)


@given(st.lists(calls, max_size=12))
def test_calls_and_events_lead_to_the_same_ties(listed: list[tuple[str, SetChange, list[str]]]) -> None:
    """What a call does, the events of the catalogue do; only that nothing follows from taking away what is not held."""
    called, happened = site(), site()
    for relation, change, items in listed:
        relationship = RELATIONSHIPS[relation]
        if relationship.removed is None:
            change = "add"
        before = held_of(called, relation)
        assert called.do(Relate(WHO, relation, references(relation, items), change)).refusal is None
        kind = BY_NAME[relation].kind or ""
        found = [called.work.objects.find(kind, reference) for reference in references(relation, items)]
        named = {item.number for item in found if item is not None}
        lost = before & named if change == "remove" else before - named if change == "replace" else set()
        gained = set() if change == "remove" else named
        for name, numbers in ((relationship.removed, lost), (relationship.added, gained)):
            for number in sorted(numbers):
                assert name is not None
                (field,) = EVENTS[name].requires
                item = called.work.objects.by_reference[kind, number].public_id
                happened.record(name, {"email": EMAIL, field: item})
        assert called.held(EMAIL) == happened.held(EMAIL)


@pytest.mark.parametrize("relation", [name for name in writable if RELATIONSHIPS[name].removed])
def test_what_a_call_takes_away_outlasts_what_is_reported_late(relation: str) -> None:
    made = site()
    before = made.held(EMAIL)
    assert made.do(Relate(WHO, relation, references(relation, ["1"]), "remove")).verdict == "unchanged"
    added = RELATIONSHIPS[relation].added
    assert added is not None
    (field,) = EVENTS[added].requires
    made.record(added, {"email": EMAIL, field: "1", "timestamp": 1})
    assert held_of(made, relation) == set()
    assert before == {each for each in made.held(EMAIL) if not each.startswith("product.")}


def test_what_is_granted_again_is_active_again() -> None:
    made = site()
    made.do(Relate(WHO, "product.owned", (1,), "add"))
    made.record("product_deactivated", {"email": EMAIL, "product_id": "1"})
    assert made.do(Relate(WHO, "product.owned", (1,), "add")).verdict == "updated"
    assert "product.active 1" in made.held(EMAIL)
    assert made.do(Relate(WHO, "product.owned", (1,), "add")).verdict == "unchanged"


@pytest.mark.parametrize("change", ["add", "remove", "replace"])
def test_unknown_objects_are_named_and_nothing_changes(change: SetChange) -> None:
    made = site()
    made.do(Relate(WHO, "tag.has", (1,), "add"))
    before = made.held(EMAIL)
    refusal = made.do(Relate(WHO, "tag.has", (2, 77, "gone"), change)).refusal
    assert refusal is not None
    assert [(fault.field, fault.detail) for fault in refusal.faults] == [
        ("tag.1", "The tag 77 does not exist."),
        ("tag.2", "The tag 'gone' does not exist."),
    ]
    refusal = made.do(LinkProducts(1, (1, 77), change)).refusal
    assert refusal is not None
    assert made.held(EMAIL) == before


def test_a_deleted_product_belongs_to_no_offer() -> None:
    made = site()
    made.do(DeleteObject("product", 2))
    assert made.work.objects.products_of == {1: {1}, 2: {3}, 3: {3, 1}}
    made.do(DeleteObject("offer", 3))
    assert 3 not in made.work.objects.products_of


order = st.permutations(
    [
        ("offer_granted", {"offer_id": 1, "timestamp": 10}),
        ("offer_revoked", {"offer_id": 1, "timestamp": 20}),
        ("offer_granted", {"offer_id": 2, "timestamp": 15}),
        ("product_removed", {"product_id": 3, "timestamp": 15}),
        ("purchase", {"offer_id": 3, "product_ids": [2], "timestamp": 12}),
    ]
)


@given(order)
def test_the_order_of_arrival_does_not_matter(events: list[tuple[str, dict[str, Any]]]) -> None:
    made, sorted_ = site(), site()
    for name, body in events:
        made.record(name, {"email": EMAIL, **body})
    for name, body in sorted(events, key=lambda event: event[1]["timestamp"]):
        sorted_.record(name, {"email": EMAIL, **body})
    assert made.ties(made.person(EMAIL)) == sorted_.ties(sorted_.person(EMAIL))
