"""Saved audiences: named questions and lists, with exact totals and reach on every read."""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from regulars.domain.commands import DeleteAudience, SaveAudience
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.http.call import Call
from regulars.http.errors import after_commit
from regulars.http.jsonapi import body_schemas, object_bodies, object_lists, paging, schemas
from regulars.http.jsonapi.audience_bodies import definition_change, explained
from regulars.http.jsonapi.audience_documents import resources
from regulars.http.jsonapi.bodies import read_resource, site_of
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.etags import expected_etags
from regulars.http.jsonapi.kinds import AUDIENCE
from regulars.http.jsonapi.objects import asked, read_change, reference_in_path, unknown
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller, Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.store.engine import Connection
from regulars.store.reads import find_object

KIND: Final = AUDIENCE
_FIELDS: Final = {KIND.type: KIND.fields}

INDEX: Final = QuerySpec(fields=_FIELDS, filters=object_lists.filters(KIND), sorts=object_lists.sorts(KIND), paged=True)
SHOW: Final = QuerySpec(fields=_FIELDS, filters=(SITE_ID,))
CREATE: Final = QuerySpec(fields={})
REMOVE: Final = QuerySpec(fields={}, filters=(SITE_ID,))


async def index(call: Call, caller: Reader) -> Response:
    """The audiences of a site."""
    query = INDEX.of(call)
    site = asked_site(query.filters, caller)
    shown: list[dict[str, Any]] = []
    total = 0

    async def chosen(connection: Connection) -> list[RelatedObject]:
        nonlocal total
        assert site is not None
        page, total = await object_lists.page_of(connection, site, KIND, query)
        return page

    if site is not None:
        async with call.until_disconnect():
            shown = await resources(call, caller, site, chosen, query.fields.get(KIND.type))
    home = origin(call.scope, call.services.settings.trusted_proxies)
    links = paging.links(f"{home}/v1/{KIND.type}", call.scope["query_string"], query.page, total)
    return document({"data": shown, "links": links, "meta": paging.meta(query.page, total)}, warnings=query.warnings)


async def show(call: Call, caller: Reader) -> Response:
    """One audience."""
    query, site = await asked(call, caller, KIND, SHOW)
    return await _shown(call, caller, site, query, reference_in_path(call, KIND))


async def create(call: Call, caller: Writer) -> Response:
    """Create an audience: dynamic with a question, or a list."""
    query = CREATE.of(call)
    body = await read_resource(call, KIND.type)
    site = site_of(body, caller, required=False)
    command = SaveAudience(object_bodies.creation(KIND, body, call.services.store.limits), definition_change(body))
    outcome = await call.submit(site, command, explained=explained)
    assert outcome.object is not None
    with after_commit():
        return await _shown(call, caller, site, query, outcome.object.number, status=201)


async def change(call: Call, caller: Writer) -> Response:
    """Change an audience."""
    query, site = await asked(call, caller, KIND, SHOW)
    body, saved, number = await read_change(call, site, KIND)
    await call.submit(site, SaveAudience(saved, definition_change(body), expected_etags(call)), explained=explained)
    with after_commit():
        return await _shown(call, caller, site, query, number)


async def remove(call: Call, caller: Writer) -> Response:
    """Delete an audience that no other refers to."""
    query, site = await asked(call, caller, KIND, REMOVE)
    await call.submit(site, DeleteAudience(reference_in_path(call, KIND), expected_etags(call)), explained=explained)
    return document(EMPTY, warnings=query.warnings)


async def _shown(
    call: Call, caller: Caller, site: int, query: ParsedQuery, reference: Reference, *, status: int = 200
) -> Response:
    async def chosen(connection: Connection) -> list[RelatedObject]:
        item = await find_object(connection, site, KIND.kind, reference)
        return [] if item is None else [item]

    found = await resources(call, caller, site, chosen, query.fields.get(KIND.type))
    if not found:
        raise unknown(KIND)
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/{KIND.type}/{quote(found[0]['id'], safe='')}"
    headers = {"Location": address} if status == 201 else None
    return document(
        {"data": found[0], "links": {"self": address}}, warnings=query.warnings, status=status, headers=headers
    )


_ONE: Final = f"/v1/{KIND.type}/{{id}}"

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "audiences.index",
        "GET",
        f"/v1/{KIND.type}",
        index,
        "List audiences",
        "Each has its exact `total` and its `reach` at this moment. To save time, ask for fewer with "
        "`fields[audiences]`.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "audiences.show",
        "GET",
        _ONE,
        show,
        "Get an audience by number or key",
        "`used_by` names the audiences whose questions refer to it. `problem` says why it cannot be counted.",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
    Operation(
        JSONAPI,
        "audiences.create",
        "POST",
        f"/v1/{KIND.type}",
        create,
        "Create an audience",
        "A `dynamic` audience needs a question, as JSON or text. A `list` has members that you add.",
        query=CREATE,
        body=ref(body_schemas.creation(KIND.type)),
        reply=schemas.created(KIND.type),
        status=201,
    ),
    Operation(
        JSONAPI,
        "audiences.change",
        "PATCH",
        _ONE,
        change,
        "Change an audience",
        "`version` goes up with each change of the question. With `If-Match`, which takes an `etag`, the call is "
        "refused with 412 if the audience has changed since.",
        query=SHOW,
        body=ref(body_schemas.change(KIND.type)),
        reply=schemas.shown(SHOW),
        errors=(412,),
    ),
    Operation(
        JSONAPI,
        "audiences.remove",
        "DELETE",
        _ONE,
        remove,
        "Delete an audience",
        "Refused while the question of another audience refers to it.",
        query=REMOVE,
        reply=schemas.NOTHING,
        errors=(412,),
    ),
)
"""The operations on audiences."""
