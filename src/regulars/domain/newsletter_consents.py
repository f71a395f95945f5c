"""Newsletters: what a report of a subscription changes, and the evidence that it leaves.

The state follows from the evidence: the latest report counts, and of two with the same time the one that ends the
subscription. A report that a file gives without a time is older than every other one.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from regulars.domain.consent import API, IMPORT, UNDATED
from regulars.domain.customer import Person
from regulars.domain.relations import BY_NAME, Relation, ReportKind
from regulars.domain.working import WorkingSet
from regulars.domain.working.history import NewsletterConsent

SUBSCRIBED: Final = BY_NAME["newsletter.subscribed"]
UNSUBSCRIBED: Final = BY_NAME["newsletter.unsubscribed"]


class NewsletterStatement(Struct, frozen=True):
    """What is known of a report beside its time: the fields are those of `NewsletterConsent`."""

    customer: int
    source: str = API
    cause: str | None = None
    wording: str | None = None
    proof: str | None = None


def report_newsletter(
    person: Person,
    work: WorkingSet,
    newsletter: int,
    subscribed: bool,
    at: int,
    report: ReportKind,
    statement: NewsletterStatement,
) -> bool:
    """Report that a customer subscribed to a newsletter or left it; True if that changed something.

    Dated reports always leave evidence, except those of a file that change nothing: a file may be imported again.
    Others leave evidence if they change the state or its time.
    """
    key = (SUBSCRIBED.code, newsletter)
    before = person.ties.get(key), person.ties.get((UNSUBSCRIBED.code, newsletter))
    changed = work.ties.report(person, SUBSCRIBED, newsletter, subscribed, at, report)
    changed |= work.ties.report(person, UNSUBSCRIBED, newsletter, not subscribed, at, report)
    after = person.ties[key], person.ties[UNSUBSCRIBED.code, newsletter]
    is_dated = report is ReportKind.BACKDATED
    if after[0] is not before[0] or after[1] is not before[1]:
        moment = at if is_dated or report is ReportKind.BELIEVED else after[0].at
        leave_evidence(person, work, newsletter, subscribed, moment, report, statement)
    elif is_dated and statement.source != IMPORT:
        leave_evidence(person, work, newsletter, subscribed, at, report, statement)
    return changed


def report_absence(person: Person, work: WorkingSet, newsletter: int) -> None:
    """Report as of now that a customer who is not subscribed shall not be: no older report changes that."""
    key = (SUBSCRIBED.code, newsletter)
    before = person.ties.get(key)
    work.ties.report(person, SUBSCRIBED, newsletter, False, work.now, ReportKind.IMMEDIATE)
    after = person.ties[key]
    if after is not before:
        statement = NewsletterStatement(person.customer.number)
        leave_evidence(person, work, newsletter, False, after.at, ReportKind.IMMEDIATE, statement)


def leave_evidence(
    person: Person,
    work: WorkingSet,
    newsletter: int,
    subscribed: bool,
    at: int,
    report: ReportKind,
    statement: NewsletterStatement,
) -> None:
    """Add evidence of a report that was applied. at: the time for which it counts (ms)."""
    source = UNDATED if report is ReportKind.BELIEVED else statement.source
    actor = work.origin.actor
    work.history.newsletter_consents.append(
        NewsletterConsent(
            customer=statement.customer,
            newsletter=newsletter,
            at=at,
            granted=subscribed,
            cause=None if subscribed else statement.cause,
            source=source,
            wording=statement.wording,
            proof=statement.proof,
            received_at=work.now,
            channel=actor.channel,
            actor=actor.number,
        )
    )


def restore_evidence(person: Person, work: WorkingSet, relation: Relation, newsletter: int) -> None:
    """Leave the evidence of a tie that a file restored. A tie that says what the other one says leaves none."""
    tie = person.ties[relation.code, newsletter]
    subscribed = tie.holds if relation is SUBSCRIBED else not tie.holds
    if tie.holds or relation is SUBSCRIBED:
        statement = NewsletterStatement(person.customer.number, IMPORT)
        leave_evidence(person, work, newsletter, subscribed, tie.at, ReportKind.BACKDATED, statement)


def restore_report(
    person: Person, work: WorkingSet, newsletter: int, subscribed: bool, at: int, statement: NewsletterStatement
) -> bool:
    """Report what evidence in a file says; True if that changed something.

    A customer who is created now gets all of it, each once. Others get what changes their state, as with any dated
    report of a file.
    """
    report = ReportKind.BELIEVED if statement.source == UNDATED else ReportKind.BACKDATED
    places = (SUBSCRIBED.code, newsletter), (UNSUBSCRIBED.code, newsletter)
    before = [person.ties.get(place) for place in places]
    work.ties.report(person, SUBSCRIBED, newsletter, subscribed, at, report)
    work.ties.report(person, UNSUBSCRIBED, newsletter, not subscribed, at, report)
    is_news = any(person.ties[place] is not known for place, known in zip(places, before, strict=True))
    if work.people.is_new(person) and not is_news:
        said = (newsletter, at, subscribed, statement.source, statement.wording, statement.proof)
        is_news = said not in {
            (each.newsletter, each.at, each.granted, each.source, each.wording, each.proof)
            for each in work.history.newsletter_consents.of(statement.customer)
        }
    if is_news:
        leave_evidence(person, work, newsletter, subscribed, at, report, statement)
    return is_news


def replay(evidence: Iterable[NewsletterConsent]) -> Mapping[int, bool]:
    """Whether somebody is subscribed, by newsletter, as the evidence says; of newsletters that it is about."""
    latest: dict[int, tuple[int, bool]] = {}
    for each in evidence:
        place = (0 if each.source == UNDATED else each.at, not each.granted)
        latest[each.newsletter] = max(place, latest.get(each.newsletter, place))
    return {newsletter: not ended for newsletter, (_, ended) in latest.items()}
