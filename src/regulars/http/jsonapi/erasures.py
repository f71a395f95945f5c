"""Erasures: everything about a person is erased, and what names the person later is kept nowhere."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.commands import EraseCustomer
from regulars.domain.faults import Fault
from regulars.domain.identity import Who
from regulars.domain.moments import iso
from regulars.domain.text import composed, fold
from regulars.http.call import Call
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.customer_activity import ORIGIN, origin_of
from regulars.http.jsonapi.feeds import SINCE, UNTIL, Feed, reply
from regulars.http.jsonapi.places import SITE_ID, asked_site, customer_place, unknown_customer
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import AdminKey, Writer
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, WHOLE, Schema, or_null, record, such_as
from regulars.store.erasing import read_erasures
from regulars.store.query import read
from regulars.store.reads import lines_by_number

TYPE: Final = "erasures"
LONGEST_REASON: Final = 200
FIELDS: Final = ("at", "reason", "customers", "channel", "actor")
SPEC: Final = QuerySpec(fields={TYPE: FIELDS}, filters=(SITE_ID, SINCE, UNTIL), feed=True)


async def erase(call: Call, caller: Writer) -> Response:
    """Erase a customer."""
    site, number = customer_place(call.path("id"), caller)
    body = await call.json_object()
    studies.allow(body, ("confirm", "reason"))
    confirm, reason = body.get("confirm"), body.get("reason")
    if reason is not None and (not isinstance(reason, str) or not 0 < len(reason.strip()) <= LONGEST_REASON):
        raise refused([Fault("reason", f"must be text of at most {LONGEST_REASON} characters, or left out")])
    async with call.services.store.snapshot() as connection:
        found = await read(connection, lines_by_number(site, [number]))
    if not found:
        raise unknown_customer()
    names = {fold(each) for each in (found[0].email, found[0].customer_id) if each is not None}
    if "admin" not in caller.key.scopes and (not isinstance(confirm, str) or fold(composed(confirm)) not in names):
        raise refused(
            [Fault("confirm", "must be the email address or customer_id of the customer, or use an admin key")]
        )
    outcome = await call.submit(site, EraseCustomer(Who(number=number), reason))
    if outcome.person is None:
        raise unknown_customer()
    return studies.shown(TYPE, {"erased": True, "reason": reason})


async def index(call: Call, caller: AdminKey) -> Response:
    """A page of the erasures of a site."""
    query = SPEC.of(call)
    site = asked_site([each for each in query.filters if each[0] == SITE_ID], caller)
    feed = Feed(call, "/v1/erasures", query)
    stretch = feed.stretch()
    if site is None:
        return feed.answer([], None)
    async with call.services.store.snapshot() as connection:
        rows, following = await read_erasures(connection, site, stretch)
    fields = query.fields.get(TYPE)
    data: list[dict[str, Any]] = []
    for at, position, reason, channel, actor, customers in rows:
        shown = {"at": iso(at), "reason": reason, "customers": customers, **origin_of(channel, actor)}
        attributes = {name: value for name, value in shown.items() if fields is None or name in fields}
        data.append({"id": f"{at}-{position}", "type": TYPE, "attributes": attributes})
    return feed.answer(data, following)


_ATTRIBUTES: Final[dict[str, Schema]] = {
    "at": MOMENT,
    "reason": or_null(such_as(TEXT, "Article 17 GDPR")),
    "customers": WHOLE,
    **ORIGIN,
}

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.erase",
        "POST",
        "/v1/customers/{id}/erase",
        erase,
        "Erase a customer",
        "Erases the customer with ties, history, evidence, emails and pending emails, and ignores what names the "
        "person from then on. A key without the scope `admin` must send the address or customer_id as `confirm`.",
        body=record(
            {"confirm": such_as(TEXT, "anna@example.com"), "reason": such_as(TEXT, "Article 17 GDPR")},
            required=(),
            additionalProperties=False,
        ),
        reply=studies.reply(TYPE, {"erased": {"const": True}, "reason": or_null(TEXT)}),
    ),
    Operation(
        JSONAPI,
        "erasures.index",
        "GET",
        "/v1/erasures",
        index,
        "List erasures",
        "When somebody was erased, why and by whom, but not who. Newest first. Needs the scope `admin`.",
        query=SPEC,
        reply=reply(TYPE, _ATTRIBUTES),
    ),
)
"""The operations on erasures."""
