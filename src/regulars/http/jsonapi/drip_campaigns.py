"""Drip campaigns: sequences with a plan of mails. The same objects as `/v1/sequences`, with their plans."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from regulars.domain.commands import DeleteObject, SaveDripCampaign
from regulars.domain.drip_campaigns import DripPlan
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.http.call import Call
from regulars.http.errors import after_commit
from regulars.http.jsonapi import body_schemas, object_bodies, object_lists, paging, schemas
from regulars.http.jsonapi.bodies import read_resource, site_of
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.drip_campaign_bodies import plan_change
from regulars.http.jsonapi.kinds import DRIP_CAMPAIGN, PLAN
from regulars.http.jsonapi.objects import asked, read_change, reference_in_path, submit, unknown
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.places import SITE_ID, asked_site
from regulars.http.jsonapi.query import ParsedQuery, QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader, Writer
from regulars.http.operation import Operation
from regulars.http.schema import ref
from regulars.store.drip_reads import plans_of, templates_of_plans
from regulars.store.engine import Connection
from regulars.store.reads import find_object

KIND: Final = DRIP_CAMPAIGN
_FIELDS: Final = {KIND.type: KIND.fields}

INDEX: Final = QuerySpec(fields=_FIELDS, filters=object_lists.filters(KIND), sorts=object_lists.sorts(KIND), paged=True)
SHOW: Final = QuerySpec(fields=_FIELDS, filters=(SITE_ID,))
CREATE: Final = QuerySpec(fields={})
REMOVE: Final = QuerySpec(fields={}, filters=(SITE_ID,))


async def index(call: Call, caller: Reader) -> Response:
    """The drip campaigns of a site."""
    query = INDEX.of(call)
    site = asked_site(query.filters, caller)
    page: list[RelatedObject] = []
    shown: list[dict[str, Any]] = []
    total = 0
    async with call.until_disconnect(), call.services.store.snapshot() as connection:
        if site is not None:
            page, total = await object_lists.page_of(connection, site, KIND, query)
            shown = await _resources(connection, site, page, query)
    home = origin(call.scope, call.services.settings.trusted_proxies)
    links = paging.links(f"{home}/v1/{KIND.type}", call.scope["query_string"], query.page, total)
    return document({"data": shown, "links": links, "meta": paging.meta(query.page, total)}, warnings=query.warnings)


async def show(call: Call, caller: Reader) -> Response:
    """One drip campaign."""
    query, site = await asked(call, caller, KIND, SHOW)
    return await _shown(call, site, query, reference_in_path(call, KIND))


async def create(call: Call, caller: Writer) -> Response:
    """Create a drip campaign; it is enabled unless the body says otherwise."""
    query = CREATE.of(call)
    body = await read_resource(call, KIND.type)
    site = site_of(body, caller, required=False)
    limits = call.services.store.limits
    plan = plan_change(body, limits)
    if plan.enabled is None:
        plan = msgspec.structs.replace(plan, enabled=True)
    command = SaveDripCampaign(object_bodies.creation(KIND, body, limits), plan)
    outcome = await submit(call, site, KIND, command)
    assert outcome.object is not None
    with after_commit():
        return await _shown(call, site, query, outcome.object.number, status=201)


async def change(call: Call, caller: Writer) -> Response:
    """Change a drip campaign; `steps` replaces all of its steps."""
    query, site = await asked(call, caller, KIND, SHOW)
    body, saved, number = await read_change(call, site, KIND)
    await submit(call, site, KIND, SaveDripCampaign(saved, plan_change(body, call.services.store.limits)))
    with after_commit():
        return await _shown(call, site, query, number)


async def remove(call: Call, caller: Writer) -> Response:
    """Delete a drip campaign with its pending mails."""
    query, site = await asked(call, caller, KIND, REMOVE)
    await submit(call, site, KIND, DeleteObject(KIND.kind, reference_in_path(call, KIND)))
    return document(EMPTY, warnings=query.warnings)


async def _shown(call: Call, site: int, query: ParsedQuery, reference: Reference, *, status: int = 200) -> Response:
    async with call.services.store.snapshot() as connection:
        item = await find_object(connection, site, KIND.kind, reference)
        if item is None:
            raise unknown(KIND)
        (resource,) = await _resources(connection, site, [item], query)
    home = origin(call.scope, call.services.settings.trusted_proxies)
    address = f"{home}/v1/{KIND.type}/{quote(resource['id'], safe='')}"
    headers = {"Location": address} if status == 201 else None
    return document(
        {"data": resource, "links": {"self": address}}, warnings=query.warnings, status=status, headers=headers
    )


async def _resources(
    connection: Connection, site: int, items: Sequence[RelatedObject], query: ParsedQuery
) -> list[dict[str, Any]]:
    plans = await plans_of(connection, site, [item.number for item in items])
    templates = await templates_of_plans(connection, site, plans.values())
    fields = query.fields.get(KIND.type)
    found = []
    for item in items:
        resource = KIND.resource(site, item, fields)
        plan = _plan(plans[item.number], templates)
        resource["attributes"].update({name: plan[name] for name in PLAN if fields is None or name in fields})
        found.append(resource)
    return found


def _plan(plan: DripPlan, templates: Mapping[int, str]) -> dict[str, Any]:
    trigger = plan.trigger_template
    return {
        "enabled": plan.enabled,
        "trigger_email_id": None if trigger is None else templates[trigger],
        "steps": [
            {"delay_seconds": step.delay_seconds, "template_id": templates[step.template]} for step in plan.steps
        ],
    }


_ONE: Final = f"/v1/{KIND.type}/{{id}}"

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "drip_campaigns.index",
        "GET",
        f"/v1/{KIND.type}",
        index,
        "List drip campaigns",
        "Drip campaigns are the sequences, with their plans. A sequence without a plan is disabled.",
        query=INDEX,
        reply=schemas.shown(INDEX),
    ),
    Operation(
        JSONAPI,
        "drip_campaigns.show",
        "GET",
        _ONE,
        show,
        "Get a drip campaign by number or key",
        query=SHOW,
        reply=schemas.shown(SHOW),
    ),
    Operation(
        JSONAPI,
        "drip_campaigns.create",
        "POST",
        f"/v1/{KIND.type}",
        create,
        "Create a drip campaign",
        "Templates that do not exist are created. The campaign is enabled unless `enabled` is false.",
        query=CREATE,
        body=ref(body_schemas.creation(KIND.type)),
        reply=schemas.created(KIND.type),
        status=201,
    ),
    Operation(
        JSONAPI,
        "drip_campaigns.change",
        "PATCH",
        _ONE,
        change,
        "Change a drip campaign",
        "`steps` replaces all steps. Emails that are already pending do not change.",
        query=SHOW,
        body=ref(body_schemas.change(KIND.type)),
        reply=schemas.shown(SHOW),
    ),
    Operation(
        JSONAPI,
        "drip_campaigns.remove",
        "DELETE",
        _ONE,
        remove,
        "Delete a drip campaign",
        "Cancels its pending emails and removes it from all customers.",
        query=REMOVE,
        reply=schemas.NOTHING,
    ),
)
"""The operations on drip campaigns."""
