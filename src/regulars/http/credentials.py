"""Credentials: the ways to send a key, and the errors for requests without a valid one."""

import base64
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.types import Scope

API_KEY_HEADER: Final = "x-swu-api-key"
CLIENT_HEADER: Final = "x-swu-api-client"
_API_KEY: Final = API_KEY_HEADER.encode()
_AUTHORIZATION: Final = b"authorization"


class Presented(Struct, frozen=True):
    """A secret in a request. `bearer`: it can be an OAuth token or a key."""

    secret: str
    bearer: bool


def header_of(scope: Scope) -> tuple[bytes, bytes] | None:
    """The header with the secret, unparsed; None if there is none."""
    older = None
    for header in scope["headers"]:
        if header[0] == _AUTHORIZATION and header[1].strip():
            return header  # type: ignore[no-any-return]
        if header[0] == _API_KEY and header[1].strip():
            older = header
    return older


def presented(name: bytes, value: bytes) -> Presented:
    """The secret in a header of `header_of`; a malformed one becomes a secret that nobody has.

    HTTP Basic with the key as user name and no password; the base64 of the bare key, as real Blueshift integrations
    send it; a Bearer token; or the header of older Sendwithus clients.
    """
    text = value.decode("latin-1").strip()
    if name == _API_KEY:
        return Presented(text, bearer=False)
    scheme, _, rest = text.partition(" ")
    match scheme.lower():
        case "basic":
            return Presented((basic(rest) or ("", ""))[0], bearer=False)
        case "bearer":
            return Presented(rest.strip(), bearer=True)
        case _:
            return Presented("", bearer=False)


def basic(text: str) -> tuple[str, str] | None:
    """The user name and password of HTTP Basic; None if it is not base64 of UTF-8."""
    try:
        user, _, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return user, password


def is_sendwithus_client(request: Request) -> bool:
    """Whether the headers are those of a Sendwithus client library."""
    return CLIENT_HEADER in request.headers or API_KEY_HEADER in request.headers
