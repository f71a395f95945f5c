"""The OpenAPI 3.1 document of a server: every route, with what it takes, gives and refuses."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from starlette.routing import Route

import regulars
from regulars.domain.limits import Limits
from regulars.http.call import pattern
from regulars.http.credentials import API_KEY_HEADER
from regulars.http.openapi import objects, resources, written
from regulars.http.openapi.operations import endpoint_of, error_responses, operation, query_spec_of
from regulars.settings import Settings

VERSION: Final = "3.1.0"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

TAGS: Final = {
    "JSON:API": "For clients of Kajabi, and our own questions about customers.",
    "Classic": "Plain JSON objects, for clients of Sendwithus and Blueshift. Also below `/api/v1_0`.",
    "Server": "What the server says of itself.",
}

SECURITY: Final[dict[str, dict[str, Any]]] = {
    "key": {"type": "http", "scheme": "basic", "description": "The API key as user name, without a password."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key, or an OAuth access token."},
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER.upper(),
        "description": "The API key, as older clients of Sendwithus send it.",
    },
    "oauth": {
        "type": "oauth2",
        "description": "The number of a key and its secret are exchanged for tokens that can do what the key can.",
        "flows": {"clientCredentials": {"tokenUrl": "/v1/oauth/token", "refreshUrl": "/v1/oauth/token", "scopes": {}}},
    },
}

_ABOUT: Final = (
    "Who your customers are, what they agreed to, every mail they got and what they did with it; and which of them fit "
    "a question, with an exact total, at once.\n\n"
    "Bad input is answered with the name of what is wrong and what is allowed. Every reply has an `X-Request-Id`."
)


def document(routes: Sequence[Route], settings: Settings) -> dict[str, Any]:
    """The document of these routes, with the limits of these settings."""
    limits = Limits(email=settings.email_limit, attributes=settings.attributes_limit)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Regulars",
            "version": regulars.__version__,
            "summary": "A self-hosted customers API.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(routes, settings.page_size_limit),
        "components": {
            "schemas": {
                **objects.COMPONENTS,
                **objects.inputs(limits),
                **resources.COMPONENTS,
                **written.inputs(limits),
                **_resources(routes),
            },
            "responses": error_responses(),
            "securitySchemes": SECURITY,
        },
    }


def calls(routes: Iterable[Route]) -> Iterable[tuple[str, str, Route]]:
    """(path, method, route) of every call; a method that a GET brings along is not one."""
    for route in routes:
        for method in _METHODS:
            if method in (route.methods or ()):
                yield pattern(route.path), method, route


def _paths(routes: Sequence[Route], largest_page: int) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    named: dict[str, int] = {}
    for path, method, route in calls(routes):
        shown = operation(route, method, largest_page)
        times = named[shown["operationId"]] = named.get(shown["operationId"], 0) + 1
        if times > 1:  # another spelling of the same call
            shown["operationId"] += f".{times}"
        paths.setdefault(path, {})[method.lower()] = shown
    return paths


def _resources(routes: Sequence[Route]) -> dict[str, Any]:
    """The types of resource in the query specs; the same type of several calls is the fullest of them."""
    found: dict[str, Any] = {}
    for route in routes:
        if query_spec := query_spec_of(endpoint_of(route).handler):
            for name, schema in resources.resources(query_spec).items():
                if len(schema["properties"]) > len(found.get(name, {"properties": {}})["properties"]):
                    found[name] = schema
    return found
