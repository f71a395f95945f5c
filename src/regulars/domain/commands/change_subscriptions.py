"""ChangeSubscriptions: a customer decides about consent and newsletters, by a link of theirs."""

from typing import Final

from msgspec import Struct

from regulars.domain.commands.needs import ConsentNeed, Needs, TieNeed
from regulars.domain.consent import OPT_OUT, Consent, Strength
from regulars.domain.consent_rules import moments_of, record_consent
from regulars.domain.customer import Person
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.newsletter_consents import SUBSCRIBED, NewsletterStatement, report_newsletter
from regulars.domain.outcome import Outcome
from regulars.domain.relations import BY_NAME, ReportKind
from regulars.domain.working import WorkingSet

_BROADCAST: Final = BY_NAME["broadcast.unsubscribed"]


class ChangeSubscriptions(Struct, frozen=True):
    """Give or end consent to marketing email and subscriptions to newsletters, as of now. A repeat changes nothing.

    marketing: None leaves it as it is. newsletters: (number, subscribed). everything_off: ends all there is. broadcast:
    the email that made the customer unsubscribe; counted if something changed. source, wording, proof: the evidence.
    """

    customer: int
    source: str
    marketing: bool | None = None
    newsletters: tuple[tuple[int, bool], ...] = ()
    everything_off: bool = False
    broadcast: int | None = None
    wording: str | None = None
    proof: str | None = None

    def declare(self, needs: Needs) -> None:
        """The customer, the evidence and the newsletters."""
        who = Who(number=self.customer)
        needs.people.append(who)
        needs.consents.append(ConsentNeed(who))
        needs.refer("newsletter", [number for number, _ in self.newsletters])
        if self.broadcast is not None:
            needs.tie(TieNeed(who, "broadcast", (self.broadcast,), frozenset({_BROADCAST.name})))

    def weight(self) -> int:
        """One for each newsletter."""
        return len(self.newsletters)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Change what differs."""
        person = work.people.known(Who(number=self.customer))
        changed = False
        marketing, newsletters = self.marketing, dict(self.newsletters)
        if self.everything_off:
            marketing = False
            newsletters = {number: False for number, _ in person.tied_to(SUBSCRIBED.name)}
        if marketing is not None and self._is_news(person, work, marketing):
            cause = None if marketing else OPT_OUT
            consent = Consent(person.origin, work.now, marketing, cause, self.source, self.wording, self.proof)
            record_consent(person, work, consent, ReportKind.IMMEDIATE)
            changed = True
        statement = NewsletterStatement(person.origin, self.source, None, self.wording, self.proof)
        for number, subscribed in newsletters.items():
            found = work.objects.by_reference.get(("newsletter", number))
            is_there = self.everything_off or (found is not None and found.deleted_at is None)
            if is_there and person.has(SUBSCRIBED.name, number) != subscribed:
                report_newsletter(person, work, number, subscribed, work.now, ReportKind.IMMEDIATE, statement)
                changed = True
        item = None if self.broadcast is None else work.objects.by_reference.get(("broadcast", self.broadcast))
        if changed and item is not None and item.deleted_at is None:
            work.ties.report(person, _BROADCAST, item.number, True, work.now, ReportKind.IMMEDIATE)
        return Outcome("updated" if changed else "unchanged", person)

    def _is_news(self, person: Person, work: WorkingSet, marketing: bool) -> bool:
        """Whether the decision changes the state, or ends it more firmly than it has ended."""
        if person.has("subscribed") == marketing and marketing:
            return False
        if marketing:
            return True
        standing = moments_of(person, work).standing_end
        return person.has("subscribed") or standing is None or standing < Strength.EXPLICIT
