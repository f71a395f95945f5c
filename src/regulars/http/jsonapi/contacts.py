"""The calls on contacts, who are the customers seen as recipients."""

from typing import Final

import msgspec
from starlette.responses import Response

from regulars.audience.filters import catalogue
from regulars.domain.commands import Command, DeleteCustomer, Upsert
from regulars.domain.faults import REFUSALS, RefusedError
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome
from regulars.domain.profile import Profile
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi import contact_bodies, customer_files, listing, schemas
from regulars.http.jsonapi.bodies import ResourceBody, is_strict, read_resource, site_of
from regulars.http.jsonapi.contact_documents import TYPES, ContactsDocument
from regulars.http.jsonapi.contact_resource import RELATIONSHIPS
from regulars.http.jsonapi.customer_documents import RenderContext
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.listing import SORTS, Listing
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import customer_place, merged_into, unknown_customer
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.store.query import read_all

NOUN: Final = "contact"
SUBSCRIBED_POINTER: Final = "/data/attributes/subscribed"
INDEX: Final = QuerySpec(
    fields=TYPES,
    filters=catalogue.BY_NAME,
    sorts=SORTS,
    include=RELATIONSHIPS,
    paged=True,
    cursors=True,
    described=True,
    asked=True,
)
SHOW: Final = QuerySpec(fields=TYPES, include=RELATIONSHIPS)
REMOVE: Final = QuerySpec(fields={})
CONTACTS: Final = Listing("contacts", INDEX, ContactsDocument)


async def index(call: Call, caller: Reader) -> Response:
    """With the filters, orders, pages and files of customers."""
    if (name := customer_files.file_format(call)) is not None:
        return customer_files.answer(call, caller, name, "contacts")
    return await listing.answer(call, caller, CONTACTS)


async def show(call: Call, caller: Reader) -> Response:
    """One contact, with what is related to it."""
    query = _query(call, SHOW)
    return await _shown(call, caller, query, *customer_place(call.path("id"), caller, NOUN))


async def create(call: Call, caller: Writer) -> Response:
    """Create a contact on the site that the body names."""
    query = _query(call, SHOW)
    body = await read_resource(call, "contacts")
    site = site_of(body, caller, required=True)
    profile = _profile(call, caller, body, site, None)
    outcome = await _submit(call, site, Upsert(profile, new=True))
    assert outcome.person is not None
    with after_commit():
        number = outcome.person.customer.number
        return await _shown(call, caller, _warned(query, profile, outcome), site, number, status=201)


async def change(call: Call, caller: Writer) -> Response:
    """Attributes that are not in the body stay unchanged."""
    query = _query(call, SHOW)
    site, number = customer_place(call.path("id"), caller, NOUN)
    body = await read_resource(call, "contacts", id_=call.path("id"))
    profile = _profile(call, caller, body, site, number)
    tags = contact_bodies.tags_of(body.relationships, call.services.store.limits)
    outcome = await _submit(call, site, Upsert(profile, tags=tags))
    with after_commit():
        return await _shown(call, caller, _warned(query, profile, outcome), site, number)


async def remove(call: Call, caller: Writer) -> Response:
    """Delete the customer. The logs stay under the address."""
    query = _query(call, REMOVE)
    site, number = customer_place(call.path("id"), caller, NOUN)
    outcome = await _submit(call, site, DeleteCustomer(Who(number=number)))
    if outcome.verdict != "deleted":
        raise unknown_customer(NOUN)
    return document(EMPTY, warnings=query.warnings)


def _query(call: Call, query_spec: QuerySpec) -> ParsedQuery:
    return query_spec.of(call)


def _profile(call: Call, caller: Caller, body: ResourceBody, site: int, number: int | None) -> Profile:
    return contact_bodies.profile_of(
        body.attributes,
        call.services.store.limits,
        number=number,
        strict=is_strict(call, caller),
        country=caller.country(site),
    )


def _warned(query: ParsedQuery, profile: Profile, outcome: Outcome) -> ParsedQuery:
    """The query with warnings about what was not stored as sent, and what was requested but not done."""
    told = [contact_bodies.pointed(warning) for warning in profile.warnings]
    told += [{"source": {"pointer": SUBSCRIBED_POINTER}, "detail": fault.detail} for fault in outcome.kept_back]
    return msgspec.structs.replace(query, warnings=[*query.warnings, *told]) if told else query


async def _submit(call: Call, site: int, command: Command) -> Outcome:
    def explained(refusal: RefusedError) -> Exception:
        return unknown_customer(NOUN) if refusal.code == "customer_not_found" else contact_bodies.explained(refusal)

    outcome = await call.submit(site, command, explained=explained)
    if outcome.verdict == "ignored":
        raise Problem("erased", REFUSALS["erased"])
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
        whole = await merged_into(call, site, number)
        if whole is None:
            raise unknown_customer(NOUN)
        return await _shown(call, caller, query, site, whole, status=status)
    (resource,) = found["data"]
    address = f"{home}/v1/contacts/{resource['id']}"
    headers = {"Location": address} if status == 201 else None
    return document(
        {**found, "data": resource, "links": {"self": address}},
        warnings=query.warnings,
        status=status,
        headers=headers,
    )


_ALL: Final = "/v1/contacts"
_ONE: Final = "/v1/contacts/{id}"

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "contacts.index",
        "GET",
        _ALL,
        index,
        "List contacts",
        "A contact is the customer with the same id. Takes the filters, sort orders and pages of customers.",
        query=INDEX,
        reply=schemas.shown(INDEX),
        parameters=customer_files.PARAMETERS,
        files=customer_files.MEDIA,
    ),
    Operation(
        JSONAPI,
        "contacts.create",
        "POST",
        _ALL,
        create,
        "Create a contact",
        "Fails if the site already has a customer with this email address.",
        query=SHOW,
        body=ref("contacts_creation"),
        reply=schemas.shown(SHOW),
        status=201,
    ),
    Operation(JSONAPI, "contacts.show", "GET", _ONE, show, "Get a contact", query=SHOW, reply=schemas.shown(SHOW)),
    Operation(
        JSONAPI,
        "contacts.change",
        "PATCH",
        _ONE,
        change,
        "Change a contact",
        "Attributes that are not in the body stay unchanged. `tags` replaces all tags of the contact.",
        query=SHOW,
        body=ref("contacts_change"),
        reply=schemas.shown(SHOW),
    ),
    Operation(
        JSONAPI,
        "contacts.remove",
        "DELETE",
        _ONE,
        remove,
        "Delete a contact",
        "Deletes the customer. The customer's email logs are kept under the address.",
        query=REMOVE,
        reply=schemas.NOTHING,
    ),
)
"""The operations on contacts."""
