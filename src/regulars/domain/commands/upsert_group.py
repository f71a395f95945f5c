"""UpsertGroup: several upserts of one customer with one net effect."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from regulars.domain.commands.command import apply
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.upsert import Upsert
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.savepoint import Savepoint
from regulars.domain.working import WorkingSet


def group_upserts(upserts: Sequence[Upsert]) -> list[list[int]]:
    """The positions of upserts, grouped by shared identifiers, in the order of each group's last; most are alone."""
    groups: dict[int, list[int]] = {}
    ends: dict[tuple[str, object], int] = {}
    for place, upsert in enumerate(upserts):
        joined = {ends[key] for key in _keys(upsert) if key in ends}
        members = groups[place] = sorted([place, *(member for end in joined for member in groups.pop(end))])
        for member in members:
            ends.update(dict.fromkeys(_keys(upserts[member]), place))
    return list(groups.values())


class UpsertGroup(Struct, frozen=True):
    """Upserts of one customer with one net effect: changes that they undo among themselves did not happen.

    An import groups a file's lines by customer. If the last of them leaves the customer as the first found it, nothing
    changed, so re-importing the same file is a no-op. Customers between whom an identifier is handed on are in one
    group. Each upsert may be refused alone.
    """

    upserts: tuple[Upsert, ...]

    def declare(self, needs: Needs) -> None:
        """What each upsert needs."""
        for upsert in self.upserts:
            upsert.declare(needs)

    def weight(self) -> int:
        """That of the upserts."""
        return sum(upsert.weight() for upsert in self.upserts)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Execute the upserts, and roll them back if they changed nothing in the end."""
        people = work.people
        named = {number for upsert in self.upserts for number in people.find(upsert.profile.who)}
        # Evidence of consents has times of its own, by which a repeat of it is known already.
        brings_evidence = any(
            upsert.restored is not None and upsert.restored.brings_evidence for upsert in self.upserts
        )
        # What waited for a visitor is given once: it cannot be taken back.
        gives = any(work.visitors.waiting_for(upsert.profile.visitor) for upsert in self.upserts)
        savepoints = (
            [] if brings_evidence or gives else [Savepoint(work, people.by_number[number]) for number in sorted(named)]
        )
        parts = tuple(self._carried_out(place, work, limits) for place in range(len(self.upserts)))
        ours = [savepoint.person for savepoint in savepoints]
        touched = [part.person for part in parts if part.refusal is None]
        if (
            savepoints
            and all(any(person is not None and person.customer is one.customer for one in ours) for person in touched)
            and all(savepoint.is_as_it_was() for savepoint in savepoints)
        ):
            for savepoint in reversed(savepoints):
                savepoint.undo()
            parts = tuple(
                part if part.refusal is not None else Outcome("unchanged", part.person, kept_back=part.kept_back)
                for part in parts
            )
        return Outcome(parts[-1].verdict, parts[-1].person, parts=parts)

    def _carried_out(self, place: int, work: WorkingSet, limits: Limits) -> Outcome:
        """Execute one upsert. If another customer has its address, it is left out if a later upsert has another one."""
        upsert = self.upserts[place]
        outcome = apply(upsert, work, limits)
        if outcome.refusal is not None and outcome.refusal.code == "identity_conflict" and self._is_superseded(place):
            profile = msgspec.structs.replace(upsert.profile, who=_without_address(upsert.profile.who))
            return apply(msgspec.structs.replace(upsert, profile=profile), work, limits)
        return outcome

    def _is_superseded(self, place: int) -> bool:
        who = self.upserts[place].profile.who
        ours = _without_address(who)
        if who.email_key is None or ours == Who():
            return False
        rest = (upsert.profile.who for upsert in self.upserts[place + 1 :])
        return any(_without_address(one) == ours and one.email_key not in (None, who.email_key) for one in rest)


def _without_address(who: Who) -> Who:
    return Who(customer_id=who.customer_id, uuid=who.uuid, number=who.number)


def _keys(upsert: Upsert) -> list[tuple[str, object]]:
    who = upsert.profile.who
    named = (("email", who.email_key), ("customer_id", who.customer_id), ("uuid", who.uuid), ("number", who.number))
    return [key for key in named if key[1] is not None]
