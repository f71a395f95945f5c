"""The calls on notes about contacts."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.commands import AddNote, ChangeNote, Command, DeleteNote
from regulars.domain.faults import Fault, RefusedError
from regulars.domain.identity import NUMBER_LIMIT, Who, public_number, split_number
from regulars.domain.moments import iso
from regulars.domain.notes import CustomerNote
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi import schemas
from regulars.http.jsonapi.bodies import read_resource, refused
from regulars.http.jsonapi.contact_documents import TYPES, ContactsDocument
from regulars.http.jsonapi.contact_note_bodies import (
    CONTACT,
    KNOWN,
    RELATED,
    TYPE,
    contact_of,
    text_of,
    unknown_contact,
)
from regulars.http.jsonapi.customer_documents import RenderContext
from regulars.http.jsonapi.documents import EMPTY, Attributes, chosen, document, identifier
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.range_pages import RangePages
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.store.engine import Connection
from regulars.store.list_ranges import ListPlace
from regulars.store.merges import group_of
from regulars.store.notes import count_notes, find_note, read_notes
from regulars.store.query import read_all
from regulars.store.reads import number_after_merges

CONTACT_ID: Final = "contact_id"

ATTRIBUTES: Final[Attributes[CustomerNote]] = {
    "body": lambda note: note.body,
    "created_at": lambda note: iso(note.created_at),
    "updated_at": lambda note: iso(note.updated_at),
}
assert tuple(ATTRIBUTES) == KNOWN
SORTS: Final = ("-created_at", "created_at", "-updated_at", "updated_at")
_FIELDS: Final = {TYPE: (*ATTRIBUTES, CONTACT), "contacts": TYPES["contacts"]}
INDEX: Final = QuerySpec(
    fields=_FIELDS, filters=(CONTACT_ID, SITE_ID), sorts=SORTS, include=(CONTACT,), paged=True, cursors=True
)
SHOW: Final = QuerySpec(fields=_FIELDS, include=(CONTACT,))
REMOVE: Final = QuerySpec(fields={})


async def index(call: Call, caller: Reader) -> Response:
    """The notes of a site, or about one contact."""
    query = INDEX.of(call)
    site, contact = asked_site(query.filters, caller), None
    if asked := {value for name, value in query.filters if name == CONTACT_ID}:
        site, contact = _asked_contact(asked, query, caller)
    pages = RangePages(call, TYPE, site, query)
    wanted, order = pages.wanted(), query.sort.removeprefix("-")
    notes: list[CustomerNote] = []
    total = 0
    async with call.until_disconnect(), call.services.store.snapshot() as connection:
        customers = None
        if site is not None and contact is not None:
            whole = await number_after_merges(connection, site, contact)
            customers = [] if whole is None else await group_of(connection, site, whole)
        if site is not None and customers != []:
            notes = await read_notes(connection, site, order, wanted, customers)
            total = await count_notes(connection, site, customers)
        notes, beside = pages.shown(notes, lambda note: ListPlace(int(getattr(note, order)), note.number))
        shown = await _read(call, caller, connection, site or 0, notes, query)
    return pages.answer(shown, total, beside)


async def show(call: Call, caller: Reader) -> Response:
    """One note."""
    return await _shown(call, caller, SHOW.of(call), *_place(call, caller))


async def create(call: Call, caller: Writer) -> Response:
    """Write a note about the contact that the body names."""
    query = SHOW.of(call)
    body = await read_resource(call, TYPE)
    faults: list[Fault] = []
    text = text_of(body, call.services.store.limits, faults)
    place = contact_of(body, caller, faults)
    if faults or place is None:
        raise refused(faults, "unprocessable")
    site, number = place
    outcome = await call.submit(site, AddNote(Who(number=number), text), explained=_explained)
    assert outcome.note is not None
    with after_commit():
        return await _shown(call, caller, query, site, outcome.note, status=201)


async def change(call: Call, caller: Writer) -> Response:
    """Replace the text of a note."""
    query, (site, number) = SHOW.of(call), _place(call, caller)
    note = await _find(call, site, number)
    body = await read_resource(call, TYPE, id_=call.path("id"))
    faults: list[Fault] = []
    text = text_of(body, call.services.store.limits, faults)
    if CONTACT in body.relationships and contact_of(body, caller, faults) not in (None, (site, note.customer)):
        faults.append(Fault(RELATED, "cannot be changed. Send it unchanged or not"))
    if faults:
        raise refused(faults, "unprocessable")
    if text != note.body:
        await _submit(call, site, ChangeNote(Who(number=note.customer), number, text))
    with after_commit():
        return await _shown(call, caller, query, site, number)


async def remove(call: Call, caller: Writer) -> Response:
    """Delete a note."""
    query, (site, number) = REMOVE.of(call), _place(call, caller)
    note = await _find(call, site, number)
    await _submit(call, site, DeleteNote(Who(number=note.customer), number))
    return document(EMPTY, warnings=query.warnings)


async def _submit(call: Call, site: int, command: Command) -> None:
    """Execute a command on a note. Whoever deleted the customer meanwhile deleted the note."""

    def explained(refusal: RefusedError) -> Exception:
        return _unknown() if refusal.code == "customer_not_found" else refusal

    await call.submit(site, command, explained=explained)


def _explained(refusal: RefusedError) -> Exception:
    return unknown_contact() if refusal.code == "customer_not_found" else refusal


def _unknown() -> Problem:
    return Problem("object_not_found", "No contact note has this id.")


def _place(call: Call, caller: Caller) -> tuple[int, int]:
    """The site and the number of the note in the path. Raises Problem."""
    known = whole_number(call.path("id"), longest=16)
    if known is not None and known < NUMBER_LIMIT:
        site, number = split_number(known)
        if site in caller.sites:
            return site, number
    raise _unknown()


async def _find(call: Call, site: int, number: int) -> CustomerNote:
    async with call.services.store.snapshot() as connection:
        note = await find_note(connection, site, number)
    if note is None:
        raise _unknown()
    return note


def _asked_contact(asked: set[str], query: ParsedQuery, caller: Caller) -> tuple[int | None, int | None]:
    """The site and number of the contact that the filter names; (None, None) if that selects nothing.

    Raises ParameterProblem.
    """
    numbers = {whole_number(text.strip(), longest=16) for text in asked}
    if None in numbers:
        raise ParameterProblem(f"filter[{CONTACT_ID}]", f"filter[{CONTACT_ID}] must be the id of a contact, a number.")
    number = numbers.pop()
    if numbers or number is None or number >= NUMBER_LIMIT:
        return None, None
    site, contact = split_number(number)
    names_site = any(name == SITE_ID for name, _ in query.filters)
    if site not in caller.sites or (names_site and asked_site(query.filters, caller) != site):
        return None, None
    return site, contact


async def _read(
    call: Call, caller: Caller, connection: Connection, site: int, notes: Sequence[CustomerNote], query: ParsedQuery
) -> dict[str, Any]:
    """`data`, and `included` where it was asked for, of some notes."""
    fields = query.fields.get(TYPE)
    found: dict[str, Any] = {"data": [_resource(site, note, fields) for note in notes]}
    if query.include:
        plain = msgspec.structs.replace(query, include=frozenset())
        home = origin(call.scope, call.services.settings.trusted_proxies)
        contacts = ContactsDocument(RenderContext(caller.account, site, home, plain))
        queries = contacts.queries(sorted({note.customer for note in notes}))
        found["included"] = (await contacts.shown(connection, await read_all(connection, queries)))["data"]
    return found


def _resource(site: int, note: CustomerNote, fields: frozenset[str] | None) -> dict[str, Any]:
    related = {CONTACT: {"data": identifier("contacts", public_number(site, note.customer))}}
    return {
        **identifier(TYPE, public_number(site, note.number)),
        "attributes": {name: get(note) for name, get in chosen(ATTRIBUTES, fields)},
        "relationships": related if fields is None or CONTACT in fields else {},
    }


async def _shown(
    call: Call, caller: Caller, query: ParsedQuery, site: int, number: int, *, status: int = 200
) -> Response:
    """The document of one note."""
    async with call.services.store.snapshot() as connection:
        note = await find_note(connection, site, number)
        if note is None:
            raise _unknown()
        shown = await _read(call, caller, connection, site, [note], query)
    (resource,) = shown["data"]
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/{TYPE}/{resource['id']}"
    headers = {"Location": address} if status == 201 else None
    links = {"self": address, "current": address}
    return document(
        {**shown, "data": resource, "links": links}, warnings=query.warnings, status=status, headers=headers
    )


_ALL: Final = f"/v1/{TYPE}"
_ONE: Final = f"/v1/{TYPE}/{{id}}"

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "contact_notes.index",
        "GET",
        _ALL,
        index,
        "List notes",
        "Notes about the contacts of a site, newest first.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "contact_notes.create",
        "POST",
        _ALL,
        create,
        "Create a note",
        query=SHOW,
        body=ref(f"{TYPE}_creation"),
        reply=schemas.shown(SHOW),
        status=201,
    ),
    Operation(JSONAPI, "contact_notes.show", "GET", _ONE, show, "Get a note", query=SHOW, reply=schemas.shown(SHOW)),
    Operation(
        JSONAPI,
        "contact_notes.change",
        "PATCH",
        _ONE,
        change,
        "Change a note",
        "Only the text can be changed.",
        query=SHOW,
        body=ref(f"{TYPE}_change"),
        reply=schemas.shown(SHOW),
    ),
    Operation(
        JSONAPI, "contact_notes.remove", "DELETE", _ONE, remove, "Delete a note", query=REMOVE, reply=schemas.NOTHING
    ),
)
"""The operations on notes."""
