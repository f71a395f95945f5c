"""The OpenAPI 3.1 document of a server: every operation with its parameters, body, responses and errors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import regulars
from regulars.domain.limits import Limits
from regulars.http.credentials import API_KEY_HEADER
from regulars.http.jsonapi.schemas import resources
from regulars.http.openapi.operations import described, error_responses
from regulars.http.operation import Operation
from regulars.http.schema import Schema
from regulars.http.surfaces import ERROR_SURFACES, SURFACES
from regulars.settings import Settings

VERSION: Final = "3.1.0"
SECURITY: Final[dict[str, dict[str, Any]]] = {
    "key": {"type": "http", "scheme": "basic", "description": "The API key as user name, without a password."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key, or an OAuth access token."},
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER.upper(),
        "description": "The API key, in the header that older Sendwithus clients use.",
    },
    "oauth": {
        "type": "oauth2",
        "description": "A key's number and secret are exchanged for tokens with the scopes of the key.",
        "flows": {"clientCredentials": {"tokenUrl": "/v1/oauth/token", "refreshUrl": "/v1/oauth/token", "scopes": {}}},
    },
}

_ABOUT: Final = (
    "Stores who your customers are, what they agreed to, every email they got and what they did with it. Answers which "
    "customers match a query, with an exact total, in milliseconds.\n\n"
    "An error names what is wrong and what is allowed. Every response has an `X-Request-Id`."
)


def document(operations: Iterable[Operation], settings: Settings) -> dict[str, Any]:
    """The document of these operations, with the limits of these settings."""
    operations = tuple(each for each in operations if each.is_listed)
    schemas = _schemas(operations, settings)
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
        "tags": [
            {"name": name, "description": text}
            for name, text in {each.tag: each.description for each in SURFACES}.items()
        ],
        "paths": _paths(operations, settings.page_size_limit, schemas),
        "components": {
            "schemas": schemas,
            "responses": error_responses(ERROR_SURFACES),
            "securitySchemes": SECURITY,
        },
    }


def _schemas(operations: Iterable[Operation], settings: Settings) -> dict[str, Schema]:
    """Every schema that operations refer to by name."""
    limits = Limits(email=settings.email_limit, attributes=settings.attributes_limit)
    shared = {name: schema for surface in SURFACES for name, schema in surface.components(limits).items()}
    return {**shared, **_resources(operations)}


def _paths(
    operations: Iterable[Operation], largest_page: int, components: Mapping[str, Schema]
) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        for path in operation.paths:
            shown = described(operation, path, largest_page=largest_page, components=components)
            paths.setdefault(path, {})[operation.method.lower()] = shown
    return paths


def _resources(operations: Iterable[Operation]) -> dict[str, Any]:
    """The resource types of all query specs. If several operations have a type, the one with most properties counts."""
    found: dict[str, Any] = {}
    for operation in operations:
        if operation.query is not None:
            for name, schema in resources(operation.query).items():
                if len(schema["properties"]) > len(found.get(name, {"properties": {}})["properties"]):
                    found[name] = schema
    return found
