"""The report of a broadcast: customers by status and by hour, and the revenue after a click, of any question."""

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap
from starlette.responses import Response

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.index import SiteIndex
from regulars.audience.questions.broadcast_report import (
    MOST_HOURS,
    RATES,
    REVENUE,
    BroadcastReport,
    Reporting,
    revenue_node,
    share,
    status_node,
)
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.tree import All, Node
from regulars.domain.changes import SITE_CURRENCY, currency_code
from regulars.domain.moments import iso
from regulars.domain.money import decimal_text
from regulars.domain.objects import RelatedObject
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.expansion import Expansion
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.objects import asked, reference_in_path, unknown
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, NUMBER, TEXT, WHOLE, listed, one_of, or_null, record
from regulars.store.reads import find_object

TYPE: Final = "broadcast_reports"
HOURS: Final = "hours"
DAYS: Final = "revenue_days"
FIELDS: Final = (*RATES, REVENUE, HOURS)
SHOW: Final = QuerySpec(
    fields={TYPE: FIELDS}, filters=(SITE_ID,), asked=True, otherwise=studies.EVERYBODY, numbers={DAYS: (1, 365, 7)}
)
_KIND: Final = BY_KIND["broadcast"]


async def show(call: Call, caller: Reader) -> Response:
    """The report of one broadcast."""
    query, site = await asked(call, caller, _KIND, SHOW)
    reference = reference_in_path(call, _KIND)
    fields = query.fields.get(TYPE, frozenset(FIELDS))
    assert query.asked is not None
    question = query.asked.in_zone(caller.time_zone(site))
    zone_name, zone = question.zone(None)
    expansion = Expansion(site, [question])
    prepared: list[tuple[RelatedObject, Reporting]] = []
    moments: list[Moment] = []

    async def prepare(snapshot: Any) -> None:
        await expansion.read(snapshot)
        found = await find_object(snapshot.connection, site, _KIND.kind, reference)
        if found is None:
            raise unknown(_KIND)
        currency = (await snapshot.look(site, [SITE_CURRENCY])).numbers.get(SITE_CURRENCY, 0)
        days = query.numbers[DAYS]
        prepared.append((found, Reporting(found.number, days, zone, currency, HOURS in fields, REVENUE in fields)))

    def sets(moment: Moment) -> list[Predicate]:
        moments.append(moment)
        return prepared[-1][1].sets(expansion.nodes[0], moment)

    def work(index: SiteIndex, found: Sequence[BitMap]) -> BroadcastReport:
        return prepared[-1][1].report(index, found, moments[-1])

    report = await studies.study(call, site, question, sets, work, prepare=prepare)
    broadcast, reporting = prepared[-1]
    every = _figures(report, reporting, question.node)
    resource = {
        "type": TYPE,
        "id": _KIND.id_of(broadcast),
        "attributes": {name: every[name] for name in FIELDS if name in fields},
        "relationships": {"broadcast": {"data": {"type": _KIND.type, "id": _KIND.id_of(broadcast)}}},
    }
    meta = {"as_of": iso(moments[-1].now), "time_zone": zone_name}
    return document({"data": resource, "meta": meta}, warnings=query.warnings)


def _figures(report: BroadcastReport, reporting: Reporting, node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, count in report.customers.items():
        rate, of = report.rate(status)
        question = _within(node, status_node(status, reporting.broadcast))
        found[status] = {"customers": count, "rate": rate, "rate_of": of, "question": question}
    if report.purchases is not None:
        bought = report.purchases
        found[REVENUE] = {
            "customers": bought.customers,
            "rate": share(bought.customers, report.customers["clicked"]),
            "rate_of": "clicked",
            "question": _within(node, revenue_node(reporting.broadcast, reporting.days)),
            "amount": decimal_text(bought.cents),
            "currency": currency_code(reporting.currency),
            "purchases": bought.events,
            "days": reporting.days,
        }
    if report.hours is not None:
        found[HOURS] = {
            "rows": [
                {
                    "at": iso(hour.at),
                    **{status: hour.customers.get(status, 0) for status in RATES},
                    REVENUE: decimal_text(hour.cents),
                }
                for hour in report.hours
            ],
            "left_out": report.left_out,
        }
    return found


def _within(node: Node, part: Node) -> dict[str, Any]:
    return write_question(part if node == studies.EVERYBODY else All((node, part)))


_FIGURE: Final = {
    "customers": WHOLE,
    "rate": or_null(NUMBER),
    "rate_of": or_null(one_of(RATES)),
    "question": studies.QUESTION_SCHEMA,
}
_REVENUE: Final = {**_FIGURE, "amount": TEXT, "currency": or_null(TEXT), "purchases": WHOLE, "days": WHOLE}
_HOUR: Final = record({"at": MOMENT, **dict.fromkeys(RATES, WHOLE), REVENUE: TEXT})
_ATTRIBUTES: Final = {
    **{status: record(_FIGURE) for status in RATES},
    REVENUE: record(_REVENUE),
    HOURS: record({"rows": listed(_HOUR, MOST_HOURS), "left_out": WHOLE}),
}

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "broadcasts.report",
        "GET",
        f"/v1/{_KIND.type}/{{id}}/report",
        show,
        "Report on a broadcast",
        "Counts the customers of each status, of all or of the customers of a question. `question` selects the same "
        "customers. `revenue` is what customers purchased within `revenue_days` after one of their clicks. `hours` and "
        "`revenue` read the events the first time; leave them out with `fields[broadcast_reports]`.",
        query=SHOW,
        reply=record(
            {
                "data": record(
                    {"type": {"const": TYPE}, "id": TEXT, "attributes": record(_ATTRIBUTES, required=())},
                ),
                "meta": record({"as_of": MOMENT, "time_zone": TEXT}),
            }
        ),
    ),
)
"""The operations of this module."""
