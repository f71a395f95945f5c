"""Erasures: everything about a person is erased, and what names the person later is kept nowhere."""

from collections.abc import Collection
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.address_rules import identifiers_of
from regulars.domain.commands import EraseCustomer
from regulars.domain.faults import Fault
from regulars.domain.identity import SITE_SHIFT, Who, address_key
from regulars.domain.profile import parse_who
from regulars.domain.text import composed, fold, whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi import studies
from regulars.http.jsonapi.bodies import refused
from regulars.http.jsonapi.customer_activity import ORIGIN, origin_of
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.feeds import SINCE, UNTIL, Feed, reply
from regulars.http.jsonapi.places import SITE_ID, asked_site, customer_place, unknown_customer
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import AdminKey, Writer
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, WHOLE, YES_OR_NO, Schema, listed, one_of, or_null, record, such_as
from regulars.store import control
from regulars.store.erasing import ErasureRecord, find_erasure, read_erasures
from regulars.store.erasure_certificates import certificate, erasure_id, newest_about
from regulars.store.query import read
from regulars.store.reads import lines_by_number

TYPE: Final = "erasures"
LONGEST_REASON: Final = 200
FIELDS: Final = (
    *("at", "state", "due_at", "done_at", "reason", "customers", "channel", "actor"),
    *("erased", "cleaned", "not_reached", "hashes", "hash"),
)
SPEC: Final = QuerySpec(fields={TYPE: FIELDS}, filters=(SITE_ID, SINCE, UNTIL), feed=True)
ONE: Final = QuerySpec(fields={TYPE: FIELDS})
_PARTS: Final = 3
"""Parts of an id: the site, the moment, and the position within that."""


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
    identifiers = identifiers_of(
        Who(email_key=None if found[0].email is None else address_key(found[0].email), customer_id=found[0].customer_id)
    )
    async with call.services.store.snapshot() as connection:
        record = await newest_about(connection, site, await control.secret(connection), identifiers)
    attributes = {"erased": True, "reason": reason, "erasure": None if record is None else erasure_id(site, record)}
    return studies.shown(TYPE, attributes)


async def index(call: Call, caller: AdminKey) -> Response:
    """A page of the erasures of a site."""
    query = SPEC.of(call)
    site = asked_site([each for each in query.filters if each[0] == SITE_ID], caller)
    feed = Feed(call, "/v1/erasures", query)
    span = feed.span()
    if site is None:
        return feed.answer([], None)
    async with call.services.store.snapshot() as connection:
        rows, following = await read_erasures(connection, site, span)
    fields = query.fields.get(TYPE)
    return feed.answer([_resource(site, record, fields) for record in rows], following)


async def show(call: Call, caller: AdminKey) -> Response:
    """The certificate of one erasure."""
    query = ONE.of(call)
    site, record = await _erasure(call, caller)
    return document({"data": _resource(site, record, query.fields.get(TYPE))})


async def verify(call: Call, caller: AdminKey) -> Response:
    """Whether an erasure was of the person with an address or customer_id."""
    site, record = await _erasure(call, caller)
    body = await call.json_object()
    studies.allow(body, ("email", "customer_id"))
    wanted = identifiers_of(parse_who(body, limits=call.services.store.limits))
    async with call.services.store.snapshot() as connection:
        secret = await control.secret(connection)
    matches = bool(wanted) and all(record.is_about(secret, each) for each in wanted)
    return studies.shown(TYPE, {"erasure": erasure_id(site, record), "matches": matches})


async def _erasure(call: Call, caller: AdminKey) -> tuple[int, ErasureRecord]:
    """The site and the erasure that the path names. Raises Problem."""
    parts = [whole_number(each, longest=16) for each in call.path("id").split("-")]
    if len(parts) == _PARTS and None not in parts:
        site, at, position = (part or 0 for part in parts)
        if site in caller.sites and position < 1 << SITE_SHIFT - 1:
            async with call.services.store.snapshot() as connection:
                record = await find_erasure(connection, site, at, position)
            if record is not None:
                return site, record
    raise Problem("object_not_found", "No erasure has this id.")


def _resource(site: int, record: ErasureRecord, fields: Collection[str] | None) -> dict[str, Any]:
    shown = {**certificate(record), **origin_of(record.channel, record.actor)}
    attributes = {name: value for name, value in shown.items() if fields is None or name in fields}
    return {"id": erasure_id(site, record), "type": TYPE, "attributes": attributes}


_ATTRIBUTES: Final[dict[str, Schema]] = {
    "at": MOMENT,
    "reason": or_null(such_as(TEXT, "Article 17 GDPR")),
    "customers": WHOLE,
    **ORIGIN,
    "state": one_of(("pending", "done")),
    "due_at": or_null(MOMENT),
    "done_at": or_null(MOMENT),
    "erased": record({}, additionalProperties=WHOLE, examples=[{"customers": 1, "events": 40, "emails": 12}]),
    "cleaned": or_null(record({}, examples=[{"database": "sqlite", "stored_files": 2, "index_snapshots": 1}])),
    "not_reached": listed(such_as(TEXT, "exports that were downloaded, and data that other systems were sent")),
    "hashes": listed(such_as(TEXT, "9f2c...")),
    "hash": TEXT,
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
        reply=studies.reply(
            TYPE,
            {
                "erased": {"const": True},
                "reason": or_null(TEXT),
                "erasure": or_null(such_as(TEXT, "1-1796000000000-0")),
            },
        ),
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
    Operation(
        JSONAPI,
        "erasures.show",
        "GET",
        "/v1/erasures/{id}",
        show,
        "Get the certificate of an erasure",
        "What was erased and when, without personal data. `state` is `done` once the files are cleaned, too; "
        "`due_at` says when, if that waits for the maintenance hour. "
        "`not_reached` says where data may be that an erasure does not reach. Needs the scope `admin`.",
        query=ONE,
        reply=record({"data": record({"id": TEXT, "type": {"const": TYPE}, "attributes": record(_ATTRIBUTES)})}),
        errors=(404,),
    ),
    Operation(
        JSONAPI,
        "erasures.verify",
        "POST",
        "/v1/erasures/{id}/verify",
        verify,
        "Check whom an erasure was about",
        "Whether the erased person had this address or customer_id, and both if both are given. Changes nothing. "
        "Needs the scope `admin`.",
        body=record(
            {"email": such_as(TEXT, "anna@example.com"), "customer_id": such_as(TEXT, "c-1")},
            required=(),
            additionalProperties=False,
        ),
        reply=studies.reply(TYPE, {"erasure": such_as(TEXT, "1-1796000000000-0"), "matches": YES_OR_NO}),
        errors=(404,),
    ),
)
"""The operations on erasures."""
