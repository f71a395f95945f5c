"""Credentials: the ways a caller may present a key, and what a request without a good one is told."""

import base64
import binascii
from typing import Final

from msgspec import Struct
from starlette.requests import Request

API_KEY_HEADER: Final = "x-swu-api-key"
CLIENT_HEADER: Final = "x-swu-api-client"


class Presented(Struct, frozen=True):
    """A secret that a request presents. `bearer`: it may be an OAuth token as well as a key."""

    secret: str
    bearer: bool


def presented(request: Request) -> Presented | None:
    """The secret in a request, None if it brings none; an unreadable one is a secret that nobody has.

    HTTP Basic with the key as user name and no password; the base64 of the bare key, as real Blueshift integrations
    send it; a Bearer token; or the header of older Sendwithus clients.
    """
    header = request.headers.get("authorization")
    if header:
        scheme, _, rest = header.strip().partition(" ")
        rest = rest.strip()
        match scheme.lower():
            case "basic":
                return Presented(_basic(rest), bearer=False)
            case "bearer":
                return Presented(rest, bearer=True)
            case _:
                return Presented("", bearer=False)
    key = request.headers.get(API_KEY_HEADER)
    return Presented(key.strip(), bearer=False) if key else None


def _basic(text: str) -> str:
    try:
        user, _, _ = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user


def is_sendwithus_client(request: Request) -> bool:
    """Whether the headers are those of a Sendwithus client library."""
    return CLIENT_HEADER in request.headers or API_KEY_HEADER in request.headers
