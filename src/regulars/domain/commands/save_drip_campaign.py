"""SaveDripCampaign: create a drip campaign, or change it."""

import msgspec
from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.commands.save_object import SaveObject
from regulars.domain.drip_campaigns import DripStep
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.working import WorkingSet


class PlanChange(Struct, frozen=True, kw_only=True):
    """What changes of a campaign's plan; None leaves a field as it is.

    trigger_template: (None,) if no template's mails start it any more. steps: (delay in seconds, template) of each.
    """

    enabled: bool | None = None
    trigger_template: tuple[Reference | None] | None = None
    steps: tuple[tuple[int, Reference], ...] | None = None

    def templates(self) -> list[tuple[str, Reference]]:
        """The templates that it names, each with the name of its field."""
        trigger = (self.trigger_template or (None,))[0]
        named = [(f"steps.{place}.template_id", template) for place, (_, template) in enumerate(self.steps or ())]
        return named if trigger is None else [*named, ("trigger_email_id", trigger)]


class SaveDripCampaign(Struct, frozen=True):
    """Create a campaign or change it, with its plan. Templates that it names are created if they are not there.

    Mails that wait already stay as they were scheduled.
    """

    campaign: SaveObject
    change: PlanChange

    def declare(self, needs: Needs) -> None:
        """The campaign with its plan, and the templates."""
        self.campaign.declare(needs)
        needs.refer("template", [template for _, template in self.change.templates()])
        if self.campaign.reference is not None:
            needs.plans.add(self.campaign.reference)

    def weight(self) -> int:
        """One for each template."""
        return len(self.change.templates())

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Save the campaign, then its plan."""
        for field, template in self.change.templates():
            work.objects.refuse_unknown_number(field, "template", template)
        outcome = self.campaign.rule(work, limits)
        campaign = outcome.object
        assert campaign is not None
        before, change = work.drips.plan_of(campaign.number), self.change
        after = before if change.enabled is None else msgspec.structs.replace(before, enabled=change.enabled)
        if change.trigger_template is not None:
            trigger = change.trigger_template[0]
            number = None if trigger is None else work.objects.refer("template", trigger, work.now)
            after = msgspec.structs.replace(after, trigger_template=number)
        if change.steps is not None:
            steps = [(delay, work.objects.refer("template", template, work.now)) for delay, template in change.steps]
            after = msgspec.structs.replace(after, steps=tuple(DripStep(*step) for step in steps))
        if after == before:
            return outcome
        work.drips.save(after)
        campaign.updated_at = work.now
        work.objects.save(campaign)
        return msgspec.structs.replace(outcome, verdict="created" if outcome.verdict == "created" else "updated")
