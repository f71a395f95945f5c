"""The bodies of notes about contacts."""

from typing import Final

from regulars.domain.faults import Fault
from regulars.domain.identity import NUMBER_LIMIT, split_number
from regulars.domain.limits import Limits
from regulars.domain.notes import parse_note
from regulars.domain.text import whole_number
from regulars.http.errors import Problem
from regulars.http.jsonapi.bodies import ResourceBody, refused
from regulars.http.keyring import Caller
from regulars.http.schema import TEXT, Schema, record

TYPE: Final = "contact_notes"
CONTACT: Final = "contact"
KNOWN: Final = ("body", "created_at", "updated_at")
"""The attributes of a note. Those beside the text may be sent back as they were shown."""

RELATED: Final = f"data.relationships.{CONTACT}"
_BODY: Final = "data.attributes.body"


def text_of(body: ResourceBody, limits: Limits, faults: list[Fault]) -> str:
    """The text of the note in a body; what is wrong with it goes to the faults."""
    unknown = sorted(body.attributes.keys() - set(KNOWN))
    faults += [Fault(f"data.attributes.{name}", "is unknown. Allowed: body") for name in unknown]
    if "body" not in body.attributes:
        faults.append(Fault(_BODY, "is required"))
        return ""
    try:
        return parse_note(body.attributes["body"], limits)
    except ValueError as error:
        faults.append(Fault(_BODY, str(error)))
        return ""


def unknown_contact() -> Problem:
    """The error for a note about a contact that does not exist or is another account's."""
    return refused([Fault(f"{RELATED}.data.id", "is not the id of a contact")], "customer_not_found")


def contact_of(body: ResourceBody, caller: Caller, faults: list[Fault]) -> tuple[int, int] | None:
    """The site and number of the contact that a body names; what is wrong with it goes to the faults.

    Raises Problem if that is nobody.
    """
    unknown = sorted(body.relationships.keys() - {CONTACT, "site"})
    faults += [Fault(f"data.relationships.{name}", f"is unknown. Allowed: {CONTACT}") for name in unknown]
    related = body.relationships.get(CONTACT)
    data = related.get("data") if isinstance(related, dict) else None
    if not isinstance(data, dict) or data.get("type") not in ("contacts", "customers"):
        detail = 'must be {"data": {"type": "contacts", "id": ...}}'
        faults.append(Fault(RELATED, detail if related is not None else f"is required and {detail}"))
        return None
    given = data.get("id")
    number = whole_number(str(given), longest=16) if isinstance(given, str | int) else None
    if number is None or number >= NUMBER_LIMIT or split_number(number)[0] not in caller.sites:
        if not faults:
            raise unknown_contact()
        return None
    return split_number(number)


def note_bodies(limits: Limits) -> dict[str, Schema]:
    """The request bodies by component name, with the limits of this server."""
    text = {**TEXT, "minLength": 1, "maxLength": limits.note, "examples": ["Called, wants the annual plan."]}
    attributes = {"body": text}
    contact = record({CONTACT: record({"data": record({"type": {"const": "contacts"}, "id": TEXT})})})
    made = {"type": {"const": TYPE}, "attributes": record(attributes)}
    return {
        f"{TYPE}_creation": record({"data": record({**made, "relationships": contact})}),
        f"{TYPE}_change": record({"data": record({**made, "id": TEXT}, required=("type", "attributes"))}),
    }
