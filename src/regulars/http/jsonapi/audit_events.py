"""The audit trail: what keys and users changed, newest first."""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.moments import iso
from regulars.http.call import Call
from regulars.http.jsonapi.customer_activity import ORIGIN, origin_of
from regulars.http.jsonapi.documents import Attributes, chosen
from regulars.http.jsonapi.feeds import SINCE, UNTIL, Feed, one_of_names, reply
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import AdminKey
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, WHOLE, Schema, listed, one_of, or_null, record, such_as
from regulars.store.audit import RANKS, SITE, AuditEntry, read_audit

TYPE: Final = "audit_events"
KIND: Final = "kind"
EVENT: Final[Attributes[AuditEntry]] = {
    "kind": lambda entry: entry.kind,
    "at": lambda entry: iso(entry.event.at),
    "channel": lambda entry: origin_of(entry.event.channel, entry.event.actor)["channel"],
    "actor": lambda entry: origin_of(entry.event.channel, entry.event.actor)["actor"],
    "operation": lambda entry: entry.event.operation,
    "request_id": lambda entry: entry.event.request_id,
    "target": lambda entry: entry.event.read().target,
    "results": lambda entry: entry.event.read().results,
    "fields": lambda entry: list(entry.event.read().fields),
    "hash": lambda entry: entry.event.hash.hex(),
}
SPEC: Final = QuerySpec(fields={TYPE: EVENT}, filters=(SITE_ID, KIND, SINCE, UNTIL), feed=True)


async def index(call: Call, caller: AdminKey) -> Response:
    """A page of the audit trail of a site and its account."""
    query = SPEC.of(call)
    site = asked_site([each for each in query.filters if each[0] == SITE_ID], caller)
    feed = Feed(call, "/v1/audit_events", query)
    kinds = feed.chosen(KIND)
    wanted = tuple(RANKS) if kinds is None else one_of_names(f"filter[{KIND}]", kinds, RANKS)
    span = feed.span()
    if site is None:
        return feed.answer([], None)
    async with call.services.store.snapshot() as connection:
        entries, following = await read_audit(connection, site, caller.account, span, wanted)
    fields = chosen(EVENT, query.fields.get(TYPE))
    return feed.answer([_resource(entry, fields) for entry in entries], following)


def _resource(entry: AuditEntry, fields: list[tuple[str, Any]]) -> dict[str, Any]:
    key = f"{entry.place.at}-{entry.place.number}" if entry.kind == SITE else str(entry.place.number)
    attributes = {name: get(entry) for name, get in fields}
    return {"id": f"{entry.kind}-{key}", "type": TYPE, "attributes": attributes}


_ATTRIBUTES: Final[dict[str, Schema]] = {
    "kind": one_of(RANKS),
    "at": MOMENT,
    **ORIGIN,
    "operation": such_as(TEXT, "customers.upsert"),
    "request_id": or_null(TEXT),
    "target": or_null(such_as(TEXT, "customers/4294967297")),
    "results": record({}, additionalProperties=WHOLE, examples=[{"updated": 1}]),
    "fields": listed(such_as(TEXT, "phone_number")),
    "hash": TEXT,
}

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "audit_events.index",
        "GET",
        "/v1/audit_events",
        index,
        "List the audit trail",
        "Every change that a key, a user or a command made: one entry a request, newest first, with the names of "
        "the changed fields and no values. `filter[kind]` takes `site` (customers and objects) and `account` (access, "
        "settings, imports and exports). Needs the scope `admin`. Continue with `links.next` until it is null.",
        query=SPEC,
        reply=reply(TYPE, _ATTRIBUTES),
    ),
)
"""The operation on the audit trail."""
