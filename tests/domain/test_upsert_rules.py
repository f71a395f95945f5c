"""The upsert at work: identifiers, names, groups, newsletters, consent, and what is not touched."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import Upsert
from regulars.domain.consent import Consent
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile
from regulars.domain.restored import Restored

from .memory import NOW, MemorySite

ANNA = "anna@example.com"


def code(outcome: Outcome) -> str | None:
    return None if outcome.refusal is None else outcome.refusal.code


def test_identifiers_find_the_same_customer_and_are_taken_over() -> None:
    site = MemorySite()
    created = site.upsert(email=ANNA)
    assert created.person is not None
    number = created.person.customer.number
    for body in ({"email": ANNA.upper(), "customer_id": "c"}, {"customer_id": "c", "email": "new@example.com"}):
        outcome = site.upsert(**body)
        assert (outcome.verdict, outcome.person and outcome.person.customer.number) == ("updated", number)
    assert site.customer("new@example.com").customer_id == "c"
    assert site.upsert(email=ANNA).verdict == "created"


def test_a_new_customer_takes_the_uuid_it_is_given() -> None:
    site = MemorySite()
    text = "06743da2-9589-4c01-afda-e3d85e487fa7"
    assert code(site.upsert(uuid=text)) == "customer_not_found"
    site.upsert(email=ANNA, uuid=text)
    assert site.upsert(uuid=text, firstname="Anna").verdict == "updated"
    assert code(site.upsert(email=ANNA, uuid="16743da2-9589-4c01-afda-e3d85e487fa7")) == "identity_conflict"


def test_identifiers_of_two_customers_change_nothing() -> None:
    site = MemorySite()
    site.upsert(email=ANNA)
    site.upsert(customer_id="c")
    before = msgspec.json.encode([person.customer.name for person in site.work.people.by_number.values()])
    assert code(site.upsert(email=ANNA, customer_id="c", name="Both", groups=["new"])) == "identity_conflict"
    assert msgspec.json.encode([person.customer.name for person in site.work.people.by_number.values()]) == before
    assert ("group", "new") not in site.work.objects.by_reference


def test_names_follow_each_other_over_several_calls() -> None:
    site = MemorySite()
    site.upsert(email=ANNA, firstname="Anna")
    site.upsert(email=ANNA, data={"last_name": "Smith"})
    assert site.customer(ANNA).name == "Anna Smith"
    site.upsert(email=ANNA, name="Bo van Dam")
    customer = site.customer(ANNA)
    assert (customer.firstname, customer.lastname) == ("Bo", "van Dam")


def test_groups_are_added_and_newsletters_not_named_stay() -> None:
    site = MemorySite()
    site.upsert(email=ANNA, groups=["a"], subscription_groups=[{"id": "n", "subscribed": True}])
    site.upsert(email=ANNA, groups=["b"], subscription_groups=[{"id": "m", "subscribed": False}])
    assert site.held(ANNA) == {
        "group.member a",
        "group.member b",
        "newsletter.subscribed n",
        "newsletter.unsubscribed m",
    }
    site.upsert(email=ANNA, groups=[], subscription_groups=[{"id": "m", "subscribed": 1}])
    assert site.held(ANNA) == {"group.member a", "group.member b", "newsletter.subscribed n", "newsletter.subscribed m"}


def test_consent_follows_the_callers_word_and_keeps_evidence_of_each_change() -> None:
    site = MemorySite()
    site.upsert(email=ANNA)
    assert "subscribed" not in site.held(ANNA)
    for word, verdict in (
        (False, "updated"),
        ("0", "unchanged"),
        (True, "updated"),
        ("true", "unchanged"),
        (0, "updated"),
    ):
        assert site.upsert(email=ANNA, unsubscribed=word).verdict == verdict
    assert "subscribed" in site.held(ANNA)
    assert [(each.granted, each.cause, each.source) for each in site.work.history.consents] == [
        *((True, None, "api"), (False, "manual", "api"), (True, None, "api")),
    ]


def test_joining_a_newsletter_does_not_touch_consent() -> None:
    site = MemorySite()
    site.upsert(email=ANNA, unsubscribed=True, subscription_groups=[{"id": "n", "subscribed": True}])
    assert site.held(ANNA) == {"newsletter.subscribed n"}


def test_attributes_that_grow_too_large_change_nothing() -> None:
    site = MemorySite(Limits(attributes=20))
    site.upsert(email=ANNA, data={"a": 1})
    assert code(site.upsert(email=ANNA, data={"b": "x" * 20}, firstname="X", groups=["g"])) == "invalid"
    assert code(site.upsert(email="bo@example.com", data={"b": "x" * 20})) == "invalid"
    customer = site.customer(ANNA)
    assert (customer.attributes, customer.firstname, len(site.work.people.by_number)) == ('{"a":1}', None, 1)


def test_an_import_restores_the_past_once() -> None:
    site = MemorySite()
    consents = tuple(Consent(0, at, at != 20, None if at != 20 else "opt_out", "form") for at in (10, 20))
    restored = Restored(created_at=5, updated_at=30, bucket=42, consents=consents)
    command = Upsert(parse_profile({"email": ANNA}), "import", restored)
    assert site.do(command).verdict == "created"
    customer = site.customer(ANNA)
    assert (customer.created_at, customer.updated_at, customer.bucket) == (5, 30, 42)
    assert (customer.subscribed_at, customer.opted_out_at) == (10, 20)
    assert not site.person(ANNA).has("subscribed")
    kept = list(site.work.history.consents)
    assert [each.customer for each in kept] == [customer.number] * 2
    assert site.do(command).verdict == "unchanged"
    assert list(site.work.history.consents) == kept


bodies = st.fixed_dictionaries(
    {"email": st.sampled_from([ANNA, "bo@example.com"])},
    optional={
        "firstname": st.sampled_from(["A", "B"]),
        "name": st.sampled_from(["A B", "C"]),
        "data": st.dictionaries(st.sampled_from(["city", "plan"]), st.sampled_from([None, "x", "y"])),
        "groups": st.lists(st.sampled_from(["g", 5]), max_size=2),
        "unsubscribed": st.booleans(),
        "subscription_groups": st.just([{"id": "n", "subscribed": True}]),
    },
)


@given(st.lists(bodies, max_size=4), bodies)
def test_the_same_upsert_again_changes_nothing(before: list[dict[str, Any]], body: dict[str, Any]) -> None:
    site = MemorySite()
    for each in before:
        site.upsert(**each)
    first = site.upsert(**body)
    assert first.refusal is None
    customer = msgspec.structs.replace(site.customer(body["email"]))
    ties = {key: tie.at for key, tie in site.person(body["email"]).ties.items()}
    again = site.upsert(**body)
    assert again.verdict == "unchanged"
    assert site.customer(body["email"]) == customer
    assert {key: tie.at for key, tie in site.person(body["email"]).ties.items()} == ties
    if first.verdict == "updated":
        assert customer.updated_at > NOW
    else:
        assert first.verdict in ("created", "unchanged")


@pytest.mark.parametrize("bucket", [None, 7])
def test_a_control_bucket_is_drawn_once(bucket: int | None) -> None:
    site = MemorySite()
    site.do(Upsert(parse_profile({"email": ANNA}), "import", Restored(bucket=bucket)))
    drawn = site.customer(ANNA).bucket
    assert 1 <= drawn <= 100
    assert bucket in (None, drawn)
    site.do(Upsert(parse_profile({"email": ANNA, "plan": 1}), "import", Restored(bucket=drawn % 100 + 1)))
    assert site.customer(ANNA).bucket == drawn


def test_a_blank_text_leaves_names_alone_but_in_data_it_clears_them() -> None:
    site = MemorySite()
    site.upsert(email=ANNA, firstname="Anna")
    for said in ({"firstname": "   "}, {"name": ""}, {"lastname": "\t"}):
        assert site.upsert(email=ANNA, **said).verdict == "unchanged"
    customer = site.customer(ANNA)
    assert (customer.name, customer.firstname, customer.lastname) == ("Anna", "Anna", None)
    for name, nothing in (("Berta", ""), ("Carla", None)):
        assert site.upsert(email=ANNA, data={"first_name": name}).verdict == "updated"
        assert site.upsert(email=ANNA, data={"first_name": nothing}).verdict == "updated"
        assert (customer.name, customer.firstname) == (None, None)
