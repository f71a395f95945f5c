"""ActivateDripCampaign: schedule the mails of a campaign for a customer."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.commands.relate import report_tie
from regulars.domain.customer import shown_name
from regulars.domain.drip_campaigns import KIND, RELATION, PendingMail
from regulars.domain.faults import refuse
from regulars.domain.forgetting import FORGOTTEN
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome, Verdict
from regulars.domain.profile import Profile
from regulars.domain.references import Reference
from regulars.domain.ties import RELATIONSHIPS
from regulars.domain.upsert_rules import apply_upsert
from regulars.domain.working import WorkingSet


class ActivateDripCampaign(Struct, frozen=True):
    """Schedule the mails of a known, enabled campaign for a customer, who is created if unknown.

    A customer for whom mails of the campaign are pending gets no second set, and one who is forgotten none.
    profile: the address and maybe a name. data: what was said of the mails, as a JSON object.
    """

    campaign: Reference
    profile: Profile
    data: str | None = None

    def declare(self, needs: Needs) -> None:
        """The campaign with its plan, the customer, its tie to the campaign and what is pending for it."""
        needs.profile(self.profile)
        needs.plans.add(self.campaign)
        needs.drips.append(self.profile.who)
        needs.tie(TieNeed(self.profile.who, KIND, (self.campaign,), RELATIONSHIPS[RELATION].relations()))

    def weight(self) -> int:
        """That of some mails."""
        return 8

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Schedule each step; the customer is subscribed to the campaign from now on."""
        (campaign,) = work.objects.known(KIND, (self.campaign,))
        plan = work.drips.plan_of(campaign.number)
        if not plan.enabled:
            raise refuse("invalid", "", f"The drip campaign {campaign.public_id} is disabled.")
        found = work.people.find(self.profile.who)
        verdict: Verdict = "unchanged"
        if found:
            person = work.people.by_number[found.pop()]
        else:
            created = apply_upsert(self.profile, work, limits, source="api").person
            assert created is not None
            person, verdict = created, "created"
        customer = person.customer
        assert customer.email is not None and customer.email_key is not None
        pending = work.drips.pending_of(customer.email_key, work.people.merged.group(customer.number))
        if person.has(FORGOTTEN.name) or any(mail.sequence == campaign.number for mail in pending):
            return Outcome(verdict, person, campaign)
        changed = report_tie(RELATIONSHIPS[RELATION], True, person, work, campaign.number)
        name = self.profile.fields.get("name") or shown_name(customer.name, None, None)
        for place, (step, due_at) in enumerate(zip(plan.steps, plan.due_times(work.now), strict=True), 1):
            mail = PendingMail(
                number=work.counters.log,
                sequence=campaign.number,
                step=place,
                customer=customer.number,
                address_key=customer.email_key,
                recipient_address=customer.email,
                recipient_name=name,
                template=step.template,
                created_at=work.now,
                due_at=due_at,
                data=self.data,
            )
            work.counters.log += 1
            work.drips.schedule(mail)
        if (changed or plan.steps) and verdict == "unchanged":
            verdict = "updated"
        return Outcome(verdict, person, campaign)
