"""The activity of one customer: events, changes of the profile and of consent, newest first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from regulars.domain.consent import Consent
from regulars.domain.identity import public_number, uuid_text
from regulars.domain.moments import iso, iso_or_none
from regulars.domain.objects import RelatedObject
from regulars.domain.origin import ACTOR_TYPES, CHANNEL_NAMES
from regulars.domain.profile_changes import ProfileChange, ProfileTie
from regulars.domain.relations import BY_CODE, FLAG
from regulars.domain.working import ActivityRow
from regulars.http.call import Call
from regulars.http.jsonapi.documents import identifier
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.feeds import SINCE, UNTIL, Feed, one_of_names, reply
from regulars.http.jsonapi.kinds import BY_KIND
from regulars.http.jsonapi.places import customer_place, find_customer
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Reader
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, Schema, either, listed, one_of, or_null, record, such_as
from regulars.store.customer_history import KINDS, HistoryEntry, read_history
from regulars.store.engine import Connection
from regulars.store.reads import objects_by_number

TYPE: Final = "activities"
KIND: Final = "kind"
EVENT: Final = "event"
FIELDS: Final = (
    *("kind", "name", "at", "received_at", "channel", "actor", "event_uuid", "order_id", "log_id"),
    *("fields", "ties", "details"),
)
SPEC: Final = QuerySpec(fields={TYPE: FIELDS}, filters=(KIND, EVENT, SINCE, UNTIL), feed=True)
_Labels = Mapping[tuple[str, int], RelatedObject]


async def index(call: Call, caller: Reader) -> Response:
    """A page of a customer's activity."""
    query = SPEC.of(call)
    site, number = customer_place(call.path("id"), caller)
    feed = Feed(call, f"/v1/customers/{public_number(site, number)}/activity", query)
    kinds = feed.chosen(KIND)
    chosen = tuple(KINDS) if kinds is None else one_of_names(f"filter[{KIND}]", kinds, KINDS)
    name = feed.chosen(EVENT)
    if name is not None and EVENT not in chosen:
        raise ParameterProblem(f"filter[{EVENT}]", f"filter[{EVENT}] selects entries of the kind {EVENT} only.")
    span = feed.span()
    async with call.services.store.snapshot() as connection:
        customer, numbers = await find_customer(connection, site, number)
        entries, following = await read_history(
            connection, site, numbers, customer.created_at, span, kinds=chosen, name=name
        )
        labels = await _labels(connection, site, entries)
    fields = query.fields.get(TYPE)
    return feed.answer([_resource(site, entry, labels, fields) for entry in entries], following)


async def _labels(connection: Connection, site: int, entries: Sequence[HistoryEntry]) -> _Labels:
    """The objects that the entries mention, by kind and number; deleted ones are left out."""
    named: dict[str, set[int]] = {}
    for entry in entries:
        if isinstance(entry.record, ProfileChange):
            for tie in entry.record.ties:
                kind = None if tie.relation not in BY_CODE else BY_CODE[tie.relation].kind
                if kind is not None:
                    named.setdefault(kind, set()).add(tie.item)
    return {
        (kind, item.number): item
        for kind, numbers in named.items()
        for item in await objects_by_number(connection, site, kind, sorted(numbers))
    }


def _resource(site: int, entry: HistoryEntry, labels: _Labels, fields: frozenset[str] | None) -> dict[str, Any]:
    at, number, record_ = entry.place.at, entry.place.number, entry.record
    attributes: dict[str, Any] = {
        **dict.fromkeys(FIELDS),
        "kind": entry.kind,
        "at": iso(at),
        "details": {},
        "fields": [],
        "ties": [],
    }
    match record_:
        case ActivityRow():
            attributes |= _event(site, record_)
        case ProfileChange():
            attributes["name"] = "created" if record_.is_new else "updated"
            attributes["received_at"] = iso(at) if record_.channel is not None else None
            attributes["fields"] = list(record_.fields)
            attributes["ties"] = [_tie(tie, labels) for tie in record_.ties if tie.relation in BY_CODE]
        case Consent():
            attributes["name"] = "given" if record_.granted else "ended"
            attributes["received_at"] = iso_or_none(record_.received_at)
            shown = {name: getattr(record_, name) for name in ("cause", "source", "wording", "proof")}
            attributes["details"] = shown
    attributes |= origin_of(record_.channel, record_.actor)
    key = f"{at}-{number}" if entry.kind == "profile" else str(number)
    chosen = {name: value for name, value in attributes.items() if fields is None or name in fields}
    return {"id": f"{entry.kind}-{key}", "type": TYPE, "attributes": chosen}


def _event(site: int, row: ActivityRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "received_at": iso_or_none(row.received_at),
        "event_uuid": None if row.uuid is None else uuid_text(row.uuid),
        "order_id": row.order_id,
        "log_id": None if row.log is None else f"log_{public_number(site, row.log)}",
        "details": msgspec.Raw(row.detail) if row.detail else {},
    }


def _tie(tie: ProfileTie, labels: _Labels) -> dict[str, Any]:
    relation = BY_CODE[tie.relation]
    shown: dict[str, Any] = {"relation": relation.name, "holds": tie.holds, "object": None}
    if relation.kind is not None and tie.item != FLAG:
        kind = BY_KIND.get(relation.kind)
        item = labels.get((relation.kind, tie.item))
        shown["object"] = identifier(f"{relation.kind}s" if kind is None else kind.type, tie.item)
        if item is not None:
            shown["object"] |= {"key": item.key, "title": item.title}
    return shown


def origin_of(channel: int | None, actor: int | None) -> dict[str, Any]:
    """The attributes `channel` and `actor`: by which way something came in, and from whom; null where unknown."""
    if channel is None or channel not in CHANNEL_NAMES:
        return {"channel": None, "actor": None}
    who = {"type": ACTOR_TYPES[channel], "id": None if actor is None else str(actor)}
    return {"channel": CHANNEL_NAMES[channel], "actor": who}


ORIGIN: Final[dict[str, Schema]] = {
    "channel": or_null(one_of(CHANNEL_NAMES.values())),
    "actor": or_null(record({"type": one_of(dict.fromkeys(ACTOR_TYPES.values())), "id": or_null(TEXT)})),
}
"""The schemas of `origin_of`."""

_TIE: Final = record(
    {
        "relation": such_as(TEXT, "group.member"),
        "holds": {"type": "boolean"},
        "object": or_null(
            record(
                {"id": TEXT, "type": TEXT, "key": or_null(TEXT), "title": TEXT},
                required=("id", "type"),
            )
        ),
    }
)
_ATTRIBUTES: Final[dict[str, Schema]] = {
    "kind": one_of(KINDS),
    "name": such_as(TEXT, "purchase"),
    "at": MOMENT,
    "received_at": or_null(MOMENT),
    **ORIGIN,
    **{name: or_null(TEXT) for name in ("event_uuid", "order_id", "log_id")},
    "fields": listed(such_as(TEXT, "attributes.plan")),
    "ties": listed(_TIE),
    "details": either(record({}, required=())),
}

OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "customers.activity",
        "GET",
        "/v1/customers/{id}/activity",
        index,
        "List the activity of a customer",
        "Events, changes of the profile and of consent, newest first. `filter[kind]` takes `event`, `profile` and "
        "`consent`, separated by commas; `filter[event]` the name of an event. Continue with `links.next` until it is "
        "null: a page of `filter[event]` may have fewer entries although more follow.",
        query=SPEC,
        reply=reply(TYPE, _ATTRIBUTES),
    ),
)
"""The operation on activity."""
