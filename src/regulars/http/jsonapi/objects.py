"""The calls on tags, groups, offers, products and so on, built from the table of kinds."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from regulars.domain.commands import Command, DeleteObject, SaveObject
from regulars.domain.objects import RelatedObject
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference, parse_reference
from regulars.http.call import Call
from regulars.http.errors import Problem, after_commit
from regulars.http.jsonapi import body_schemas, object_bodies, object_lists, paging, schemas
from regulars.http.jsonapi.bodies import ResourceBody, read_resource, site_of
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.kinds import BY_KIND, KINDS, ResourceType
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.site_resource import SITES, site_resource
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.http.slices import rendered
from regulars.store import control
from regulars.store.engine import Connection
from regulars.store.reads import find_object, objects_by_number, products_of


def _fields(kind: ResourceType) -> dict[str, Sequence[str]]:
    included = {"products": BY_KIND["product"].fields} if "products" in kind.relationships else {}
    return {kind.type: kind.fields, **included, "sites": tuple(SITES)}


_NO_TYPES: Final = "Products have no types here, so none is excluded."
IDLE: Final = {"product": {f"filter[exclude_product_types]{many}": _NO_TYPES for many in ("[]", "")}}
"""Parameters of the vendor's, by kind, for filters that have nothing to select by."""


class QuerySpecs:
    """The parameters of a kind's calls."""

    def __init__(self, kind: ResourceType) -> None:
        shared: Any = {"fields": _fields(kind), "include": kind.relationships}
        self.index = QuerySpec(
            filters=object_lists.filters(kind),
            sorts=object_lists.sorts(kind),
            paged=True,
            idle=IDLE.get(kind.kind),
            **shared,
        )
        self.show = QuerySpec(filters=(SITE_ID,), **shared)
        self.create = QuerySpec(fields={})
        self.remove = QuerySpec(fields={}, filters=(SITE_ID,))


QUERY_SPECS: Final = {kind.kind: QuerySpecs(kind) for kind in KINDS}


async def read(
    connection: Connection,
    caller: Caller,
    site: int,
    kind: ResourceType,
    items: Sequence[RelatedObject],
    query: ParsedQuery,
) -> dict[str, Any]:
    """`data`, and `included` where it was asked for, of these objects."""
    has_products = "products" in kind.relationships
    products = await products_of(connection, site, [item.number for item in items]) if has_products else {}
    fields = query.fields.get(kind.type)
    found: dict[str, Any] = {"data": await rendered(items, lambda item: kind.resource(site, item, fields, products))}
    if query.include:
        included = found["included"] = []
        if "products" in query.include:
            numbers = sorted({number for listed in products.values() for number in listed})
            product, shown = BY_KIND["product"], query.fields.get("products")
            rows = await objects_by_number(connection, site, "product", numbers)
            included += await rendered(rows, lambda item: product.resource(site, item, shown))
        if "site" in query.include:
            sites = await control.list_sites(connection, caller.account)
            included += [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]
    return found


def unknown(kind: ResourceType) -> Problem:
    """The error for an object that does not exist for this caller."""
    return Problem("object_not_found", f"No {kind.kind} has this id.")


def reference_in_path(call: Call, kind: ResourceType) -> Reference:
    """The number or key in the path. Raises Problem if it is neither, because no such object exists."""
    try:
        return parse_reference(call.path("id"), kind.kind, longest=call.services.store.limits.object_key)
    except ValueError:
        raise unknown(kind) from None


async def submit(call: Call, site: int, kind: ResourceType, command: Command) -> Outcome:
    """Execute a command. Raises its refusal, with the field names of the document."""
    return await call.submit(site, command, explained=partial(object_bodies.explained, kind))


async def read_change(call: Call, site: int, kind: ResourceType) -> tuple[ResourceBody, SaveObject, int]:
    """The body that changes the object in the path, the command that does so, and the object's number.

    Raises Problem. The body may be the object as it was shown, by its id or its key.
    """
    reference = reference_in_path(call, kind)
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, kind.kind, reference)
        if item is None:
            raise unknown(kind)
        products = await products_of(connection, site, [item.number]) if kind.has_products else {}
    body = await read_resource(call, kind.type, id_=kind.id_of(item), key=item.key)
    related = kind.related(site, item, products)
    return body, object_bodies.change(kind, body, item, related, call.services.store.limits), item.number


async def asked(call: Call, caller: Caller, kind: ResourceType, query_spec: QuerySpec) -> tuple[ParsedQuery, int]:
    """What the call's parameters ask for of the object in the path, and of which site. Raises Problem.

    A site that is not named is the one of the account's that has the object: clients follow links without naming it.
    """
    query = query_spec.of(call)
    if len(caller.sites) > 1 and not any(name == SITE_ID for name, _ in query.filters):
        reference = reference_in_path(call, kind)
        async with call.services.store.snapshot() as connection:
            having = [
                site for site in caller.sites if await find_object(connection, site, kind.kind, reference) is not None
            ]
        if not having:
            raise unknown(kind)
        if len(having) == 1:
            return query, having[0]
    site = asked_site(query.filters, caller)
    if site is None:
        raise unknown(kind)
    return query, site


def _operations(kind: ResourceType) -> tuple[Operation, ...]:
    """The five operations on a kind."""
    known = QUERY_SPECS[kind.kind]
    address = f"/v1/{kind.type}"

    async def index(call: Call, caller: Reader) -> Response:
        settings = call.services.settings
        raw: bytes = call.scope["query_string"]
        query = known.index.of(call)
        site = asked_site(query.filters, caller)
        page: list[RelatedObject] = []
        total = 0
        async with call.until_disconnect(), call.services.store.snapshot() as connection:
            if site is not None:
                page, total = await object_lists.page_of(connection, site, kind, query)
            shown = await read(connection, caller, site or 0, kind, page, query)
        home = origin(call.scope, settings.trusted_proxies)
        links = paging.links(f"{home}{address}", raw, query.page, total)
        meta = paging.meta(query.page, total)
        return document({**shown, "links": links, "meta": meta}, warnings=query.warnings)

    async def show(call: Call, caller: Reader) -> Response:
        query, site = await asked(call, caller, kind, known.show)
        return await _shown(call, caller, site, kind, query, reference_in_path(call, kind))

    async def create(call: Call, caller: Writer) -> Response:
        query = known.create.of(call)
        body = await read_resource(call, kind.type)
        site = site_of(body, caller, required=False)
        command = object_bodies.creation(kind, body, call.services.store.limits)
        outcome = await submit(call, site, kind, command)
        assert outcome.object is not None
        with after_commit():
            return await _shown(call, caller, site, kind, query, outcome.object.number, status=201)

    async def change(call: Call, caller: Writer) -> Response:
        query, site = await asked(call, caller, kind, known.show)
        _, command, number = await read_change(call, site, kind)
        await submit(call, site, kind, command)
        with after_commit():
            return await _shown(call, caller, site, kind, query, number)

    async def remove(call: Call, caller: Writer) -> Response:
        query, site = await asked(call, caller, kind, known.remove)
        await submit(call, site, kind, DeleteObject(kind.kind, reference_in_path(call, kind)))
        return document(EMPTY, warnings=query.warnings)

    one, a = kind.kind, "an" if kind.kind[0] in "aeo" else "a"
    single, words = f"{address}/{{id}}", kind.type
    shown = schemas.shown(known.show)
    return (
        Operation(
            JSONAPI,
            f"objects.get_{words}",
            "GET",
            address,
            index,
            f"List {one}s",
            "Filters match part of a name or description.",
            query=known.index,
            reply=schemas.shown(known.index),
        ),
        Operation(
            JSONAPI,
            f"objects.get_{words}_id",
            "GET",
            single,
            show,
            f"Get {a} {one} by number or key",
            query=known.show,
            reply=shown,
        ),
        Operation(
            JSONAPI,
            f"objects.post_{words}",
            "POST",
            address,
            create,
            f"Create {a} {one}",
            query=known.create,
            body=ref(body_schemas.creation(kind.type)),
            reply=schemas.created(kind.type),
            status=201,
        ),
        Operation(
            JSONAPI,
            f"objects.patch_{words}_id",
            "PATCH",
            single,
            change,
            f"Change {a} {one}",
            query=known.show,
            body=ref(body_schemas.change(kind.type)),
            reply=shown,
        ),
        Operation(
            JSONAPI,
            f"objects.delete_{words}_id",
            "DELETE",
            single,
            remove,
            f"Delete {a} {one}",
            "Removes it from all customers.",
            query=known.remove,
            reply=schemas.NOTHING,
        ),
    )


async def _shown(
    call: Call,
    caller: Caller,
    site: int,
    kind: ResourceType,
    query: ParsedQuery,
    reference: Reference,
    *,
    status: int = 200,
) -> Response:
    """The document of one object."""
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, kind.kind, reference)
        if item is None:
            raise unknown(kind)
        shown = await read(connection, caller, site, kind, [item], query)
    (resource,) = shown["data"]
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/{kind.type}/{quote(resource['id'], safe='')}"
    headers = {"Location": address} if status == 201 else None
    return document(
        {**shown, "data": resource, "links": {"self": address}},
        warnings=query.warnings,
        status=status,
        headers=headers,
    )


OPERATIONS: Final = tuple(each for kind in KINDS for each in _operations(kind))
"""The operations on all kinds."""
