"""The drip campaigns of a transaction: their plans, and the mails that wait to be sent."""

from collections.abc import Collection, Iterable

from regulars.domain.drip_campaigns import KIND, DripPlan, PendingMail


class Drips:
    """The plans and pending mails that a transaction has loaded or changed.

    plans: by the number of the campaign; of one that is absent, the empty one. pending: by number. planned: campaigns
    whose plan is to be written. added: mails to write, by number. removed: numbers of stored mails to delete. deleted:
    campaigns whose plan and mails are to be deleted.
    """

    def __init__(self) -> None:
        self.plans: dict[int, DripPlan] = {}
        self.pending: dict[int, PendingMail] = {}
        self.planned: set[int] = set()
        self.added: dict[int, PendingMail] = {}
        self.removed: set[int] = set()
        self.deleted: set[int] = set()

    def plan_of(self, campaign: int) -> DripPlan:
        """The plan of a campaign."""
        return self.plans.get(campaign) or DripPlan(campaign)

    def save(self, plan: DripPlan) -> None:
        """Note that a plan is to be written."""
        self.plans[plan.sequence] = plan
        self.planned.add(plan.sequence)

    def pending_of(self, address_key: str | None, customers: Collection[int]) -> list[PendingMail]:
        """The mails that wait for an address, or for one of the customers."""
        return [mail for mail in self.pending.values() if mail.address_key == address_key or mail.customer in customers]

    def schedule(self, mail: PendingMail) -> None:
        """Note that a mail is to be sent when it is due."""
        self.pending[mail.number] = self.added[mail.number] = mail

    def cancel(self, mails: Iterable[PendingMail]) -> None:
        """Note that mails are not to be sent."""
        for mail in mails:
            del self.pending[mail.number]
            if self.added.pop(mail.number, None) is None:
                self.removed.add(mail.number)

    def forget(self, kind: str, campaign: int) -> None:
        """An object is being deleted: a campaign loses its plan and its pending mails."""
        if kind != KIND:
            return
        self.plans.pop(campaign, None)
        self.planned.discard(campaign)
        self.cancel([mail for mail in self.pending.values() if mail.sequence == campaign])
        self.deleted.add(campaign)

    def is_clean(self) -> bool:
        """Whether nothing has to be written."""
        return not (self.planned or self.added or self.removed or self.deleted)
