"""A site held in memory: the domain's rules at work without a store."""

from collections.abc import Mapping
from typing import Any

from regulars.domain.activity import parse_activity
from regulars.domain.commands import Command, RecordActivity, Upsert, apply
from regulars.domain.customer import Customer, Person
from regulars.domain.identity import Who
from regulars.domain.limits import DEFAULT, Limits
from regulars.domain.outcome import Outcome
from regulars.domain.profile import parse_profile
from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.domain.working import Counters, WorkingSet

NOW = 1_800_000_000_000
"""The moment (ms) at which a site in memory starts."""


class MemorySite:
    """One working set that is never written: everything that ever happened is loaded."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.work = WorkingSet(NOW, Counters(1, 1, 1, 1))
        self.limits = limits

    def do(self, command: Command) -> Outcome:
        """Carry out a command a second after the last one."""
        self.work.now += 1000
        return apply(command, self.work, self.limits)

    def upsert(self, **body: Any) -> Outcome:
        """POST /customers."""
        return self.do(Upsert(parse_profile(body, limits=self.limits)))

    def record(self, event: str, body: Mapping[str, Any]) -> Outcome:
        """POST /event."""
        read = parse_activity({"event": event, **body}, now=self.work.now + 1000, limits=self.limits)
        return self.do(RecordActivity(read))

    def do_event(self, body: Mapping[str, Any]) -> Outcome:
        """POST /event, with a body that has its name."""
        return self.do(RecordActivity(parse_activity(body, now=self.work.now + 1000, limits=self.limits)))

    def person(self, email: str) -> Person:
        """Who has this address."""
        return self.work.people.known(Who(email_key=email))

    def customer(self, email: str) -> Customer:
        """The row of who has this address."""
        return self.person(email).customer

    def ties(self, person: Person) -> dict[tuple[str, str], int]:
        """The ties that hold: (relation, object's id) -> since when (ms)."""
        found = {}
        for (code, number), tie in person.ties.items():
            relation = BY_CODE[code]
            if tie.holds:
                found[relation.name, self._id_of(relation.kind, number)] = tie.at
        return found

    def held(self, email: str) -> set[str]:
        """The ties that hold, as "relation object"."""
        return {f"{relation} {item}".strip() for relation, item in self.ties(self.person(email))}

    def _id_of(self, kind: str | None, number: int) -> str:
        if kind is None:
            return ""
        assert kind in KIND_CODES
        return self.work.objects.by_reference[kind, number].public_id
