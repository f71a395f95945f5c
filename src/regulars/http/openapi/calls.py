"""What is said of calls beyond what their routes tell: parameters, bodies and replies, one line each.

A JSON:API handler `index` needs no line here: its module's query spec `INDEX` says what it reads and answers.
"""

from typing import Final

from msgspec import Struct

from regulars.http import health
from regulars.http.call import JSON, Handler
from regulars.http.classic import batch, customers, events, groups, logs
from regulars.http.jsonapi import oauth, server
from regulars.http.openapi import objects
from regulars.http.openapi.schema import (
    ANY,
    SECONDS,
    TEXT,
    WHOLE,
    Schema,
    listed,
    one_of,
    record,
    ref,
)

FORM: Final = "application/x-www-form-urlencoded"


class Details(Struct, frozen=True, kw_only=True):
    """What a call takes and gives. `reply` None: no body. `kind`, `takes`: the media types of reply and body."""

    reply: Schema | None = None
    body: Schema | None = None
    query: dict[str, Schema] = {}
    kind: str = JSON
    takes: tuple[str, ...] = (JSON,)
    errors: tuple[int, ...] = ()


_OBJECT: Final = record({})
_FAILED: Final = listed(ANY, description="The inputs that failed, as they were sent.")
_ITEM: Final = record({"path": TEXT, "method": one_of(batch.METHODS), "body": ANY}, required=("path", "method"))
_ITEM_REPLY: Final = record({"path": TEXT, "method": TEXT, "status_code": WHOLE, "body": ANY})
_MEMBERSHIP: Final = Details(reply=objects.done(result=objects.RESULT))
_GROUP: Final = objects.done(result=objects.RESULT, group=ref("Group"))
_CLIENT: Final[dict[str, Schema]] = {"client_id": TEXT, "client_secret": TEXT}
_TOKEN: Final = {"grant_type": one_of(oauth.GRANTS), **_CLIENT, "refresh_token": TEXT}
_FORMS: Final = (FORM, JSON)

DETAILS: Final[dict[Handler, Details]] = {
    customers.show: Details(reply=objects.done(customer=ref("Customer"))),
    customers.search: Details(
        reply=objects.customers(),
        query={"email": TEXT, "customer_id": TEXT, "uuid": {"type": "string", "format": "uuid"}},
    ),
    customers.upsert: Details(
        body=ref("CustomerInput"),
        reply=objects.done(result=objects.RESULT, customer=ref("Customer")),
        errors=(404, 409),
    ),
    customers.bulk: Details(
        body=record({"customers": listed(ref("CustomerInput"), customers.BULK_LIMIT)}),
        reply=objects.done(
            customers=_FAILED,
            errors=listed(
                record({"status": WHOLE, "error_data": {"type": "object"}}), description="Why, in the same order."
            ),
            results=listed({"type": "object"}, description="A verdict for every input."),
        ),
    ),
    customers.remove: Details(reply=objects.done(result=TEXT)),
    customers.remove_posted: Details(body=ref("Who"), reply=objects.done(result=TEXT), errors=(409,)),
    logs.of_customer: Details(
        reply=objects.done(logs=listed(ref("Log"))),
        query={
            "count": {
                "type": "integer",
                "minimum": 1,
                "maximum": logs.LARGEST_COUNT,
                "default": logs.LARGEST_COUNT,
                "description": "How many at most.",
            },
            "created_gt": {**SECONDS, "description": "Later than this, in Unix seconds."},
            "created_lt": {**SECONDS, "description": "Earlier than this, in Unix seconds."},
        },
    ),
    groups.join: _MEMBERSHIP,
    groups.leave: _MEMBERSHIP,
    groups.index: Details(reply=objects.done(groups=listed(ref("Group")))),
    groups.create: Details(body=ref("GroupInput"), reply=_GROUP),
    groups.update: Details(body=ref("GroupChange"), reply=_GROUP),
    groups.remove: Details(reply=objects.done()),
    events.record: Details(body=ref("Event"), reply=objects.done(result=TEXT), errors=(404, 409)),
    events.bulk: Details(
        body=record({"events": listed(ref("Event"), events.BULK_LIMIT)}),
        reply=objects.done(count=WHOLE, failed=_FAILED),
    ),
    batch.batch: Details(body=listed(_ITEM, batch.BATCH_LIMIT), reply=listed(_ITEM_REPLY)),
    oauth.token: Details(
        body=record(_TOKEN, required=("grant_type",)),
        reply=record({**dict.fromkeys(("access_token", "refresh_token", "token_type"), TEXT), "expires_in": WHOLE}),
        takes=_FORMS,
    ),
    oauth.revoke: Details(body=record({"token": TEXT, **_CLIENT}, required=("token",)), takes=_FORMS),
    server.version: Details(
        reply=record({"meta": record({"title": TEXT, "version": TEXT}), "links": _OBJECT, "jsonapi": _OBJECT})
    ),
    health.show: Details(reply=record({"status": {"const": "ok"}})),
}
"""The details of handlers. A call that is not here, and has no query spec, is described by its route alone."""

MADE: Final = {
    "/openapi.json": Details(reply=_OBJECT),
    "/docs": Details(reply=TEXT, kind="text/html"),
}
"""The details of calls, by path, whose answer is made out of these details."""


def details_of(path: str, handler: Handler) -> Details:
    """The details of a call; nothing in particular where nothing is said."""
    return MADE.get(path) or DETAILS.get(handler, Details())
