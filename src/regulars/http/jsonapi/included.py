"""Resources that documents include: customers, sites and objects that others are related to."""

from collections.abc import Iterable
from typing import Any

import msgspec

from regulars.domain.objects import RelatedObject
from regulars.http.call import Call
from regulars.http.jsonapi.customer_documents import CustomersDocument, RenderContext
from regulars.http.jsonapi.kinds import ResourceType
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.query import ParsedQuery
from regulars.http.jsonapi.site_resource import site_resource
from regulars.http.keyring import Caller
from regulars.store import control
from regulars.store.engine import Connection
from regulars.store.query import read_all


async def included_customers(
    call: Call, caller: Caller, connection: Connection, site: int, numbers: Iterable[int], query: ParsedQuery
) -> list[Any]:
    """The resources of customers."""
    plain = msgspec.structs.replace(query, include=frozenset())
    home = origin(call.scope, call.services.settings.trusted_proxies)
    made = CustomersDocument(RenderContext(caller.account, site, home, plain))
    shown = await made.shown(connection, await read_all(connection, made.queries(sorted({*numbers}))))
    found: list[Any] = shown["data"]
    return found


async def included_site(caller: Caller, connection: Connection, site: int, query: ParsedQuery) -> list[Any]:
    """The resource of a site."""
    sites = await control.list_sites(connection, caller.account)
    return [site_resource(each, query.fields.get("sites")) for each in sites if each.id == site]


def included_objects_of(kind: ResourceType, site: int, items: Iterable[RelatedObject], query: ParsedQuery) -> list[Any]:
    """The resources of objects of one kind, each once."""
    each = {item.number: item for item in items}
    return [kind.resource(site, each[number], query.fields.get(kind.type)) for number in sorted(each)]
