"""OAuth 2: an API key is exchanged for short-lived tokens (RFC 6749), which can be revoked (RFC 7009)."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote_plus

from starlette.responses import Response

from regulars.http import credentials
from regulars.http.call import JSON, Call, json_response
from regulars.http.errors import Problem
from regulars.http.jsonapi.failures import MEDIA_TYPE
from regulars.http.jsonapi.query import pairs
from regulars.http.jsonapi.surface import OAUTH
from regulars.http.operation import Operation
from regulars.http.schema import TEXT, WHOLE, Schema, one_of, record, such_as
from regulars.store import control, tokens
from regulars.store.control import ApiKey
from regulars.store.tokens import Tokens

NOT_TO_BE_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
USER_GRANT: Final = "password"
"""The grant of a call that names a user, whether it names the grant or not."""

WRONG_CLIENT: Final = "Invalid client credentials"

_JSON_TYPES: Final = frozenset({JSON, MEDIA_TYPE})
"""JSON, also by the label that a client puts on everything that it sends below /v1."""

LARGEST_FORM: Final = 64 * 1024
"""The largest body (bytes), because anybody may send one."""

Form = dict[str, str]


async def token(call: Call) -> Response:
    """Exchange a key, or a refresh token, for new tokens."""
    form = await _form(call)
    name = form.get("grant_type") or (USER_GRANT if "username" in form else "")
    if not name:
        raise Problem("invalid_request", f"grant_type is required. Allowed: {', '.join(GRANTS)}.")
    grant = GRANTS.get(name)
    if grant is None:
        raise Problem("unsupported_grant_type", f"Unknown grant_type. Allowed: {', '.join(GRANTS)}.")
    granted = await grant(call, form)
    return json_response(
        {
            "access_token": granted.access_token,
            "refresh_token": granted.refresh_token,
            "token_type": "Bearer",
            "expires_in": granted.expires_in,
        },
        headers=NOT_TO_BE_KEPT,
    )


async def revoke(call: Call) -> Response:
    """Revoke a token and the one granted with it. Unknown tokens are ignored."""
    form = await _form(call)
    key = await _client(call, form) or await _bearer(call)
    if not form.get("token"):
        raise Problem("invalid_request", "token is required: the access or refresh token to revoke.")
    await tokens.revoke_tokens(call.services.store.engine, form["token"], key=key, now=call.services.clock())
    call.services.keyring.forget()
    return Response(headers=NOT_TO_BE_KEPT)


async def _by_client_credentials(call: Call, form: Form) -> Tokens:
    key = await _client(call, form)
    if key is None:
        raise Problem("invalid_client", WRONG_CLIENT)
    return await tokens.grant_tokens(call.services.store.engine, key, now=call.services.clock())


async def _by_password(call: Call, form: Form) -> Tokens:
    """As by client credentials: there are no users here, so the user name is a key's number, the password the key."""
    named = {"client_id": form.get("username", ""), "client_secret": form.get("password", "")}
    return await _by_client_credentials(call, {**form, **named})


async def _by_refresh_token(call: Call, form: Form) -> Tokens:
    if not form.get("refresh_token"):
        raise Problem("invalid_request", "refresh_token is required.")
    key = await _client(call, form)
    renewed = await tokens.renew_tokens(
        call.services.store.engine,
        form["refresh_token"],
        key=None if key is None else key.id,
        now=call.services.clock(),
    )
    if renewed is None:
        raise Problem("invalid_grant", "The refresh token is unknown, used, revoked or expired.")
    call.services.keyring.forget()
    return renewed


GRANTS: Final[dict[str, Callable[[Call, Form], Awaitable[Tokens]]]] = {
    "client_credentials": _by_client_credentials,
    "refresh_token": _by_refresh_token,
    USER_GRANT: _by_password,
}
"""The grants there are, as `grant_type` names them."""


async def _client(call: Call, form: Form) -> ApiKey | None:
    """The client, who is a key: its number and secret, in the form or by HTTP Basic. None if the request names none.

    Raises Problem where the two do not belong together.
    """
    presented = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
    if presented == ("", ""):
        return None
    number, secret = presented
    async with call.services.store.snapshot() as connection:
        key = await control.key_of_secret(connection, secret, now=call.services.clock())
    if key is None or str(key.id) != number:
        raise Problem("invalid_client", WRONG_CLIENT)
    return key


async def _bearer(call: Call) -> ApiKey:
    """The key behind the request's own token, as the vendor's clients revoke theirs."""
    header = credentials.header_of(call.scope)
    caller = None if header is None else await call.services.keyring.find(header)
    if caller is None:
        raise Problem("invalid_client", WRONG_CLIENT)
    return caller.key


def _basic(call: Call) -> tuple[str, str] | None:
    """The client's credentials by HTTP Basic, each form-encoded before (RFC 6749, 2.3.1)."""
    scheme, _, text = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    found = credentials.basic(text)
    if found is None:
        raise Problem("invalid_client", WRONG_CLIENT)
    number, secret = found
    return unquote_plus(number), unquote_plus(secret)


async def _form(call: Call) -> Form:
    """The parameters in the body: a form, as the standard has it, or a JSON object. Raises Problem."""
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    given: Iterable[tuple[str, Any]]
    if media_type in _JSON_TYPES:
        given = (await call.json_object(LARGEST_FORM)).items()
    else:
        given = pairs(await call.body(LARGEST_FORM))
    form: Form = {}
    for name, value in given:
        if value is None:
            continue  # as clients write a parameter in JSON that they do not give
        if name in form or not isinstance(value, str):
            raise Problem("invalid_request", f"{name} must be sent exactly once, as text.")
        form[name] = value
    return form


_CLIENT: Final[dict[str, Schema]] = {"client_id": such_as(TEXT, "1"), "client_secret": such_as(TEXT, "rg_secret")}

OPERATIONS: Final = (
    Operation(
        OAUTH,
        "oauth.token",
        "POST",
        "/v1/oauth/token",
        token,
        "Get access and refresh tokens",
        "Exchanges a key's number and secret, or a refresh token.",
        body=record(
            {
                "grant_type": such_as(one_of(GRANTS), "client_credentials"),
                **_CLIENT,
                **dict.fromkeys(("refresh_token", "username", "password"), TEXT),
            },
            required=(),
        ),
        reply=record(
            {
                "access_token": such_as(TEXT, "rga_secret"),
                "refresh_token": such_as(TEXT, "rgr_secret"),
                "token_type": such_as(TEXT, "Bearer"),
                "expires_in": such_as(WHOLE, 7200),
            }
        ),
    ),
    Operation(
        OAUTH,
        "oauth.revoke",
        "POST",
        "/v1/oauth/revoke",
        revoke,
        "Revoke a token",
        "Also revokes the token that was granted with it. Succeeds even if the token is unknown.",
        body=record({"token": such_as(TEXT, "rga_secret"), **_CLIENT}, required=("token",)),
    ),
)
"""The operations on tokens."""
