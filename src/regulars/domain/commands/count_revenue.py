"""CountRevenue: make the figures of customers those of the site's currency, after that has changed."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.revenue_rules import count_revenue
from regulars.domain.working import WorkingSet


class CountRevenue(Struct, frozen=True):
    """Count the revenue of customers, by number, in the currency of the site. A repeat changes nothing."""

    customers: tuple[int, ...]

    def declare(self, needs: Needs) -> None:
        """The customers and their revenues."""
        for number in self.customers:
            who = Who(number=number)
            needs.people.append(who)
            needs.revenues.append(who)

    def weight(self) -> int:
        """One for each customer."""
        return len(self.customers)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """See `revenue_rules`."""
        people = [work.people.by_number[number] for number in self.customers if number in work.people.by_number]
        counted = [count_revenue(person, work) for person in people]
        return Outcome("updated" if any(counted) else "unchanged")
