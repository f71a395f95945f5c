"""Forgotten customers: no email reaches them, and what they do is counted and not kept.

Blueshift calls it forget and unforget. Consent stays as it was, so unforget needs to restore nothing.
"""

from typing import Final

from regulars.domain.activity import Activity
from regulars.domain.customer import Person
from regulars.domain.profile_change_rules import note_profile_change
from regulars.domain.relations import BY_NAME, FLAG, ReportKind
from regulars.domain.working import WorkingSet

FORGOTTEN: Final = BY_NAME["forgotten"]
_KEEP_OUT: Final = frozenset({"suppressed", "hard_bouncing", "spam_reported", "newsletter.unsubscribed"})
"""Relations that keep email back while they hold."""


def set_forgotten(person: Person, work: WorkingSet, *, holds: bool) -> bool:
    """Forget a customer, or end that; True if it changed anything."""
    if person.has(FORGOTTEN.name) == holds:
        return False
    noted = len(work.ties.noted)
    work.ties.report(person, FORGOTTEN, FLAG, holds, work.now, ReportKind.IMMEDIATE)
    note_profile_change(person, work, [], noted)
    return True


def is_ignored(activity: Activity, person: Person) -> bool:
    """Whether an activity is of somebody forgotten. What keeps email back is taken: it must count afterwards, too."""
    if not person.has(FORGOTTEN.name):
        return False
    ends_consent = activity.consent is not None and not activity.consent[0]
    return not ends_consent and not any(rule.holds and rule.relation in _KEEP_OUT for rule in activity.rules())


def count_ignored_event(person: Person, work: WorkingSet) -> None:
    """Count an activity that is not kept."""
    customer = work.people.touch(person)
    customer.ignored_events = (customer.ignored_events or 0) + 1
