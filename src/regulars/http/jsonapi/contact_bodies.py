"""The body of a contact, validated and converted to an upsert of the customer."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from regulars.domain.faults import Fault, FieldWarning, RefusedError
from regulars.domain.fields import FIELD_RULES
from regulars.domain.identity import Who
from regulars.domain.limits import Limits
from regulars.domain.profile import Profile, parse_profile
from regulars.domain.references import Reference
from regulars.domain.text import is_blank
from regulars.http.errors import Problem
from regulars.http.jsonapi.bodies import identifiers_of, refused, unknown_objects
from regulars.http.jsonapi.contact_resource import ATTRIBUTES, CUSTOM, PHONE, RELATIONSHIPS

READ_ONLY: Final = ("created_at", "updated_at")
"""Read-only attributes: ignored, because clients send back what they received."""

WRITABLE: Final = tuple(name for name in ATTRIBUTES if name not in READ_ONLY)
"""The attributes that callers set."""

_IN_DATA: Final = (*(name for name in WRITABLE if name.startswith("address_")), *CUSTOM)
_NEVER_NULL: Final = ("email", "subscribed")
_SAME: Final = {"customer_id": "external_user_id", "unsubscribed": "subscribed"}
_CODES: Final = {"address_taken": "address_taken", "identity_conflict": "address_taken", "invalid": "unprocessable"}
_TAGS: Final = "data.relationships.tags.data"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""Stands in for the identifier that an upsert must have: the path names the contact, or nobody has it yet."""


def profile_of(
    attributes: Mapping[str, Any], limits: Limits, *, number: int | None, strict: bool, country: str | None
) -> Profile:
    """The profile of the customer with this number, or of a new one. Raises Problem with all faults.

    Absent attributes stay unchanged; null or blank text clears one. strict, country: as in `parse_profile`.
    """
    attributes = {name: None if is_blank(value) else value for name, value in attributes.items()}
    faults = {fault.field: fault for fault in _faults(attributes, limits)}
    if number is None and "email" not in attributes:
        faults["email"] = Fault("email", "is required")
    try:
        profile = parse_profile(_upsert(attributes), limits=limits, strict=strict, country=country)
    except RefusedError as refusal:
        for fault in refusal.faults:
            faults.setdefault(_SAME.get(fault.field, fault.field), fault)
    if faults:
        raise _located(faults, "unprocessable")
    for name in ("name", PHONE):
        if name in attributes and attributes[name] is None:
            profile.fields[name] = None
    if PHONE in attributes:
        _keep_writing(attributes[PHONE], profile)
    if "external_user_id" in attributes and attributes["external_user_id"] is None:
        profile.forget_customer_id = True
    profile.is_echo = True
    who = profile.who
    profile.who = Who(who.email, who.email_key, who.customer_id, number=number)
    return profile


def pointed(warning: FieldWarning) -> dict[str, Any]:
    """A field that was not taken as it was given, as a warning of a document."""
    told = {"detail": warning.detail, "given": warning.given, "taken": warning.taken}
    return {"source": {"pointer": f"/data/attributes/{_SAME.get(warning.field, warning.field)}"}, **told}


def _keep_writing(given: Any, profile: Profile) -> None:
    """Keep a phone number as an attribute as it was written, where the field does not say the same.

    One that cannot be read replaces the number that was there, as the contact now shows what was written.
    """
    number = profile.fields.setdefault(PHONE, None)
    profile.attributes[PHONE] = None if given in (None, number) else given


def tags_of(relationships: Mapping[str, Any], limits: Limits) -> tuple[Reference, ...] | None:
    """The tags that the contact is to have, None if the body has none. Raises Problem.

    The other relationships may be sent back as they were shown, and are ignored.
    """
    if unknown := sorted(relationships.keys() - RELATIONSHIPS):
        raise refused(Fault(f"data.relationships.{name}", "is unknown. Allowed: tags") for name in unknown)
    tags = relationships.get("tags")
    if tags is None:
        return None
    if not isinstance(tags, dict):
        raise refused([Fault("data.relationships.tags", "must be an object with data")])
    if "data" not in tags:
        return None
    return identifiers_of(tags["data"], "contact_tags", "tag", limits, where=_TAGS)


def explained(refusal: RefusedError) -> Problem | RefusedError:
    """A refusal of the command, with the field names of the document."""
    code = _CODES.get(refusal.code)
    if refusal.code == "object_not_found":
        return unknown_objects(refusal, where=_TAGS)
    if code is None:
        return refusal
    if code == "address_taken":
        taken = Fault("email", "or external_user_id belongs to another contact")
        return _located({"email": taken}, code)
    return _located({_SAME.get(each.field, each.field): each for each in refusal.faults}, code)


def _faults(attributes: Mapping[str, Any], limits: Limits) -> Iterator[Fault]:
    """Faults that an upsert would accept: unknown names, nulls, and texts that it stores unchecked."""
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            yield Fault(name, f"is unknown. Allowed: {', '.join(WRITABLE)}")
        elif name in _NEVER_NULL and value is None:
            yield Fault(name, "cannot be cleared")
        elif isinstance(value, dict | list):
            yield Fault(name, "must not be an object or a list")
        elif name == "subscribed" and not isinstance(value, bool):
            yield Fault(name, "must be true or false")
        elif name in CUSTOM and value is not None:
            try:
                FIELD_RULES["address_line_1"](value, limits)
            except ValueError as error:
                yield Fault(name, str(error))


def _located(faults: Mapping[str, Fault], code: str) -> Problem:
    located = [Fault(f"data.attributes.{name}", fault.detail.rstrip(".")) for name, fault in faults.items()]
    return refused(located, code)


def _upsert(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes as the body of an upsert."""
    body: dict[str, Any] = {name: attributes[name] for name in ("name", "email", "phone_number") if name in attributes}
    if "external_user_id" in attributes:
        body["customer_id"] = attributes["external_user_id"]
    if isinstance(attributes.get("subscribed"), bool):
        body["unsubscribed"] = not attributes["subscribed"]
    data = {name: attributes[name] for name in _IN_DATA if name in attributes}
    return {**body, "uuid": _NOBODY, "data": data}
