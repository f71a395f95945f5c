"""Double opt-in: a customer is asked for consent and confirms it by a link.

A request is open until it is confirmed, it expires, or the consent it asks for changes in another way. While one about
marketing email is open, the customer has the flag `pending`.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from regulars.domain.consent import Consent
from regulars.domain.consent_rules import moments_of, record_consent
from regulars.domain.customer import Person
from regulars.domain.faults import Fault
from regulars.domain.moments import DAY
from regulars.domain.newsletter_consents import SUBSCRIBED, NewsletterStatement, report_newsletter
from regulars.domain.relations import BY_NAME, FLAG, ReportKind
from regulars.domain.restored import LATEST_TIMES, PROFILE_FIELDS
from regulars.domain.working import WorkingSet
from regulars.domain.working.consent_requests import MARKETING, ConsentRequest

DOUBLE_OPT_IN: Final = "double_opt_in"
"""The source of consent that was confirmed by a link."""

DEFAULT_SECONDS: Final = 7 * 86_400
LONGEST_SECONDS: Final = 30 * 86_400
SHORTEST_SECONDS: Final = 60

UNKNOWN: Final = Fault("unknown", "This link is not valid.")
EXPIRED: Final = Fault("expired", "This link has expired.")
ENDED: Final = Fault("ended", "The consent was withdrawn after this link was sent.")
"""Why a link does not confirm anything."""

_SIGN_UP: Final = DAY
"""How long before the first request a customer may have been created to be nothing but a sign-up (ms)."""

_PENDING: Final = BY_NAME["pending"]
_LIFTED: Final = tuple(BY_NAME[name] for name in ("spam_reported", "suppressed"))
"""Flags that consent with proof takes away, as the event `subscribed` does."""


def open_request(person: Person, work: WorkingSet, request: ConsentRequest) -> None:
    """Store a request. The customer is pending unless the consent is there already."""
    work.consent_requests.add(request)
    if request.newsletter == MARKETING and not person.has("subscribed"):
        work.ties.report(person, _PENDING, FLAG, True, work.now, ReportKind.IMMEDIATE)


def confirm_request(person: Person, work: WorkingSet, request: ConsentRequest, proof: str) -> Fault | None:
    """Give the consent that a request asked for, or say why not. A repeat changes nothing while the consent holds."""
    holds = _holds(person, request)
    if request.confirmed_at is not None:
        return None if holds else ENDED
    if _ended_since(person, work, request):
        return ENDED
    if work.now > request.expires_at:
        return EXPIRED
    if request.newsletter == MARKETING:
        wording = request.wording
        consent = Consent(person.origin, work.now, True, None, DOUBLE_OPT_IN, wording, proof)
        record_consent(person, work, consent, ReportKind.IMMEDIATE)
        for flag in _LIFTED:
            if person.has(flag.name):
                work.ties.report(person, flag, FLAG, False, work.now, ReportKind.IMMEDIATE)
    else:
        statement = NewsletterStatement(person.origin, DOUBLE_OPT_IN, None, request.wording, proof)
        report_newsletter(person, work, request.newsletter, True, work.now, ReportKind.IMMEDIATE, statement)
    work.consent_requests.change(replace(request, confirmed_at=work.now, open_until=None))
    return None


def expire_request(person: Person | None, work: WorkingSet, request: ConsentRequest) -> None:
    """Close a request that nobody confirmed in time. The customer stays pending if there is a newer one."""
    work.consent_requests.change(replace(request, open_until=None))
    if person is None or request.newsletter != MARKETING:
        return
    tie = person.ties.get((_PENDING.code, FLAG))
    if tie is not None and tie.holds and tie.at <= request.at:
        work.ties.report(person, _PENDING, FLAG, False, work.now, ReportKind.IMMEDIATE)


def _holds(person: Person, request: ConsentRequest) -> bool:
    if request.newsletter == MARKETING:
        return person.has("subscribed")
    return person.has(SUBSCRIBED.name, request.newsletter)


def _ended_since(person: Person, work: WorkingSet, request: ConsentRequest) -> bool:
    """Whether the consent ended after it was asked for."""
    if request.newsletter == MARKETING:
        return max(moments_of(person, work).ended.values(), default=request.at) > request.at
    tie = person.ties.get((SUBSCRIBED.code, request.newsletter))
    return tie is not None and not tie.holds and tie.at > request.at


_OF_A_FORM: Final = frozenset({"name", "firstname", "lastname", "locale"})
"""What somebody who signs up says beside the address."""

_MORE: Final = (
    *("customer_id", "attributes", "merged_into", "ignored_events"),
    *(name for name in PROFILE_FIELDS if name not in _OF_A_FORM),
    *LATEST_TIMES,
)
"""The fields that say more of a customer than a sign-up does."""


def is_nothing_but(person: Person, work: WorkingSet, requests: Sequence[ConsentRequest]) -> bool:
    """Whether nothing is kept of a customer but these requests, and what somebody who signs up says.

    So it was created for the first of them, and there is no tie, event, email, note or evidence. Needs its traces.
    """
    customer, traces = person.customer, work.history.traces.get(person.customer.number)
    if traces is None or not requests or traces.requests != len(requests):
        return False
    first = min(request.at for request in requests)
    return (
        customer.created_at >= first - _SIGN_UP
        and not any(getattr(customer, name) for name in _MORE)
        and not any(tie.holds for tie in person.ties.values())
        and not (traces.last_consent or traces.hidden_ties or traces.has_history or traces.has_newsletter_evidence)
    )
