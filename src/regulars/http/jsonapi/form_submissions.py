"""The calls on submissions of forms, which are kept as the events `form_submitted`."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from regulars.domain.activity import uuid_of
from regulars.domain.faults import REFUSALS, RefusedError
from regulars.domain.identity import public_number
from regulars.domain.moments import iso
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference, parse_reference
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi import contact_bodies, schemas
from regulars.http.jsonapi.bodies import is_strict, read_resource
from regulars.http.jsonapi.customer_documents import TYPES
from regulars.http.jsonapi.documents import Attributes, chosen, identifier
from regulars.http.jsonapi.event_lists import (
    CUSTOMER_ID,
    EventList,
    Narrowing,
    answer,
    find_item,
    shown_alone,
)
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.form_submission_bodies import ADDRESS, CUSTOM, FIELDS, PHONES, TYPE, submission_of
from regulars.http.jsonapi.included import included_customers, included_objects_of, included_site
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.objects import asked, reference_in_path, unknown
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.store.engine import Connection
from regulars.store.query import read, read_all
from regulars.store.reads import existing_rows, find_object, lines_by_number
from regulars.store.sales import ListedEvent, find_event, number_of_event

FORM_ID: Final = "form_id"
FORM: Final = BY_KIND["form"]
LISTED: Final = EventList(TYPE, "submissions", "form submission")


class Submission(Struct, frozen=True):
    """One submission: its event, the form, None if that was deleted, and the customer's name and address of today."""

    event: ListedEvent
    form: RelatedObject | None
    name: str
    email: str

    def entered(self, field: str) -> str | None:
        """What was entered."""
        value = self.event.detail.get(field)
        return value if isinstance(value, str) else None


def _entered(field: str) -> Callable[[Submission], str | None]:
    return lambda submission: submission.entered(field)


ATTRIBUTES: Final[Attributes[Submission]] = {
    "name": lambda submission: submission.entered("name") or submission.name,
    "email": lambda submission: submission.email,
    **{field: _entered(field) for field in (*PHONES, *ADDRESS, *CUSTOM)},
    "created_at": lambda submission: iso(submission.event.at),
}
assert set(ATTRIBUTES) == {*FIELDS, "created_at"}
_RELATED: Final = ("site", "form", "customer")
_FIELDS: Final = {
    TYPE: (*ATTRIBUTES, *_RELATED),
    "forms": FORM.fields,
    **{name: TYPES[name] for name in ("customers", "sites")},
}
INDEX: Final = QuerySpec(
    fields=_FIELDS,
    filters=(FORM_ID, CUSTOMER_ID, SITE_ID),
    sorts=("-created_at", "created_at"),
    include=_RELATED,
    paged=True,
    cursors=True,
)
SHOW: Final = QuerySpec(fields=_FIELDS, include=_RELATED)
SUBMIT: Final = QuerySpec(fields=_FIELDS, filters=(SITE_ID,), include=_RELATED)


async def index(call: Call, caller: Reader) -> Response:
    """The submissions of a site, of one form or of one customer."""
    query = INDEX.of(call)
    tests = [(name, _test(value)) for name, value in query.filters if name == FORM_ID]

    async def show_all(connection: Connection, site: int, submissions: Sequence[Submission]) -> dict[str, Any]:
        return await _document(call, caller, connection, site, submissions, query)

    return await answer(call, caller, query, LISTED, submissions_of, show_all, Narrowing(tests))


async def show(call: Call, caller: Reader) -> Response:
    """One submission."""
    query = SHOW.of(call)
    site, submission = await find_item(call, caller, LISTED, submissions_of)
    async with call.services.store.snapshot() as connection:
        shown = await _document(call, caller, connection, site, [submission], query)
    return shown_alone(call, LISTED, query, shown)


async def submit(call: Call, caller: Writer) -> Response:
    """Submit the form in the path: create or update the customer, and record the event."""
    query, site = await asked(call, caller, FORM, SUBMIT)
    async with call.services.store.snapshot() as connection:
        form = await find_object(connection, site, FORM.kind, reference_in_path(call, FORM))
    if form is None:
        raise unknown(FORM)
    body = await read_resource(call, TYPE)
    event_uuid = str(uuid.uuid4())
    command, profile = submission_of(
        body.attributes,
        form.number,
        call.services.store.limits,
        event_uuid=event_uuid,
        now=call.services.clock(),
        strict=is_strict(call, caller),
        country=caller.country(site),
    )

    def explained(refusal: RefusedError) -> Exception:
        return contact_bodies.explained(refusal)

    outcome = await call.submit(site, command, explained=explained)
    if outcome.verdict == "ignored":
        raise Problem("erased", REFUSALS["erased"])
    warnings = [*query.warnings, *map(contact_bodies.pointed, profile.warnings)]
    with after_commit():
        async with call.services.store.snapshot() as connection:
            number = await number_of_event(connection, site, uuid_of(event_uuid))
            event = None if number is None else await find_event(connection, site, LISTED.kind, number)
            if event is None:  # somebody deleted the customer meanwhile
                raise Problem("object_not_found", "No form submission has this id.")
            submissions = await submissions_of(connection, site, [event])
            shown = await _document(call, caller, connection, site, submissions, query)
    return shown_alone(call, LISTED, msgspec.structs.replace(query, warnings=warnings), shown, status=201)


async def submissions_of(connection: Connection, site: int, events: Sequence[ListedEvent]) -> list[Submission]:
    """The events with what they are shown with."""
    if not events:
        return []
    people = await read(connection, lines_by_number(site, sorted({event.customer for event in events})))
    lines = {line.number: line for line in people}
    forms = {event.number: _form_of(event) for event in events}
    named = sorted({(FORM.kind, each) for each in forms.values() if each is not None}, key=str)
    found: dict[Reference, RelatedObject] = {}
    for items in await read_all(connection, existing_rows(site, named)) if named else ():
        for item in items:
            found[item.number] = item
            if item.key is not None:
                found[item.key] = item
    submissions = []
    for event in events:
        line, form = lines.get(event.customer), forms[event.number]
        name, email = ("", "") if line is None else (line.name or "", line.email or "")
        submissions.append(Submission(event, None if form is None else found.get(form), name, email))
    return submissions


def _form_of(event: ListedEvent) -> Reference | None:
    try:
        return parse_reference(event.detail.get(FORM_ID), FORM.kind)
    except ValueError:
        return None


def _test(value: str) -> Callable[[Submission], bool]:
    """Whether a submission is of the form with this number or key."""
    try:
        reference = parse_reference(value, FORM.kind)
    except ValueError as error:
        raise ParameterProblem(f"filter[{FORM_ID}]", f"filter[{FORM_ID}] {error}.") from None
    return lambda submission: (
        submission.form is not None
        and reference
        in (
            submission.form.number,
            submission.form.key,
        )
    )


async def _document(
    call: Call,
    caller: Caller,
    connection: Connection,
    site: int,
    submissions: Sequence[Submission],
    query: ParsedQuery,
) -> dict[str, Any]:
    found: dict[str, Any] = {"data": [submission_resource(site, each, query.fields.get(TYPE)) for each in submissions]}
    if query.include:
        included = found["included"] = []
        if "customer" in query.include:
            people = [each.event.customer for each in submissions]
            included += await included_customers(call, caller, connection, site, people, query)
        if "form" in query.include:
            forms = [each.form for each in submissions if each.form is not None]
            included += included_objects_of(FORM, site, forms, query)
        if "site" in query.include and submissions:
            included += await included_site(caller, connection, site, query)
    return found


def submission_resource(site: int, submission: Submission, fields: frozenset[str] | None = None) -> dict[str, Any]:
    """One submission as a resource."""
    form = submission.form
    related: dict[str, Any] = {
        "site": {"data": identifier("sites", site)},
        "form": {"data": None if form is None else identifier("forms", form.number)},
        "customer": {"data": identifier("customers", public_number(site, submission.event.customer))},
    }
    return {
        **identifier(TYPE, public_number(site, submission.event.number)),
        "attributes": {name: get(submission) for name, get in chosen(ATTRIBUTES, fields)},
        "relationships": {name: each for name, each in related.items() if fields is None or name in fields},
    }


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "form_submissions.index",
        "GET",
        f"/v1/{TYPE}",
        index,
        "List form submissions",
        "One for each event `form_submitted`, newest first, with what was entered. The address is that of the customer "
        "today, and so is a name that the event does not have.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "form_submissions.show",
        "GET",
        f"/v1/{TYPE}/{{id}}",
        show,
        "Get a form submission",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
    Operation(
        JSONAPI,
        "form_submissions.submit",
        "POST",
        "/v1/forms/{id}/submit",
        submit,
        "Submit a form",
        "Creates or updates the customer with this address and records the event `form_submitted`. Consent does not "
        "change: ask for it with `POST /v1/customers/{id}/consents/request`.",
        query=SUBMIT,
        body=ref(f"{TYPE}_creation"),
        reply=schemas.shown(SHOW),
        status=201,
    ),
)
"""The operations on submissions of forms."""
