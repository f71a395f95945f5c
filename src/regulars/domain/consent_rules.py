"""The effect of a report about consent or a newsletter, and what of it is kept back.

An end by the person counts more than what an operator or another system says; see `consent.Strength`.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from regulars.domain.consent import CAUSES, IMPORT, MANUAL, UNDATED, Consent, Moments, lifted_by
from regulars.domain.customer import Person
from regulars.domain.faults import Fault
from regulars.domain.latest_times import move_forward
from regulars.domain.newsletter_consents import NewsletterStatement, report_newsletter
from regulars.domain.profile import Profile
from regulars.domain.relations import BY_NAME, FLAG, ReportKind
from regulars.domain.working import WorkingSet

_SUBSCRIBED: Final = BY_NAME["subscribed"]
_PENDING: Final = BY_NAME["pending"]
NEWSLETTER_KEPT_BACK: Final = (
    "The customer unsubscribed from this newsletter; a later event `newsletter_subscribed` restores it."
)


def moments_of(person: Person, work: WorkingSet) -> Moments:
    """The summary of a customer's evidence."""
    number = person.customer.number
    moments = work.history.moments.get(number)
    if moments is None:
        moments = work.history.moments[number] = Moments()
        tie = person.ties.get((_SUBSCRIBED.code, FLAG))
        if tie is not None:  # there is no evidence of it: it counts as what the person said themself
            moments.note(Consent(number, tie.at, tie.holds, None, IMPORT))
    return moments


def record_consent(person: Person, work: WorkingSet, consent: Consent, report: ReportKind) -> bool:
    """Store a piece of evidence and update what depends on it; True if consent changed.

    A statement as of now comes after everything that contradicts it, even after evidence with a time in the future.
    """
    moments = moments_of(person, work)
    actor = work.origin.actor
    consent = msgspec.structs.replace(
        _in_its_place(consent, moments, report),
        customer=person.origin,
        received_at=work.now,
        channel=actor.channel,
        actor=actor.number,
    )
    moments.note(consent)
    move_forward(person, work, times_of(consent), consent.at)
    work.history.consents.append(consent)
    if person.has("pending") and consent.at >= person.ties[_PENDING.code, FLAG].at:
        work.ties.report(person, _PENDING, FLAG, False, work.now, ReportKind.IMMEDIATE)
    return work.ties.settle(person, _SUBSCRIBED, FLAG, moments.hold, moments.since)


def _in_its_place(consent: Consent, moments: Moments, report: ReportKind) -> Consent:
    latest = moments.latest
    if report is ReportKind.BACKDATED or latest is None or latest < consent.at or moments.hold == consent.granted:
        return consent
    return msgspec.structs.replace(consent, at=latest + 1)


def times_of(consent: Consent) -> list[str]:
    """The fields of a customer with the time of the last evidence of this kind."""
    if consent.granted:
        return ["subscribed_at"]
    special = None if consent.cause is None else CAUSES[consent.cause]
    return ["unsubscribed_at"] if special is None else ["unsubscribed_at", special]


def state_consent(
    person: Person, profile: Profile, work: WorkingSet, at: int, report: ReportKind, *, source: str
) -> tuple[bool, tuple[Fault, ...]]:
    """Apply what a profile says about consent. Returns whether that changed anything, and what was kept back.

    Dated reports are always stored as evidence, others only if they change something.
    """
    granted = not profile.unsubscribed
    if report is ReportKind.BELIEVED and not granted:
        report = ReportKind.ASSERTED  # an end is taken from everybody, as of now
    if source == IMPORT and report is ReportKind.BELIEVED:
        source = UNDATED
    cause = None if granted else profile.cause
    consent = Consent(person.customer.number, at, granted, cause, source, profile.wording, profile.proof)
    if report is ReportKind.BACKDATED:
        if source == IMPORT and not moments_of(person, work).copy().note(consent):
            changed = False
        else:
            record_consent(person, work, consent, report)
            changed = True
        is_kept_back = granted and not person.has("subscribed")
        return changed, (_kept_back(person, work),) if is_kept_back else ()
    if not _is_news(person, granted=granted, is_echo=profile.is_echo) and not _is_graver(person, work, consent):
        return False, ()
    if granted:
        moments = moments_of(person, work)
        if not moments.after(_in_its_place(consent, moments, report)).hold:
            return False, (_kept_back(person, work),)
    record_consent(person, work, consent, report)
    return True, ()


def _is_news(person: Person, *, granted: bool, is_echo: bool) -> bool:
    """Whether the caller's statement differs from the current state; never asked counts as neither, or as shown."""
    tie = person.ties.get((_SUBSCRIBED.code, FLAG))
    if tie is None:
        return granted or not is_echo
    return tie.holds != granted


def _is_graver(person: Person, work: WorkingSet, consent: Consent) -> bool:
    """Whether an end has a cause that takes more to lift than the end that stands."""
    if consent.granted or consent.cause == MANUAL:
        return False
    standing = moments_of(person, work).standing_end
    return standing is None or standing < lifted_by(consent.cause)


def _kept_back(person: Person, work: WorkingSet) -> Fault:
    return Fault("unsubscribed", moments_of(person, work).why_not())


def why_without_consent(person: Person, work: WorkingSet, field: str) -> tuple[Fault, ...]:
    """The warning for a grant that did not restore consent."""
    return () if person.has("subscribed") else (Fault(field, moments_of(person, work).why_not()),)


def restore_consents(
    person: Person, consents: Iterable[Consent], work: WorkingSet, *, is_new: bool
) -> tuple[bool, tuple[Fault, ...]]:
    """Apply the evidence in a file, oldest first. For a known customer, only what is later than the known evidence.

    A customer who is created now gets all of it, each once, also by several lines.
    """
    changed, last = False, None
    has_others = not is_new and work.people.is_new(person)
    for consent in consents:
        last = consent
        is_news = is_new or (has_others and not _is_there(consent, person, work))
        if is_news or moments_of(person, work).copy().note(consent):
            record_consent(person, work, consent, ReportKind.BACKDATED)
            changed = True
    if last is not None and last.granted and not person.has("subscribed"):
        return changed, (Fault("consents", moments_of(person, work).why_not()),)
    return changed, ()


def _is_there(consent: Consent, person: Person, work: WorkingSet) -> bool:
    said = (consent.at, consent.granted, consent.cause, consent.source, consent.wording, consent.proof)
    return any(
        said == (each.at, each.granted, each.cause, each.source, each.wording, each.proof)
        for each in work.history.consents.of(person.customer.number)
    )


def state_newsletters(
    person: Person, profile: Profile, work: WorkingSet, at: int, report: ReportKind, *, source: str
) -> tuple[bool, tuple[Fault, ...]]:
    """Apply what a profile says about newsletters. Returns whether that changed anything, and what was kept back."""
    changed = False
    kept_back = []
    statement = NewsletterStatement(person.customer.number, source, profile.cause, profile.wording, profile.proof)
    for reference, subscribed in profile.newsletters:
        number = work.objects.refer("newsletter", reference, work.now)
        kind = ReportKind.ASSERTED if report is ReportKind.BELIEVED and not subscribed else report
        changed |= report_newsletter(person, work, number, subscribed, at, kind, statement)
        if subscribed and not person.has("newsletter.subscribed", number):
            kept_back.append(Fault("subscription_groups", f"{reference}: {NEWSLETTER_KEPT_BACK}"))
    return changed, tuple(kept_back)
