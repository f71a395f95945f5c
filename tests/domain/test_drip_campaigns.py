"""Drip campaigns in memory: what is pending after any activations and deactivations."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.commands import (
    ActivateDripCampaign,
    Command,
    DeactivateDripCampaigns,
    DeleteCustomer,
    DeleteObject,
    PlanChange,
    SaveDripCampaign,
    SaveObject,
)
from regulars.domain.drip_campaigns import RELATION, DripPlan, DripStep, decode_steps, encode_steps
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile

from .memory import MemorySite

PEOPLE = ("anna@example.com", "bo@example.com")
CAMPAIGNS = ("onboarding", "winback")


def plan(site: MemorySite, campaign: str, *delays: int, enabled: bool = True) -> None:
    steps = tuple((delay, f"tem_{place}") for place, delay in enumerate(delays))
    made = site.do(
        SaveDripCampaign(
            SaveObject(kind="sequence", key=campaign, name=campaign), PlanChange(enabled=enabled, steps=steps)
        )
    )
    assert made.verdict == "created"


def activate(email: str, campaign: str, **more: Any) -> Command:
    return ActivateDripCampaign(campaign, parse_profile({"email": email, **more}))


def deactivate(email: str, campaign: str | None = None) -> Command:
    return DeactivateDripCampaigns(Who(email, email), campaign)


def pending(site: MemorySite) -> set[tuple[str, int, int]]:
    """(address, campaign, step) of what waits to be sent."""
    mails = site.work.drips.pending.values()
    found = {(mail.address_key, mail.sequence, mail.step) for mail in mails}
    assert len(found) == len(mails), "no mail waits twice"
    return found


def test_steps_are_due_one_after_the_other() -> None:
    site = MemorySite()
    plan(site, "onboarding", 0, 60, 3600)
    done = site.do(activate("anna@example.com", "onboarding", name="Anna"))
    assert done.verdict == "created"
    mails = sorted(site.work.drips.pending.values(), key=lambda mail: mail.step)
    assert [mail.due_at - site.work.now for mail in mails] == [0, 60_000, 3_660_000]
    assert {mail.recipient_name for mail in mails} == {"Anna"}
    assert site.customer("anna@example.com").name == "Anna"
    assert site.held("anna@example.com") == {"sequence.subscribed onboarding"}
    assert [row.name for row in site.work.history.activities] == ["sequence_subscribed"]


def test_a_repeat_schedules_nothing() -> None:
    site = MemorySite()
    plan(site, "onboarding", 60)
    site.do(activate("anna@example.com", "onboarding"))
    before = dict(site.work.drips.pending)
    assert site.do(activate("anna@example.com", "onboarding")).verdict == "unchanged"
    assert site.work.drips.pending == before


def test_a_disabled_or_unknown_campaign_is_refused_and_creates_nobody() -> None:
    site = MemorySite()
    plan(site, "onboarding", 60, enabled=False)
    codes = {
        name: refusal.code
        for name in ("onboarding", "nothing")
        if (refusal := site.do(activate("anna@example.com", name)).refusal) is not None
    }
    assert codes == {"onboarding": "invalid", "nothing": "object_not_found"}
    assert not site.work.people.by_number


def test_pending_mails_follow_the_customer_to_a_new_address_and_outlive_it() -> None:
    site = MemorySite()
    plan(site, "onboarding", 60)
    site.upsert(email="anna@example.com", customer_id="anna")
    site.do(activate("anna@example.com", "onboarding"))
    site.upsert(email="new@example.com", customer_id="anna")
    assert site.do(activate("new@example.com", "onboarding")).verdict == "unchanged"
    site.do(DeleteCustomer(Who(customer_id="anna")))
    assert len(pending(site)) == 1
    assert site.do(deactivate("anna@example.com")).count == 1
    assert not pending(site)


def test_deactivation_by_the_address_of_now_and_of_before() -> None:
    for address in ("anna@example.com", "new@example.com"):
        site = MemorySite()
        plan(site, "onboarding", 60)
        site.upsert(email="anna@example.com", customer_id="anna")
        site.do(activate("anna@example.com", "onboarding"))
        site.upsert(email="new@example.com", customer_id="anna")
        assert site.do(deactivate(address, "onboarding")).verdict == "updated"
        assert not pending(site)
        assert site.held("new@example.com") == set()


def test_sequences_that_somebody_else_sends_do_not_end() -> None:
    site = MemorySite()
    plan(site, "onboarding", 60)
    site.record("sequence_subscribed", {"email": "anna@example.com", "sequence_id": "outside"})
    site.do(activate("anna@example.com", "onboarding"))
    assert site.do(deactivate("anna@example.com")).count == 1
    assert site.held("anna@example.com") == {"sequence.subscribed outside"}


def test_a_deleted_campaign_takes_its_mails_along() -> None:
    site = MemorySite()
    plan(site, "onboarding", 60)
    plan(site, "winback", 60)
    for campaign in CAMPAIGNS:
        site.do(activate("anna@example.com", campaign))
    site.do(DeleteObject("sequence", "onboarding"))
    (left,) = site.work.drips.pending.values()
    assert site.work.objects.find("sequence", left.sequence) == site.work.objects.find("sequence", "winback")
    plan(site, "onboarding")
    found = site.work.objects.find("sequence", "onboarding")
    assert found is not None
    assert site.work.drips.plan_of(found.number) == DripPlan(found.number, enabled=True), "it has none of the old steps"


_call = st.tuples(
    st.sampled_from(["activate", "deactivate", "deactivate_all", "delete", "upsert"]),
    st.sampled_from(PEOPLE),
    st.sampled_from(CAMPAIGNS),
)


@given(st.lists(_call, max_size=12))
def test_what_is_pending_is_what_was_activated_and_not_deactivated_since(calls: list[tuple[str, str, str]]) -> None:
    site = MemorySite()
    for campaign in CAMPAIGNS:
        plan(site, campaign, 60, 60)
    numbers = {name: found.number for name in CAMPAIGNS if (found := site.work.objects.find("sequence", name))}
    active: set[tuple[str, str]] = set()
    for call, email, campaign in calls:
        outcome: Outcome
        match call:
            case "activate":
                outcome = site.do(activate(email, campaign))
                active.add((email, campaign))
            case "deactivate":
                outcome = site.do(deactivate(email, campaign))
                assert (outcome.verdict == "updated") == ((email, campaign) in active)
                active.discard((email, campaign))
            case "deactivate_all":
                outcome = site.do(deactivate(email))
                assert outcome.count == sum(who == email for who, _ in active)
                active = {each for each in active if each[0] != email}
            case "delete":
                outcome = site.do(DeleteCustomer(Who(email, email)))
            case _:
                outcome = site.upsert(email=email)
        assert outcome.refusal is None
        assert pending(site) == {(who, numbers[name], step) for who, name in active for step in (1, 2)}
    assert not site.work.drips.removed, "nothing of it was stored"
    for email in PEOPLE:
        if site.work.people.find(Who(email_key=email)):
            tied = {number for number, _ in site.person(email).tied_to(RELATION)}
            assert tied <= {numbers[name] for who, name in active if who == email}


@given(st.lists(st.builds(DripStep, st.integers(0, 10**9), st.integers(1, 2**53))).map(tuple))
def test_steps_are_stored_and_read(steps: tuple[DripStep, ...]) -> None:
    assert decode_steps(encode_steps(steps)) == steps
