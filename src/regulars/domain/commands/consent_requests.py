"""RequestConsent, ConfirmConsent, ExpireConsentRequests and DropUnconfirmed: consent by double opt-in."""

from msgspec import Struct

from regulars.domain.address_rules import bury
from regulars.domain.commands.needs import ConsentNeed, Needs
from regulars.domain.consent_requests import UNKNOWN, confirm_request, expire_request, is_nothing_but, open_request
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.working import WorkingSet
from regulars.domain.working.consent_requests import MARKETING, ConsentRequest


class RequestConsent(Struct, frozen=True):
    """Ask a known customer for consent to marketing email, or to a newsletter.

    number: of the request, random. seconds: how long it can be confirmed.
    """

    number: int
    who: Who
    newsletter: Reference | None
    wording: str
    seconds: int

    def declare(self, needs: Needs) -> None:
        """The customer and the newsletter."""
        needs.people.append(self.who)
        if self.newsletter is not None:
            needs.refer("newsletter", [self.newsletter])

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Store the request."""
        person = work.people.known(self.who)
        newsletter = MARKETING
        if self.newsletter is not None:
            (found,) = work.objects.known("newsletter", (self.newsletter,))
            newsletter = found.number
        actor, expires_at = work.origin.actor, work.now + self.seconds * 1_000
        request = ConsentRequest(
            *(self.number, person.origin, newsletter, work.now, expires_at, expires_at, self.wording),
            *(actor.channel, actor.number),
        )
        open_request(person, work, request)
        return Outcome("created", person)


class ConfirmConsent(Struct, frozen=True):
    """Confirm a request. If it cannot be confirmed, `kept_back` of the outcome says why."""

    number: int
    customer: int
    newsletter: int
    proof: str

    def declare(self, needs: Needs) -> None:
        """The request, the customer and the evidence."""
        who = Who(number=self.customer)
        needs.consent_requests.add(self.number)
        needs.people.append(who)
        needs.consents.append(ConsentNeed(who))
        if self.newsletter != MARKETING:
            needs.refer("newsletter", [self.newsletter])

    def weight(self) -> int:
        """None: it names no ties."""
        return 0

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Confirm it."""
        request, who = work.consent_requests.by_number.get(self.number), Who(number=self.customer)
        is_there = self.newsletter == MARKETING or work.objects.find("newsletter", self.newsletter) is not None
        if request is None or request.newsletter != self.newsletter or not is_there or not work.people.find(who):
            return Outcome(kept_back=(UNKNOWN,))
        person = work.people.known(who)
        fault = confirm_request(person, work, request, self.proof)
        if fault is not None:
            return Outcome("unchanged", person, kept_back=(fault,))
        return Outcome("updated" if self.number in work.consent_requests.changed else "unchanged", person)


class ExpireConsentRequests(Struct, frozen=True):
    """Close requests whose time is over: (number, customer) of each."""

    requests: tuple[tuple[int, int], ...]

    def declare(self, needs: Needs) -> None:
        """The requests and their customers."""
        for number, customer in self.requests:
            needs.consent_requests.add(number)
            needs.people.append(Who(number=customer))

    def weight(self) -> int:
        """One for each request."""
        return len(self.requests)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Close those that are still open and expired."""
        for number, customer in self.requests:
            request = work.consent_requests.by_number.get(number)
            if request is None or request.open_until is None or request.open_until > work.now:
                continue
            found = work.people.find(Who(number=customer))
            expire_request(work.people.by_number[found.pop()] if found else None, work, request)
        return Outcome()


class DropUnconfirmed(Struct, frozen=True):
    """Drop requests that nobody confirmed: (customer, all their unconfirmed requests) of each.

    A customer of whom nothing else is kept is deleted.
    """

    customers: tuple[tuple[int, tuple[int, ...]], ...]

    def declare(self, needs: Needs) -> None:
        """The requests, the customers, and what else is kept of them."""
        for customer, requests in self.customers:
            who = Who(number=customer)
            needs.consent_requests.update(requests)
            needs.people.append(who)
            needs.deleted.append(who)
            needs.traces.add(customer)

    def weight(self) -> int:
        """One for each request."""
        return sum(len(requests) for _, requests in self.customers)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Drop those that are still closed and unconfirmed. `count` is the number of deleted customers."""
        deleted = 0
        for customer, numbers in self.customers:
            found = work.people.find(Who(number=customer))
            person = work.people.by_number[found.pop()] if found else None
            known = filter(None, map(work.consent_requests.by_number.get, numbers))
            requests = [each for each in known if each.open_until is None and each.confirmed_at is None]
            if person is not None and is_nothing_but(person, work, requests):
                bury(person, work)
                work.delete(person)
                deleted += 1
                continue
            for request in requests:
                work.consent_requests.remove(request)
        return Outcome(count=deleted)
