"""Why: whether a customer matches a question, and what decides it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions import why
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.selecting import mentions_hidden
from regulars.audience.questions.subjects.attributes import path_text
from regulars.audience.questions.subjects.fields import FIELDS
from regulars.audience.questions.subjects.mails import STATUSES
from regulars.audience.questions.subjects.states import STATES
from regulars.audience.questions.tree import (
    AttributeCondition,
    Condition,
    FieldCondition,
    MailCondition,
    Members,
    StateCondition,
)
from regulars.audience.structures.attribute_values import value_at
from regulars.domain.changes import Name
from regulars.domain.customer import Customer
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.money import decimal_text
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.asked_question import AskedQuestion
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.places import customer_place, unknown_customer
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import ANY, MOMENT, YES_OR_NO, listed, or_null, record, such_as
from regulars.http.schema import TEXT as TEXT_SCHEMA
from regulars.store.engine import Connection
from regulars.store.evidence import consents_of, events_at
from regulars.store.query import read_all
from regulars.store.reads import customers_by_number, number_after_merges

Find = Callable[[Connection], Awaitable[Customer | None]]
"""Finds the customer to explain."""


async def show_why(call: Call, caller: Reader) -> Response:
    """Why a customer matches a question, or does not."""
    body = await studies.body_of(call, ())
    site, number = customer_place(call.path("id"), caller)
    asked = studies.asked_of(body, caller.time_zone(site))
    return studies.shown("explanations", await explanation(call, site, asked, by_number(site, number)))


def by_number(site: int, number: int) -> Find:
    """Finds a customer by its number."""

    async def find(connection: Connection) -> Customer | None:
        whole = await number_after_merges(connection, site, number)
        (found,) = await read_all(connection, [customers_by_number(site, [number if whole is None else whole])])
        return found[0] if found else None

    return find


async def explanation(call: Call, site: int, asked: AskedQuestion, find: Find) -> dict[str, Any]:
    """Why a customer matches a question, or does not; all as of one moment. Raises Problem for an unknown customer."""
    expansion = Expansion(site, [asked])
    moments: list[Moment] = []
    customers: list[Customer] = []
    numbers: dict[Name, int] = {}

    def sets_now() -> list[Predicate]:
        return why.sets_of(whole(), customers[-1].number, Moment(call.services.clock()))

    async def prepare(snapshot: Any) -> None:
        await expansion.read(snapshot)
        found = await find(snapshot.connection)
        if found is None:
            raise unknown_customer()
        customers.append(found)
        numbers.update(await why.numbers_of(snapshot, site, sets_now()))

    def whole() -> Members:
        (node,) = expansion.nodes
        return node if isinstance(node, Members) else Members(node, mentions_hidden(node))

    def sets(moment: Moment) -> list[Predicate]:
        moments.append(moment)
        return why.sets_of(whole(), customers[-1].number, moment)

    def work(index: SiteIndex, found: Sequence[BitMap]) -> why.Why | None:
        return why.explain(whole(), index, found, moments[-1], numbers)

    found: why.Why | None = await studies.study(call, site, asked, sets, work, prepare=prepare)
    if found is None:
        raise unknown_customer()
    evidence = await _evidence(call, site, found.verdicts, customers[-1].number)
    tree = [
        {
            "node": each.node.removeprefix(_ROOT),
            "verdict": each.holds,
            "condition": write_question(each.condition),
            "seen": seen(each, customers[-1]),
            "evidence": evidence[place],
            "until": iso_or_none(each.until),
        }
        for place, each in enumerate(found.verdicts)
    ]
    return {
        "in": found.holds,
        "as_of": iso(moments[-1].now),
        "tree": tree,
        "changes_at": iso_or_none(found.changes_at),
        "because": [each.removeprefix(_ROOT) for each in found.because],
    }


_ROOT: Final = f"/{why.IN}"
"""The explained question is taken as that of an audience, whose pointers begin so."""


def seen(verdict: why.Verdict, customer: Customer) -> dict[str, Any] | None:
    """The value that a condition was judged by; None if it is judged by ties without times, or by other fields."""
    condition, observation = verdict.condition, verdict.seen
    if observation is not None:
        return {"field": observation.field, "value": observation.value, "unset": observation.value is None}
    if isinstance(condition, AttributeCondition):
        value = value_at(msgspec.json.decode(customer.attributes or "{}"), condition.path)
        return {"field": path_text(condition.path), "value": value, "unset": value is None}
    column: str | None = None
    if isinstance(condition, FieldCondition):
        column = condition.field
    elif isinstance(condition, MailCondition) and not condition.broadcasts:
        column = STATUSES[condition.status].latest
    elif isinstance(condition, StateCondition):
        column = STATES[condition.state].since
    if column is None or column == "uuid":
        return None
    value = getattr(customer, column)
    if column not in FIELDS or value is None:
        return {"field": column, "value": None, "unset": True}
    shown = iso(value) if column.endswith("_at") else decimal_text(value) if column == "net_revenue" else value
    return {"field": column, "value": shown, "unset": False}


async def _evidence(
    call: Call, site: int, verdicts: Sequence[why.Verdict], customer: int
) -> list[dict[str, Any] | None]:
    """For each condition the event or statement that it rests on, if there is one."""
    times = [each.seen.at for each in verdicts if each.seen is not None and each.seen.at is not None]
    asks_consent = any(_is_consent(each.condition) for each in verdicts)
    if not times and not asks_consent:
        return [None] * len(verdicts)
    async with call.services.store.snapshot() as connection:
        events = await events_at(connection, site, customer, times)
        consents = await consents_of(connection, site, customer) if asks_consent else []
    shown: list[dict[str, Any] | None] = []
    for verdict in verdicts:
        found: tuple[int, str, bytes | None] | None = None
        if (observation := verdict.seen) is not None:
            every = [each for each in events if each.at == observation.at and each.name in observation.events]
            found = (every[-1].at, every[-1].name, every[-1].uuid) if every else None
        elif _is_consent(verdict.condition) and consents:
            latest = max(consents, key=lambda each: each.at)
            found = latest.at, latest.source, None
        shown.append(None if found is None else _shown_evidence(*found))
    return shown


def _is_consent(condition: Condition) -> bool:
    return isinstance(condition, StateCondition) and condition.state in ("subscribed", "never_subscribed")


def _shown_evidence(at: int, source: str, uuid: bytes | None) -> dict[str, Any]:
    return {"event_uuid": None if uuid is None else str(UUID(bytes=uuid)), "at": iso(at), "source": source}


EXPLANATION: Final = {
    "in": YES_OR_NO,
    "as_of": MOMENT,
    "tree": listed(
        record(
            {
                "node": TEXT_SCHEMA,
                "verdict": YES_OR_NO,
                "condition": studies.QUESTION_SCHEMA,
                "seen": or_null(record({"field": TEXT_SCHEMA, "value": ANY, "unset": YES_OR_NO})),
                "evidence": or_null(record({"event_uuid": or_null(TEXT_SCHEMA), "at": MOMENT, "source": TEXT_SCHEMA})),
                "until": or_null(MOMENT),
            }
        )
    ),
    "changes_at": or_null(MOMENT),
    "because": listed(such_as(TEXT_SCHEMA, "/all/0")),
}

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.why",
        "POST",
        "/v1/customers/{id}/why",
        show_why,
        "Explain why a customer matches",
        "`until` is when the clock alone flips a condition, `changes_at` when it changes the whole. `because` is the "
        "smallest set of conditions that decides it.",
        body=studies.takes({}, {"q": "tag:vip and opened in last 30d"}),
        reply=studies.reply("explanations", EXPLANATION),
    ),
)
"""The operations of this module."""
