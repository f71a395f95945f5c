"""Information about the server and the caller."""

from typing import Final

from starlette.responses import Response

import regulars
from regulars.http.call import Call
from regulars.http.jsonapi import schemas
from regulars.http.jsonapi.documents import document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.query import QuerySpec
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import Caller
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, record
from regulars.store import control

ROLES: Final = {"admin": "OWNER", "write": "ADMINISTRATOR", "read": "READER"}
"""The vendor's role for the first of these scopes that a key has."""

USERS: Final = ("initials", "name", "email", "role_level")
"""The attributes of a user."""

ME: Final = QuerySpec(fields={"users": USERS})


async def version(call: Call) -> Response:
    """The version of the server; open, so that it tells whether the server runs."""
    home = origin(call.scope, call.services.settings.trusted_proxies)
    return document(
        {
            "meta": {"title": "Regulars API", "version": regulars.__version__},
            "links": {"documentation": f"{home}/docs"},
            "jsonapi": {"version": "v1.1"},
        }
    )


async def me(call: Call, caller: Caller) -> Response:
    """The key, shown as the user that the vendor's clients expect."""
    query = ME.of(call)
    async with call.services.store.snapshot() as connection:
        name = await control.account_name(connection, caller.account)
    shown = dict(zip(USERS, (initials(name), name, "", role(caller)), strict=True))
    fields = query.fields.get("users", USERS)
    attributes = {field: value for field, value in shown.items() if field in fields}
    user = {"id": str(caller.key.id), "type": "users", "attributes": attributes}
    return document({"data": user}, warnings=query.warnings)


def initials(name: str) -> str:
    """The first letters of the first and the last word: "John van Doe" is JD."""
    words = name.split()
    return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper() if words else ""


def role(caller: Caller) -> str:
    """The vendor's word for what the key may do."""
    return next((level for scope, level in ROLES.items() if scope in caller.key.scopes), "NONE")


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "server.me",
        "GET",
        "/v1/me",
        me,
        "Get the calling API key",
        "Returns the key in the format of a Kajabi user.",
        query=ME,
        reply=schemas.shown(ME),
    ),
    Operation(
        JSONAPI,
        "server.version",
        "GET",
        "/v1/version",
        version,
        "Get the server version",
        "Needs no key.",
        reply=record(
            {
                "meta": record({"title": TEXT, "version": TEXT}),
                "links": record({}),
                "jsonapi": record({"version": TEXT}),
            }
        ),
    ),
)
"""The operations on the server and the caller."""
