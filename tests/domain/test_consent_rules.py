"""What an operator, a file and a person can do to consent that ended."""

from itertools import permutations
from typing import Any

import pytest

from regulars.domain.activity import parse_activity
from regulars.domain.commands import RecordActivity, Upsert
from regulars.domain.consent import IMPORT
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile
from regulars.domain.restored import Restored

from .memory import NOW, MemorySite

ANNA = "anna@example.com"
AT = NOW // 1000 - 1000
ENDS = {
    "manual": ("unsubscribed", {}),
    "opt_out": ("email_unsubscribed", {}),
    "complaint": ("email_complained", {}),
    "bounce": ("unsubscribed", {"cause": "bounce"}),
}


def from_file(site: MemorySite, updated_at: int | None = None, **body: Any) -> Outcome:
    """A line of a file of customers. updated_at: seconds."""
    restored = None if updated_at is None else Restored(updated_at=updated_at * 1000)
    return site.do(Upsert(parse_profile({"email": ANNA, **body}), IMPORT, restored))


def event_of_file(site: MemorySite, event: str, **body: Any) -> Outcome:
    """A line of a file of activity."""
    read = parse_activity({"event": event, "email": ANNA, **body}, now=site.work.now)
    return site.do(RecordActivity(read, IMPORT))


def ended(cause: str) -> MemorySite:
    """A site where Anna gave consent, and it ended."""
    site = MemorySite()
    site.upsert(email=ANNA, unsubscribed=False)
    name, body = ENDS[cause]
    site.record(name, {"email": ANNA, **body})
    assert not site.person(ANNA).has("subscribed")
    return site


@pytest.mark.parametrize("cause", ENDS)
def test_a_file_brings_nothing_back_that_ended(cause: str) -> None:
    site = ended(cause)
    evidence = len(site.work.history.consents)
    for told in (
        from_file(site, unsubscribed=False),
        from_file(site, unsubscribed=False, proof="a form"),
        from_file(site, unsubscribed=False, updated_at=AT),
    ):
        assert [fault.field for fault in told.kept_back] == ["unsubscribed"]
        assert not site.person(ANNA).has("subscribed")
    assert len(site.work.history.consents) == evidence + 1  # what is dated is evidence
    assert from_file(site, unsubscribed=False, updated_at=AT).verdict == "unchanged"
    for body in ({}, {"proof": "a form"}):
        assert event_of_file(site, "subscribed", **body).kept_back
        assert not site.person(ANNA).has("subscribed")
    assert event_of_file(site, "identify", unsubscribed=False).kept_back
    assert not site.person(ANNA).has("subscribed")


@pytest.mark.parametrize(("cause", "holds"), [("manual", True), ("opt_out", True), ("complaint", False)])
def test_a_file_that_says_it_is_later_counts_but_after_a_complaint(cause: str, holds: bool) -> None:
    for tell in (from_file, lambda site, updated_at, **_: event_of_file(site, "subscribed", timestamp=updated_at)):
        site = ended(cause)
        told = tell(site, updated_at=site.work.now // 1000 + 1, unsubscribed=False)
        assert site.person(ANNA).has("subscribed") == holds
        assert bool(told.kept_back) != holds


def test_what_a_file_believes_is_older_than_every_end() -> None:
    told: list[Any] = [
        lambda site: from_file(site, unsubscribed=False, subscription_groups=[{"id": "n", "subscribed": True}]),
        lambda site: site.record("email_unsubscribed", {"email": ANNA, "timestamp": AT}),
        lambda site: site.record("newsletter_unsubscribed", {"email": ANNA, "timestamp": AT, "newsletter_id": "n"}),
    ]
    for order in permutations(told):
        site = MemorySite()
        for tell in order:
            tell(site)
        assert site.held(ANNA) == {"newsletter.unsubscribed n"}
        again = from_file(site, unsubscribed=False, subscription_groups=[{"id": "n", "subscribed": True}])
        assert (again.verdict, [fault.field for fault in again.kept_back]) == (
            "unchanged",
            ["subscription_groups", "unsubscribed"],
        )


def test_a_file_ends_consent_and_newsletters() -> None:
    site = MemorySite()
    joined = {"id": "n", "subscribed": True}
    site.upsert(email=ANNA, unsubscribed=False, subscription_groups=[joined])
    told = from_file(site, unsubscribed=True, subscription_groups=[{**joined, "subscribed": False}])
    assert told.verdict == "updated"
    assert site.held(ANNA) == {"newsletter.unsubscribed n"}


def test_a_newsletter_that_somebody_left_comes_back_by_an_event_not_by_a_file() -> None:
    site = MemorySite()
    site.record("newsletter_unsubscribed", {"email": ANNA, "newsletter_id": "n"})
    told = event_of_file(site, "newsletter_subscribed", newsletter_id="n")
    assert [fault.field for fault in told.kept_back] == ["newsletter_id"]
    assert site.held(ANNA) == {"newsletter.unsubscribed n"}
    site.record("newsletter_subscribed", {"email": ANNA, "newsletter_id": "n"})
    assert site.held(ANNA) == {"newsletter.subscribed n"}


@pytest.mark.parametrize(
    ("cause", "bare", "with_evidence"),
    [("manual", True, True), ("bounce", True, True), ("opt_out", False, True), ("complaint", False, False)],
)
def test_an_operator_lifts_an_opt_out_only_with_evidence_and_a_complaint_never(
    cause: str, bare: bool, with_evidence: bool
) -> None:
    for body, holds in (
        ({}, bare),
        ({"wording": "Yes, write to me"}, with_evidence),
        ({"proof": "letter of May"}, with_evidence),
    ):
        site = ended(cause)
        evidence = len(site.work.history.consents)
        told = site.upsert(email=ANNA, unsubscribed=False, **body)
        assert site.person(ANNA).has("subscribed") == holds
        assert (told.verdict, bool(told.kept_back)) == (("updated", False) if holds else ("unchanged", True))
        assert len(site.work.history.consents) == evidence + holds
        assert site.customer(ANNA).attributes is None


def test_a_complaint_comes_back_by_a_subscription_with_proof() -> None:
    site = ended("complaint")
    told = site.record("subscribed", {"email": ANNA})
    assert (told.verdict, [fault.field for fault in told.kept_back]) == ("updated", ["event"])
    assert "`proof`" in told.kept_back[0].detail
    assert site.held(ANNA) == {"spam_reported"}
    assert not site.record("subscribed", {"email": ANNA, "proof": "double opt-in"}).kept_back
    assert site.held(ANNA) == {"subscribed"}


def test_wording_and_proof_without_a_word_on_consent_are_attributes() -> None:
    site = MemorySite()
    site.upsert(email=ANNA, proof="sourdough")
    assert site.customer(ANNA).attributes == '{"proof":"sourdough"}'


def test_a_word_of_this_moment_counts_also_against_a_clock_that_is_ahead() -> None:
    site = MemorySite()
    site.record("subscribed", {"email": ANNA, "timestamp": NOW // 1000 + 100})
    site.upsert(email=ANNA, unsubscribed=True)
    assert not site.person(ANNA).has("subscribed")
    site.upsert(email=ANNA, unsubscribed=False)
    assert site.person(ANNA).has("subscribed")
