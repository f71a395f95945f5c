"""API keys: list, create, change, rotate and revoke them. A secret is shown once, in the reply that makes it."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from regulars.domain.faults import Fault
from regulars.domain.moments import DAY, iso, iso_or_none, parse_moment
from regulars.domain.text import is_storable, whole_number
from regulars.http.call import Call
from regulars.http.errors import Problem
from regulars.http.jsonapi.bodies import read_resource, refused, site_of
from regulars.http.jsonapi.documents import EMPTY, document
from regulars.http.jsonapi.origin import origin
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.keyring import AdminKey, Caller
from regulars.http.operation import Operation
from regulars.http.schema import MOMENT, TEXT, WHOLE, YES_OR_NO, Schema, listed, one_of, or_null, record, such_as
from regulars.store import control, key_changes
from regulars.store.control import SCOPES, ApiKey, ControlError

TYPE: Final = "keys"
LONGEST_LABEL: Final = 200
FASTEST: Final = 100_000
LONGEST_OVERLAP: Final = 90 * 24
USUAL_OVERLAP: Final = 24
"""Hours for which the old secret of a rotated key works on."""

_HOUR: Final = DAY // 24
_CHANGEABLE: Final = ("label", "expires_at")
_NEW: Final = ("scopes", "rate", "strict", *_CHANGEABLE)


async def index(call: Call, caller: AdminKey) -> Response:
    """The keys of the account, newest first."""
    home = _home(call)
    shown = [_resource(key, home) for key in reversed(await _keys(call, caller))]
    return document({"data": shown, "links": {"self": f"{home}/v1/{TYPE}"}})


async def create(call: Call, caller: AdminKey) -> Response:
    """Create a key. It can do nothing that its creator cannot."""
    body = await read_resource(call, TYPE)
    given = _read(body.attributes, _NEW, call.services.clock())
    site = site_of(body, caller, required=False)
    scopes, rate, strict = (body.attributes.get(name) for name in ("scopes", "rate", "strict"))
    faults = []
    if not isinstance(scopes, list) or not scopes or any(each not in SCOPES for each in scopes):
        faults.append(Fault("data.attributes.scopes", f"must be a list of some of {', '.join(SCOPES)}"))
    elif beyond := [each for each in scopes if each not in caller.key.scopes]:
        faults.append(Fault("data.attributes.scopes", f"cannot have {', '.join(beyond)}, which your own key lacks"))
    if rate is not None and (not isinstance(rate, int) or isinstance(rate, bool) or not 0 <= rate <= FASTEST):
        faults.append(Fault("data.attributes.rate", f"must be a whole number from 0 (no limit) to {FASTEST}, or null"))
    if strict is not None and not isinstance(strict, bool):
        faults.append(Fault("data.attributes.strict", "must be true or false"))
    if faults:
        raise refused(faults)
    async with call.services.store.snapshot() as connection:
        sites = await control.list_sites(connection, caller.account)
    key, secret = await control.create_key(
        call.services.store.engine,
        next(each for each in sites if each.id == site),
        scopes=tuple(scopes or ()),
        rate=rate,
        is_strict=bool(strict),
        **given,
        now=call.services.clock(),
        origin=call.origin,
    )
    return _shown(call, key, secret, status=201)


async def change(call: Call, caller: AdminKey) -> Response:
    """Give a key another label or expiry."""
    key = await _key(call, caller)
    body = await read_resource(call, TYPE, id_=str(key.id))
    given = {name: getattr(key, name) for name in _CHANGEABLE}
    given |= _read(body.attributes, _CHANGEABLE, call.services.clock())
    try:
        changed = await key_changes.change_key(
            call.services.store.engine, key, **given, now=call.services.clock(), origin=call.origin
        )
    except ControlError:
        raise _unknown() from None
    call.services.keyring.forget()
    return _shown(call, changed)


async def rotate(call: Call, caller: AdminKey) -> Response:
    """Make a new key that may do the same; the old one works on for some hours."""
    key = await _key(call, caller)
    body = await call.json_object()
    hours = body.get("overlap_hours", USUAL_OVERLAP)
    if unknown := sorted(body.keys() - {"overlap_hours"}):
        raise refused(Fault(name, "is no member of this body; allowed: overlap_hours") for name in unknown)
    if not isinstance(hours, int) or isinstance(hours, bool) or not 0 <= hours <= LONGEST_OVERLAP:
        raise refused([Fault("overlap_hours", f"must be a whole number from 0 to {LONGEST_OVERLAP}")])
    if beyond := [each for each in key.scopes if each not in caller.key.scopes]:
        raise Problem("scope_missing", f"The key may do what yours may not: {', '.join(beyond)}.")
    try:
        made, secret = await key_changes.rotate_key(
            call.services.store.engine, key.id, overlap=hours * _HOUR, now=call.services.clock(), origin=call.origin
        )
    except ControlError:
        raise _unknown() from None
    call.services.keyring.forget()
    return _shown(call, made, secret, status=201)


async def revoke(call: Call, caller: AdminKey) -> Response:
    """Revoke a key for good."""
    key = await _key(call, caller)
    if not await control.revoke_key(call.services.store.engine, key.id, now=call.services.clock(), origin=call.origin):
        raise _unknown()
    call.services.keyring.forget()
    return document(EMPTY)


def _read(attributes: Mapping[str, Any], allowed: tuple[str, ...], now: int) -> dict[str, Any]:
    """The label and the expiry in a body. Raises Problem for what is wrong, or not among what is allowed."""
    faults = [
        Fault(f"data.attributes.{name}", f"cannot be set; allowed: {', '.join(allowed)}")
        for name in sorted(attributes.keys() - set(allowed))
    ]
    found: dict[str, Any] = {}
    if "label" in attributes:
        label = attributes["label"]
        if label is not None and not (isinstance(label, str) and len(label) <= LONGEST_LABEL and is_storable(label)):
            faults.append(Fault("data.attributes.label", f"must be a text of at most {LONGEST_LABEL} characters"))
        else:
            found["label"] = (label or "").strip() or None
    if "expires_at" in attributes:
        given = attributes["expires_at"]
        try:
            moment = None if given is None else parse_moment(given)
            if moment is not None and moment <= now:
                raise ValueError("must be in the future")
            found["expires_at"] = moment
        except ValueError as error:
            faults.append(Fault("data.attributes.expires_at", str(error)))
    if faults:
        raise refused(faults)
    return found


async def _keys(call: Call, caller: Caller) -> list[ApiKey]:
    async with call.services.store.snapshot() as connection:
        return [each for each in await control.list_keys(connection) if each.account_id == caller.account]


async def _key(call: Call, caller: Caller) -> ApiKey:
    """The key of the account that the path names, if it is active. Raises Problem."""
    number = whole_number(call.path("id"), longest=9)
    for each in await _keys(call, caller):
        if each.id == number and each.revoked_at is None:
            return each
    raise _unknown()


def _unknown() -> Problem:
    return Problem("object_not_found", "No active key has this id.")


def _home(call: Call) -> str:
    return origin(call.scope, call.services.settings.trusted_proxies)


def _shown(call: Call, key: ApiKey, secret: str | None = None, *, status: int = 200) -> Response:
    shown = _resource(key, _home(call))
    if secret is not None:
        shown["attributes"]["secret"] = secret
    return document({"data": shown}, status=status)


def _resource(key: ApiKey, home: str) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "type": TYPE,
        "attributes": {
            "label": key.label,
            "hint": key.hint,
            "site_id": str(key.site_id),
            "scopes": list(key.scopes),
            "dialect": key.dialect,
            "rate": key.rate,
            "strict": key.is_strict,
            "created_at": iso(key.created_at),
            **{name: iso_or_none(getattr(key, name)) for name in ("expires_at", "last_used_at", "revoked_at")},
        },
        "links": {"self": f"{home}/v1/{TYPE}/{key.id}"},
    }


_GIVEN: Final[Mapping[str, Schema]] = {
    "label": such_as(or_null(TEXT), "shop"),
    "scopes": listed(one_of(SCOPES)),
    "rate": such_as(or_null(WHOLE), 50),
    "strict": such_as(YES_OR_NO, False),
    "expires_at": or_null(MOMENT),
}
_ATTRIBUTES: Final[Mapping[str, Schema]] = {
    **_GIVEN,
    "hint": such_as(TEXT, "rg_r18nGg"),
    "site_id": such_as(TEXT, "1"),
    "dialect": or_null(TEXT),
    "created_at": MOMENT,
    **dict.fromkeys(("last_used_at", "revoked_at"), or_null(MOMENT)),
    "secret": such_as(TEXT, "rg_r18nGg3ditLKslTX2q"),
}
_RESOURCE: Final = record(
    {
        "id": TEXT,
        "type": one_of((TYPE,)),
        "attributes": record(_ATTRIBUTES, required=tuple(name for name in _ATTRIBUTES if name != "secret")),
        "links": record({"self": TEXT}),
    }
)
_ONE: Final = record({"data": _RESOURCE})


def _body(names: tuple[str, ...], example: Mapping[str, Any]) -> Schema:
    attributes = record({name: _GIVEN[name] for name in names}, required=())
    data = record(
        {"type": one_of((TYPE,)), "attributes": attributes, "relationships": record({}, required=())},
        required=("type",),
    )
    return record({"data": data}, examples=[{"data": {"type": TYPE, "attributes": example}}])


OPERATIONS: Final = (
    Operation(
        JSONAPI,
        "keys.index",
        "GET",
        "/v1/keys",
        index,
        "List API keys",
        "All keys of the account, also revoked ones, without their secrets. Needs the scope `admin`.",
        reply=record({"data": listed(_RESOURCE), "links": record({"self": TEXT})}),
    ),
    Operation(
        JSONAPI,
        "keys.create",
        "POST",
        "/v1/keys",
        create,
        "Create an API key",
        "The reply has the `secret`, which is not stored and cannot be shown again. A key cannot have scopes that the "
        "calling key lacks. From `expires_at` on it is refused.",
        body=_body(_NEW, {"label": "shop", "scopes": ["admin"]}),
        reply=_ONE,
        status=201,
    ),
    Operation(
        JSONAPI,
        "keys.change",
        "PATCH",
        "/v1/keys/{id}",
        change,
        "Change the label or expiry of an API key",
        body=_body(_CHANGEABLE, {"label": "shop"}),
        reply=_ONE,
    ),
    Operation(
        JSONAPI,
        "keys.rotate",
        "POST",
        "/v1/keys/{id}/rotate",
        rotate,
        "Rotate an API key",
        f"Creates a key that may do the same, and lets the old one expire after `overlap_hours` ({USUAL_OVERLAP} if it "
        "is left out; 0: at once). The reply has the new `secret`.",
        body=record(
            {"overlap_hours": {**WHOLE, "minimum": 0, "maximum": LONGEST_OVERLAP, "default": USUAL_OVERLAP}},
            required=(),
            examples=[{"overlap_hours": 48}],
        ),
        reply=_ONE,
        status=201,
    ),
    Operation(JSONAPI, "keys.revoke", "DELETE", "/v1/keys/{id}", revoke, "Revoke an API key"),
)
"""The operations on API keys."""
