"""What a command changed of a customer's profile, noted for the customer's history."""

from collections.abc import Mapping, Sequence
from typing import Any

from regulars.domain.customer import Person
from regulars.domain.origin import Channel
from regulars.domain.profile_changes import ATTRIBUTES, ProfileChange, ProfileTie, changed_attributes
from regulars.domain.relations import BY_NAME
from regulars.domain.restored import PROFILE_FIELDS
from regulars.domain.working import WorkingSet

_FIELDS = frozenset({*PROFILE_FIELDS, "email", "customer_id", ATTRIBUTES})
_TOLD_ELSEWHERE = frozenset(
    BY_NAME[name].code
    for name in ("subscribed", "pending", "newsletter.unsubscribed", "hard_bouncing", "spam_reported")
)
"""Relations that follow from something that is recorded elsewhere: evidence of consent, events of emails."""


def note_profile_change(
    person: Person,
    work: WorkingSet,
    fields: Sequence[str],
    noted: int,
    *,
    before: str | None = None,
    patch: Mapping[str, Any] | None = None,
    is_new: bool = False,
) -> None:
    """Note which fields and ties a command changed, if any.

    fields: the columns. noted: the number of changes of ties that were noted before. before: the attributes as they
    were. patch: what was sent of attributes, None if anything may have changed.
    """
    ties: tuple[ProfileTie, ...] = ()
    if len(work.ties.noted) > noted:
        ties = _ties(person.customer.number, work, noted)
    if not (fields or ties or is_new):
        return
    actor = work.origin.actor
    if is_new and actor.channel == Channel.IMPORT:
        return  # the record of the import tells it, of a million customers at once
    fields = [name for name in fields if name in _FIELDS]
    names = tuple(fields)
    if ATTRIBUTES in fields:
        names = tuple([name for name in fields if name != ATTRIBUTES])
        names += changed_attributes(before, person.customer.attributes, patch)
    if names or ties or is_new:
        change = ProfileChange(person.customer.number, is_new, names, ties, actor.channel, actor.number)
        work.history.profile_changes.append(change)
        known = work.changed_fields.get(work.origin)
        work.changed_fields[work.origin] = fields if known is None else [*known, *fields]


def _ties(number: int, work: WorkingSet, noted: int) -> tuple[ProfileTie, ...]:
    return tuple(
        [
            ProfileTie(code, item, holds)
            for (customer, code, item), holds in work.ties.noted[noted:]
            if customer == number and code not in _TOLD_ELSEWHERE
        ]
    )
