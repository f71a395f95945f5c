"""Request bodies of JSON:API, validated with all faults reported at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from regulars.domain.faults import Fault, RefusedError
from regulars.domain.limits import Limits
from regulars.domain.references import Reference, parse_reference
from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.query import prefers_strict
from regulars.http.keyring import Caller


class ResourceBody(Struct, frozen=True):
    """A resource as a caller sends it; what is absent is empty."""

    id: str | None
    attributes: Mapping[str, Any]
    relationships: Mapping[str, Any]


def refused(faults: Iterable[Fault], code: str = "invalid") -> Problem:
    """A refusal of a body with its faults; the fields are paths within the document."""
    listed = tuple(faults)
    return Problem(code, f"{listed[0].field} {listed[0].detail}.", faults=listed)


async def read_resource(call: Call, type_: str, *, id_: str | None = None, key: str | None = None) -> ResourceBody:
    """The resource in the body. Raises Problem if it is malformed, of another type, or (with `id_`) another one.

    key: what names the resource as well as its id does.
    """
    data = (await call.json_object()).get("data")
    if not isinstance(data, dict):
        raise refused([Fault("data", "must be a resource: an object with type and attributes")])
    members = ("attributes", "relationships")
    faults = [
        Fault(f"data.{name}", "must be an object") for name in members if not isinstance(data.get(name, {}), dict)
    ]
    if data.get("type") != type_:
        faults.append(Fault("data.type", f"must be {type_}"))
    given = data.get("id")
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if given is not None and not isinstance(given, str):
        faults.append(Fault("data.id", "must be text"))
    elif id_ is not None and given not in (None, id_, key):
        faults.append(Fault("data.id", f"must be {id_}, as in the path"))
    if faults:
        raise refused(faults)
    return ResourceBody(
        None if given is None else str(given), data.get("attributes", {}), data.get("relationships", {})
    )


def is_strict(call: Call, caller: Caller) -> bool:
    """Whether an optional field that cannot be read is refused: `Prefer: handling=strict`, or the key is set so."""
    return prefers_strict(call) or caller.key.is_strict


def site_of(body: ResourceBody, caller: Caller, *, required: bool) -> int:
    """The site that the relationship `site` of a new resource names; without one, the only site of the account.

    Raises Problem if there is none such, or if it has to be named.
    """
    if unknown := sorted(body.relationships.keys() - {"site"}):
        raise refused(Fault(f"data.relationships.{name}", "cannot be set here. Allowed: site") for name in unknown)
    related = body.relationships.get("site")
    if related is None and len(caller.sites) == 1 and not required:
        return caller.site
    data = related.get("data") if isinstance(related, dict) else None
    text = str(data.get("id", "")) if isinstance(data, dict) and data.get("type") == "sites" else ""
    site = whole_number(text, longest=16)
    if site is not None and site in caller.sites:
        return site
    sites = ", ".join(map(str, caller.sites))
    detail = f'must be {{"data": {{"type": "sites", "id": ...}}}} with a site of the account: {sites}'
    raise refused([Fault("data.relationships.site", detail if related is not None else f"is required and {detail}")])


async def read_identifiers(call: Call, type_: str, kind: str) -> tuple[Reference, ...]:
    """What the resource identifiers in the body name. Raises Problem that lists those that are malformed."""
    return identifiers_of((await call.json_object()).get("data"), type_, kind, call.services.store.limits)


def identifiers_of(data: Any, type_: str, kind: str, limits: Limits, *, where: str = "data") -> tuple[Reference, ...]:
    """What the resource identifiers at a place of the body name. Raises Problem that lists those that are malformed."""
    if not isinstance(data, list):
        raise refused([Fault(where, "must be a list of resource identifiers: objects with type and id")])
    if len(data) > limits.references:
        raise Problem("too_many", f"A request may list at most {limits.references} {type_}.")
    found, faults = [], []
    for place, item in enumerate(data):
        if not isinstance(item, dict):
            faults.append(Fault(f"{where}.{place}", "must be an object with type and id"))
            continue
        if item.get("type") != type_:
            faults.append(Fault(f"{where}.{place}.type", f"must be {type_}"))
        try:
            found.append(parse_reference(item.get("id"), kind, longest=limits.object_key))
        except ValueError as error:
            faults.append(Fault(f"{where}.{place}.id", str(error)))
    if faults:
        raise refused(faults)
    return tuple(found)


def unknown_objects(refusal: RefusedError, *, where: str = "data") -> Problem:
    """A refusal of unknown objects, with their positions among the identifiers of `identifiers_of`."""
    faults = (
        Fault(f"{where}.{fault.field.partition('.')[2] or 0}.id", fault.detail.rstrip(".")) for fault in refusal.faults
    )
    return refused(faults, refusal.code)
