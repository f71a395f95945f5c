"""The calls on payouts. Nobody is paid out here, so the list is empty: clients that look for payouts find none."""

from typing import Any, Final

from starlette.responses import Response

from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import paging, schemas
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.event_lists import END, START, bounds_of
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation

TYPE: Final = "kajabi_payments_payouts"
STATUS: Final = "status"
STATUSES: Final = ("pending", "in_transit", "paid", "failed", "canceled")
ATTRIBUTES: Final = (STATUS, "amount", "currency", "initiated_date", "estimated_arrival_date", "bank_account")
INDEX: Final = QuerySpec(fields={TYPE: ATTRIBUTES}, filters=(STATUS, START, END, SITE_ID), paged=True)
SHOW: Final = QuerySpec(fields={TYPE: ATTRIBUTES}, filters=(SITE_ID,))


async def index(call: Call, caller: Reader) -> Response:
    """No payouts."""
    query = INDEX.of(call)
    asked_site(query.filters, caller)
    bounds_of(query)
    for name, value in query.filters:
        if name == STATUS and value not in STATUSES:
            raise ParameterProblem(f"filter[{STATUS}]", f"filter[{STATUS}] must be one of {', '.join(STATUSES)}.")
    home = origin(call.scope, call.services.settings.trusted_proxies)
    links = paging.links(f"{home}/v1/{TYPE}", call.scope["query_string"], query.page, 0)
    shown: dict[str, Any] = {"data": [], "links": links, "meta": paging.meta(query.page, 0)}
    return document(shown, warnings=query.warnings)


async def show(call: Call, caller: Reader) -> Response:
    """There is no payout."""
    asked_site(SHOW.of(call).filters, caller)
    raise Problem("object_not_found", "No payout has this id.")


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "payouts.index",
        "GET",
        f"/v1/{TYPE}",
        index,
        "List payouts",
        "Always empty, because payments are not made here.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "payouts.show",
        "GET",
        f"/v1/{TYPE}/{{id}}",
        show,
        "Get a payout",
        "Always 404, because payments are not made here.",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
)
"""The operations on payouts."""
