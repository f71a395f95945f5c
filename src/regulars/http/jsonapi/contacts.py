"""Contacts: the same people as the customers, as those to write to. Listed, shown, created, changed and deleted."""

from typing import Final

from starlette.responses import Response

from regulars.audience.filters import catalogue
from regulars.domain.commands import Command, DeleteCustomer, Upsert
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome
from regulars.http.call import Call
from regulars.http.errors import after_commit
from regulars.http.jsonapi import contact_bodies, listing
from regulars.http.jsonapi.bodies import read_resource, site_of
from regulars.http.jsonapi.contact_documents import TYPES, ContactsDocument
from regulars.http.jsonapi.contact_resource import RELATIONSHIPS
from regulars.http.jsonapi.customer_documents import RenderContext
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.listing import SORTS, Listing
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import customer_place, unknown_customer
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.keyring import Caller, Reader, Writer
from regulars.store.query import read_all

NOUN: Final = "contact"
INDEX: Final = QuerySpec(
    fields=TYPES,
    filters=catalogue.BY_NAME,
    sorts=SORTS,
    include=RELATIONSHIPS,
    paged=True,
    cursors=True,
    described=True,
)
SHOW: Final = QuerySpec(fields=TYPES, include=RELATIONSHIPS)
CREATE: Final = SHOW
CHANGE: Final = SHOW
REMOVE: Final = QuerySpec(fields={})
CONTACTS: Final = Listing("contacts", INDEX, ContactsDocument)


async def index(call: Call, caller: Reader) -> Response:
    """GET /v1/contacts: with the filters, orders and pages of customers."""
    return await listing.answer(call, caller, CONTACTS)


async def show(call: Call, caller: Reader) -> Response:
    """GET /v1/contacts/{id}: one contact, with what is related to it."""
    query = _query(call, SHOW)
    return await _shown(call, caller, query, *customer_place(call.path("id"), caller, NOUN))


async def create(call: Call, caller: Writer) -> Response:
    """POST /v1/contacts: somebody new, of the site that the body names."""
    query = _query(call, CREATE)
    body = await read_resource(call, "contacts")
    site = site_of(body, caller, required=True)
    profile = contact_bodies.profile_of(body.attributes, call.services.store.limits, number=None)
    outcome = await _submit(call, site, Upsert(profile, new=True))
    assert outcome.person is not None
    with after_commit():
        return await _shown(call, caller, query, site, outcome.person.customer.number, status=201)


async def change(call: Call, caller: Writer) -> Response:
    """PATCH /v1/contacts/{id}: what the body leaves out stays as it is."""
    query = _query(call, CHANGE)
    site, number = customer_place(call.path("id"), caller, NOUN)
    body = await read_resource(call, "contacts", id_=call.path("id"))
    profile = contact_bodies.profile_of(body.attributes, call.services.store.limits, number=number)
    tags = contact_bodies.tags_of(body.relationships, call.services.store.limits)
    await _submit(call, site, Upsert(profile, tags=tags))
    with after_commit():
        return await _shown(call, caller, query, site, number)


async def remove(call: Call, caller: Writer) -> Response:
    """DELETE /v1/contacts/{id}: the customer is forgotten; logs stay, by address."""
    _query(call, REMOVE)
    site, number = customer_place(call.path("id"), caller, NOUN)
    outcome = await _submit(call, site, DeleteCustomer(Who(number=number)))
    if outcome.verdict != "deleted":
        raise unknown_customer(NOUN)
    return document(EMPTY)


def _query(call: Call, query_spec: QuerySpec) -> ParsedQuery:
    limit = call.services.settings.page_size_limit
    return query_spec.read(call.scope["query_string"], largest_page=limit)


async def _submit(call: Call, site: int, command: Command) -> Outcome:
    outcome = await call.services.store.ledger.submit(site, command)
    if outcome.refusal is not None:
        if outcome.refusal.code == "customer_not_found":
            raise unknown_customer(NOUN)
        raise contact_bodies.explained(outcome.refusal)
    return outcome


async def _shown(
    call: Call, caller: Caller, query: ParsedQuery, site: int, number: int, *, status: int = 200
) -> Response:
    """The document of one contact."""
    home = origin(call.scope, call.services.settings.trusted_proxies)
    made = ContactsDocument(RenderContext(caller.account, site, home, query, alone=True))
    async with call.services.store.snapshot() as connection:
        found = await made.shown(connection, await read_all(connection, made.queries([number]), last=made.complete))
    if not found["data"]:
        raise unknown_customer(NOUN)
    (resource,) = found["data"]
    address = f"{home}/v1/contacts/{resource['id']}"
    headers = {"Location": address} if status == 201 else None
    return document({**found, "data": resource, "links": {"self": address}}, status=status, headers=headers)
