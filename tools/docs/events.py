"""What can happen to a customer, and what it changes: for docs/events.md."""

from collections.abc import Callable, Iterator
from typing import Final

from regulars.domain.events import EVENTS, REFERENCE_FIELDS, Event
from regulars.domain.mail import STATUSES
from regulars.domain.relations import KINDS, RELATIONS
from regulars.http.jsonapi.relationships import NAMES, methods
from tools.docs.markdown import code, codes, table

MAIL_FIELDS: Final = ("broadcast_id", "sequence_id", "template_id", "log_id", "message_id", "message")
"""What the page calls the fields of a mail."""

MORE_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "purchase": ("order_id", "product_ids"),
    "refund": ("order_id",),
    "email_bounced": ("bounce_type",),
    "email_unsubscribed": ("newsletter_id",),
    "unsubscribed": ("cause",),
    "assessment_completed": ("passed",),
}
"""Fields that the code of one event reads, beside those that its line in the catalogue implies."""

ALSO: Final[dict[str, str]] = {
    "identify": "the customer, as an upsert",
    "email_bounced": "moves `bounced_at`; if `bounce_type` is `hard`, ties `hard_bouncing`",
    "email_unsubscribed": "or, with `newsletter_id`, ties `newsletter.unsubscribed` and unties `newsletter.subscribed`",
    "assessment_completed": "with `passed`, ties `assessment.passed` or `assessment.failed` and unties the other",
}
"""What events change beyond their line in the catalogue."""


def _events() -> str:
    return table(
        ("event", "meaning", "needs", "may have", "changes"),
        [
            (code(each.name), each.meaning, codes(each.requires), _may_have(each), "; ".join(_changes(each)))
            for each in EVENTS.values()
        ],
    )


def _may_have(event: Event) -> str:
    found = {rule.field for rule in event.sets if rule.field}.union(MORE_FIELDS.get(event.name, ()))
    found.update(("revenue", "amount") if event.revenue else ())
    listed = [code(field) for field in sorted(found.difference(event.requires, MAIL_FIELDS))]
    listed += ["those of a mail"] if event.mail else []
    listed += ["those of a consent"] if event.consent else []
    return ", ".join(listed)


def _changes(event: Event) -> Iterator[str]:
    if event.counts:
        yield f"`{event.counts}` + 1"
    if event.revenue > 0:
        yield "adds to `lifetime_revenue` and `net_revenue`"
    if event.revenue < 0:
        yield "takes from `net_revenue`"
    if moves := [*event.moves, *(["last_request_at"] if event.personal else [])]:
        yield f"moves {codes(moves)}"
    for holds, word in ((True, "ties"), (False, "unties")):
        if names := dict.fromkeys(rule.relation for rule in event.sets if rule.holds is holds):
            yield f"{word} {codes(names)}"
    if event.mail:
        yield f"mail status `{event.mail}`"
    if event.consent:
        yield "ties `subscribed`" if event.consent[0] else "unties `subscribed`"
    if event.name in ALSO:
        yield ALSO[event.name]


def _relations() -> str:
    calls = {each.relation: f"{code(name)}: {', '.join(methods(each))}" for name, each in NAMES.items()}
    return table(
        ("relation", "code", "to", "at equal times", "calls of `/v1/customers/{id}/relationships/...`"),
        [
            (
                code(each.name),
                str(each.code),
                each.kind or "",
                "tied wins" if each.restrictive else "untied wins",
                calls.get(each.name, ""),
            )
            for each in RELATIONS
        ],
    )


def _references() -> str:
    return table(
        ("kind", "code", "named by"),
        [
            (kind, str(number), codes(field for field, named in REFERENCE_FIELDS.items() if named == kind))
            for number, kind in enumerate(KINDS, 1)
        ],
    )


def _statuses() -> str:
    return table(("code", "status"), [(str(number), code(status)) for number, status in enumerate(STATUSES)])


PARTS: Final[dict[str, Callable[[], str]]] = {
    "events": _events,
    "relations": _relations,
    "kinds": _references,
    "mail-statuses": _statuses,
}
