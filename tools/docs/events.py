"""Tables of events and relations, for docs/events.md."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from regulars.domain.events import EVENTS, REFERENCE_FIELDS, SPELLINGS, Event, Sets
from regulars.domain.mail import STATUSES
from regulars.domain.relations import KINDS, RELATIONS
from regulars.http.jsonapi.relationships import NAMES, methods
from tools.docs.markdown import code, codes, table

MAIL_FIELDS: Final = ("broadcast_id", "sequence_id", "template_id", "log_id", "message_id", "message")
"""The fields that docs/events.md calls the email fields."""


def _events() -> str:
    return table(
        ("event", "meaning", "requires", "optional", "changes"),
        [
            (code(each.name), each.meaning, codes(each.requires), _may_have(each), "; ".join(_changes(each)))
            for each in EVENTS.values()
        ],
    )


def _may_have(event: Event) -> str:
    found = event.references().union(event.optional, (when.field for when in event.conditional))
    found.update(SPELLINGS["revenue"] if event.revenue else ())
    listed = [code(field) for field in sorted(found.difference(event.requires, MAIL_FIELDS))]
    listed += ["the email fields"] if event.mail else []
    listed += ["the consent fields"] if event.consent else []
    return ", ".join(listed)


def _changes(event: Event) -> Iterator[str]:
    if event.profile:
        yield "the customer, like an upsert"
    if event.counts:
        yield f"`{event.counts}` + 1"
    if event.revenue > 0:
        yield "adds to `lifetime_revenue` and `net_revenue`"
    if event.revenue < 0:
        yield "subtracts from `net_revenue`"
    if moves := [*event.moves, *(["last_request_at"] if event.personal else [])]:
        yield f"updates {codes(moves)}"
    yield from _ties(event.sets)
    if event.mail:
        yield f"email status `{event.mail}`"
    if event.consent:
        yield "sets `subscribed`" if event.consent[0] else "clears `subscribed`"
    for when in event.conditional:
        value = "" if when.value is None else f" {code(str(when.value).lower())}"
        instead = " instead" if when.instead_of_consent else ""
        yield f"with {code(when.field)}{value}{instead}: {', '.join(_ties(when.sets))}"


def _ties(rules: Iterable[Sets]) -> Iterator[str]:
    for holds, word in ((True, "sets"), (False, "clears")):
        if names := dict.fromkeys(rule.relation for rule in rules if rule.holds is holds):
            yield f"{word} {codes(names)}"


def _relations() -> str:
    calls = {each.relation: f"{code(name)}: {', '.join(methods(each))}" for name, each in NAMES.items()}
    return table(
        ("relation", "code", "to", "at equal times", "calls of `/v1/customers/{id}/relationships/...`"),
        [
            (
                code(each.name),
                str(each.code),
                each.kind or "",
                "set wins" if each.restrictive else "not set wins",
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
