"""Other spellings of the fields of consent are taken for what they mean, or refused; never stored without effect."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import Upsert
from regulars.domain.faults import RefusedError
from regulars.domain.outcome import Outcome
from regulars.domain.profile import Profile, parse_profile

from .memory import MemorySite

ANNA = "anna@example.com"
ENDS = ("unsubscribed", "unsubscribe", "opt_out", "opted_out", "is_unsubscribed", "email_opt_out", "has_opted_out")
GIVES = ("subscribed", "subscribe", "opt_in", "opted_in", "is_subscribed", "email_opt_in", "has_opted_in")


def read(body: dict[str, Any]) -> Profile:
    return parse_profile({"email": ANNA, **body})


def faults_of(body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(RefusedError) as refused:
        read(body)
    return {fault.field: fault.detail for fault in refused.value.faults}


@st.composite
def spelled(draw: st.DrawFn, name: str) -> str:
    words = name.split("_")
    if draw(st.booleans()):
        words = [words[0], *map(str.title, words[1:])]
    text = draw(st.sampled_from(["_", "-", " ", ""])).join(words)
    return draw(st.sampled_from([text, text.upper(), text.title()]))


@given(st.data(), st.sampled_from(ENDS + GIVES), st.sampled_from([True, False, "true", " FALSE", "1", 0]))
def test_every_spelling_means_the_same_at_every_place(data: st.DataObject, name: str, value: Any) -> None:
    key = data.draw(spelled(name))
    place = data.draw(st.sampled_from([None, "data", "custom_attributes"]))
    said = str(value).strip().lower() in ("true", "1")
    profile = read({key: value, "wording": "Yes!"} if place is None else {place: {key: value}, "wording": "Yes!"})
    assert profile.unsubscribed is (said if name in ENDS else not said)
    assert profile.wording == "Yes!"
    assert profile.attributes.get(key) is None, "it is no attribute"


@pytest.mark.parametrize("key", ["subscribed", "Unsubscribed", "opt_out"])
@pytest.mark.parametrize("value", ["perhaps", 2, [], ["weekly"], {"a": True}])
def test_one_that_cannot_be_read_is_refused(key: str, value: Any) -> None:
    assert "must be true, false, 1 or 0" in faults_of({key: value})[key]
    assert "must be true, false, 1 or 0" in faults_of({"data": {key: value}})[f"data.{key}"]


def test_two_that_contradict_each_other_are_refused_and_two_that_agree_are_not() -> None:
    assert "subscribed" in faults_of({"unsubscribed": False, "subscribed": False})
    assert "data.unsubscribed" in faults_of({"unsubscribed": "0", "data": {"unsubscribed": 1}})
    assert read({"unsubscribed": "1", "data": {"Subscribed": "false"}}).unsubscribed is True
    assert faults_of({"unsubscribed": "perhaps", "subscribed": True}) == {"unsubscribed": "must be true, false, 1 or 0"}


@pytest.mark.parametrize("value", [None, "", " ", "\u200b"])
def test_blank_says_nothing(value: Any) -> None:
    assert read({"subscribed": value, "data": {"opt_out": value}}).unsubscribed is None
    assert read({"unsubscribed": value, "subscribed": False}).unsubscribed is True


def test_names_that_only_look_alike_stay_attributes() -> None:
    body = {"subscriber": True, "subscribed_at": 5, "option": 1, "resubscribed": True, "data": {"unsubscribed_by": "x"}}
    profile = read(body)
    assert profile.unsubscribed is None
    assert profile.attributes == {**{key: body[key] for key in body if key != "data"}, "unsubscribed_by": "x"}


@pytest.mark.parametrize("key", ["subscriptionGroups", "Subscription_Groups", "subscription-group"])
def test_newsletters_are_taken_too(key: str) -> None:
    given = [{"id": "n", "subscribed": False}]
    assert read({key: given}).newsletters == (("n", False),)
    assert read({"data": {key: given}}).newsletters == (("n", False),)
    both = read({"subscription_groups": [{"id": "m", "subscribed": True}], key: given})
    assert both.newsletters == (("m", True), ("n", False))
    assert key in faults_of({key: "n"})


def test_the_history_of_a_file_is_refused_elsewhere() -> None:
    evidence = [{"at": 5, "granted": False}]
    assert "consents" in faults_of({"consents": evidence})
    assert "data.Consents" in faults_of({"data": {"Consents": evidence}})
    assert read({"consents": {"tracking": "yes"}}).attributes == {"consents": {"tracking": "yes"}}


def test_attributes_of_a_customer_as_it_was_shown_are_no_statement() -> None:
    shown = {"object": "customer", "unsubscribed": True, "unsubscribed_at": "2024-01-01", "data": {"subscribed": True}}
    profile = read(shown)
    assert profile.unsubscribed is True
    assert profile.attributes == {"subscribed": True}


def upserted(site: MemorySite, *, source: str = "api", **body: Any) -> Outcome:
    return site.do(Upsert(parse_profile({"email": ANNA, **body}), source))


def test_an_import_keeps_back_what_would_revive_consent_under_any_spelling() -> None:
    site = MemorySite()
    upserted(site, unsubscribed=True)
    for body in ({"subscribed": True}, {"data": {"Unsubscribed": "false"}}, {"unsubscribed": False}):
        outcome = upserted(site, source="import", **body)
        assert [fault.field for fault in outcome.kept_back] == ["unsubscribed"], body
        assert "subscribed" not in site.held(ANNA)
    assert upserted(site, subscribed=True).verdict == "updated"
    assert "subscribed" in site.held(ANNA)


def test_an_attribute_of_former_versions_goes() -> None:
    site = MemorySite()
    upserted(site, data={"plan": "pro"})
    customer = site.customer(ANNA)
    customer.attributes = msgspec.json.encode({"plan": "pro", "subscribed": True}).decode()
    upserted(site, subscribed=False)
    assert msgspec.json.decode(site.customer(ANNA).attributes or "{}") == {"plan": "pro"}
