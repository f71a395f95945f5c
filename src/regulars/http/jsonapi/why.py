"""Why: whether a customer matches a question, and what decides it."""

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions import why
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.subjects.fields import FIELDS
from regulars.audience.questions.subjects.mails import STATUSES
from regulars.audience.questions.subjects.states import STATES
from regulars.audience.questions.tree import Condition, FieldCondition, MailCondition, StateCondition
from regulars.domain.customer import Customer
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.money import decimal_text
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.places import customer_place, unknown_customer
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import ANY, MOMENT, YES_OR_NO, listed, or_null, record, such_as
from regulars.http.schema import TEXT as TEXT_SCHEMA
from regulars.store.reads import customers_by_number


async def show_why(call: Call, caller: Reader) -> Response:
    """Why a customer matches a question, or does not."""
    body = await studies.body_of(call, ())
    asked = studies.asked_of(body)
    site, number = customer_place(call.path("id"), caller)
    moments: list[Moment] = []

    def sets(moment: Moment) -> list[Predicate]:
        moments.append(moment)
        return why.sets_of(asked.node, number, moment)

    def work(index: SiteIndex, found: Sequence[BitMap]) -> why.Why | None:
        return why.explain(asked.node, index, found, moments[-1])

    customers: list[Customer] = []
    found: why.Why | None = await studies.study(
        call, site, asked, sets, work, also=lambda snapshot: _customer(snapshot, site, number, customers)
    )
    if found is None or not customers:
        raise unknown_customer()
    tree = [
        {
            "node": each.node,
            "verdict": each.holds,
            "condition": write_question(each.condition),
            "seen": seen(each.condition, customers[0]),
            "until": iso_or_none(each.until),
        }
        for each in found.verdicts
    ]
    return studies.shown(
        "explanations",
        {
            "in": found.holds,
            "as_of": iso(moments[-1].now),
            "tree": tree,
            "changes_at": iso_or_none(found.changes_at),
            "because": found.because,
        },
    )


async def _customer(snapshot: Any, site: int, number: int, into: list[Customer]) -> None:
    (found,) = await snapshot.read([customers_by_number(site, [number])])
    into += found


def seen(condition: Condition, customer: Customer) -> dict[str, Any] | None:
    """The value that a condition was judged by; None if it is judged by ties."""
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
        reply=studies.reply(
            "explanations",
            {
                "in": YES_OR_NO,
                "as_of": MOMENT,
                "tree": listed(
                    record(
                        {
                            "node": TEXT_SCHEMA,
                            "verdict": YES_OR_NO,
                            "condition": studies.QUESTION_SCHEMA,
                            "seen": or_null(record({"field": TEXT_SCHEMA, "value": ANY, "unset": YES_OR_NO})),
                            "until": or_null(MOMENT),
                        }
                    )
                ),
                "changes_at": or_null(MOMENT),
                "because": listed(such_as(TEXT_SCHEMA, "/all/0")),
            },
        ),
    ),
)
"""The operations of this module."""
