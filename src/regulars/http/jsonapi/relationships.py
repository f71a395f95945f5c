"""Relationships: reads and changes the objects that a customer or contact is tied to.

Which calls a relationship has follows from `domain.ties.RELATIONSHIPS`: it can be added to where there is an event
that ties, taken from where there is one that unties, and replaced where there are both.
"""

from typing import Any, Final

from starlette.responses import Response

from regulars.domain.commands import Relate, SetChange
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who, public_number
from regulars.domain.relations import BY_NAME
from regulars.domain.ties import RELATIONSHIPS, Relationship
from regulars.http.call import Call
from regulars.http.errors import after_commit
from regulars.http.jsonapi import body_schemas, paging, schemas
from regulars.http.jsonapi.bodies import read_identifiers, unknown_objects
from regulars.http.jsonapi.documents import document, related
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site, customer_place, unknown_customer
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Handler, Operation
from regulars.http.schema import ref
from regulars.http.slices import rendered
from regulars.store.query import read_all
from regulars.store.reads import held_ties, lines_by_number, number_after_merges, objects_by_number

CHANGES: Final[dict[str, SetChange]] = {"POST": "add", "PATCH": "replace", "DELETE": "remove"}
"""What each method does to the objects of a relationship."""

SUMMARIES: Final = {
    "GET": "List the {name} of a {noun}",
    "POST": "Add {name} to a {noun}",
    "PATCH": "Replace the {name} of a {noun}",
    "DELETE": "Remove {name} from a {noun}",
}
"""What each method does, in words."""

NAMES: Final = {f"{BY_NAME[relation].kind}s": each for relation, each in RELATIONSHIPS.items()}
"""The relationships of a customer, by their names in paths."""

OF_CONTACTS: Final = ("tags", "offers")
"""The relationships that the vendor's contacts have."""

LIST: Final = QuerySpec(fields={}, filters=(SITE_ID,), paged=True)


def methods(relationship: Relationship) -> tuple[str, ...]:
    """The methods that a relationship can be called with."""
    possible = {"POST": relationship.added, "DELETE": relationship.removed}
    possible["PATCH"] = relationship.added and relationship.removed
    return ("GET", *(method for method in CHANGES if possible[method]))


def _operations(owner: str, name: str) -> tuple[Operation, ...]:
    """The operations on one relationship of customers or contacts."""
    relationship, noun = NAMES[name], owner.removesuffix("s")
    kind = BY_KIND[BY_NAME[relationship.relation].kind or ""]
    path = f"/v1/{owner}/{{id}}/relationships/{name}"

    async def listed(call: Call, query: ParsedQuery, site: int, number: int) -> Response:
        async with call.services.store.snapshot() as connection:
            found, ties = await read_all(
                connection,
                [lines_by_number(site, [number]), held_ties(site, [number], [relationship.relation])],
            )
            if not found:
                whole = await number_after_merges(connection, site, number)
                if whole is None or whole == number:
                    raise unknown_customer(noun)
                return await listed(call, query, site, whole)
            held = ties.get((number, relationship.relation), [])
            total = len(held)
            held = held[query.page.skip : query.page.skip + query.page.size] if query.is_paged else held
            items = await objects_by_number(connection, site, kind.kind, held) if held else []
        home = origin(call.scope, call.services.settings.trusted_proxies)
        links: dict[str, str | None] = {**related(f"{home}/v1/{owner}/{public_number(site, number)}", name)}
        shown = await rendered(items, lambda item: {"id": kind.id_of(item), "type": kind.type})
        found_page: dict[str, Any] = {"data": shown, "links": links}
        if query.is_paged:
            links |= paging.links(links["self"] or "", call.scope["query_string"], query.page, total)
            found_page["meta"] = paging.meta(query.page, total)
        return document(found_page, warnings=query.warnings)

    def asked(call: Call, caller: Caller) -> tuple[ParsedQuery, int, int]:
        query = LIST.of(call)
        site, number = customer_place(call.path("id"), caller, noun)
        if query.filters and asked_site(query.filters, caller) != site:
            raise unknown_customer(noun)
        return query, site, number

    async def show(call: Call, caller: Reader) -> Response:
        return await listed(call, *asked(call, caller))

    def explained(refusal: RefusedError) -> Exception:
        return unknown_customer(noun) if refusal.code == "customer_not_found" else unknown_objects(refusal)

    def changing(change: SetChange) -> Handler:
        async def write(call: Call, caller: Writer) -> Response:
            query, site, number = asked(call, caller)
            references = await read_identifiers(call, kind.type, kind.kind)
            command = Relate(Who(number=number), relationship.relation, references, change)
            await call.submit(site, command, explained=explained)
            with after_commit():
                return await listed(call, query, site, number)

        return write

    handlers = {"GET": show, **{method: changing(change) for method, change in CHANGES.items()}}
    return tuple(
        Operation(
            JSONAPI,
            f"relationships.{method.lower()}_{owner}_id_relationships_{name}",
            method,
            path,
            handlers[method],
            SUMMARIES[method].format(name=name, noun=noun),
            query=LIST,
            body=None if method == "GET" else ref(body_schemas.identifiers(kind.type)),
            reply=schemas.RELATED,
        )
        for method in methods(relationship)
    )


OPERATIONS: Final = (
    *(call for name in NAMES for call in _operations("customers", name)),
    *(call for name in OF_CONTACTS for call in _operations("contacts", name)),
)
"""The operations on all relationships."""
