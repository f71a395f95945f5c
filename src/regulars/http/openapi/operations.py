"""Operations in the OpenAPI document: parameters, body, responses and errors of each."""

from collections.abc import Iterable, Mapping
from typing import Any

from regulars.http.errors import ERRORS
from regulars.http.openapi import examples, parameters
from regulars.http.operation import ErrorSurface, Operation
from regulars.http.schema import Schema

_STATUSES = frozenset(kind.status for kind in ERRORS.values())


def described(
    operation: Operation, path: str, *, largest_page: int, components: Mapping[str, Schema]
) -> dict[str, Any]:
    """The operation at one of its paths."""
    surface = operation.surface
    scope = f"The key needs the scope `{operation.scope}`." if operation.scope else ""
    shown: dict[str, Any] = {
        "operationId": identifier(operation, path),
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.description, scope))),
        "tags": [surface.tag],
        "parameters": [
            *parameters.in_path(path),
            *(parameters.in_query(operation.query, largest_page) if operation.query else ()),
            *(parameters.plain(name, schema) for name, schema in operation.parameters.items()),
        ],
        "security": [] if operation.caller is None else [{name: []} for name in surface.security],
        "responses": _responses(operation, components),
    }
    if path != operation.path:  # another spelling, which new clients should not use
        shown["deprecated"] = True
    if operation.body is not None:
        shown["requestBody"] = {
            "required": True,
            "content": {
                kind: {"schema": operation.body, "example": examples.sent(operation.body, components)}
                for kind in surface.takes
            },
        }
    return {name: value for name, value in shown.items() if value or name == "security"}


def identifier(operation: Operation, path: str) -> str:
    """The operationId, such as classic.customers.show; alternative paths get a number."""
    named = f"{operation.surface.tag.replace(':', '').lower()}.{operation.name}"
    spelling = operation.paths.index(path)
    return f"{named}.{spelling + 1}" if spelling else named


def _responses(operation: Operation, components: Mapping[str, Schema]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Found." if operation.method == "GET" else "Done."}
    if operation.reply is not None:
        content: dict[str, Any] = {"schema": operation.reply}
        media_type = operation.media_type or operation.surface.media_type
        if media_type.endswith("json"):
            content["example"] = examples.answered(operation.reply, components)
        good["content"] = {media_type: content}
    for kind, text in operation.files.items():
        shown = {"schema": {"type": "string"}, "example": text}
        good.setdefault("content", {})[kind] = shown if text else {"schema": {"type": "string", "format": "binary"}}
    shape = f"#/components/responses/{operation.surface.errors.name}"
    return {str(operation.status): good, **{str(each): {"$ref": f"{shape}-{each}"} for each in errors(operation)}}


def errors(operation: Operation) -> list[int]:
    """The error statuses of an operation."""
    surface, asks = operation.surface, operation.query is not None and operation.query.asks
    parts: tuple[tuple[bool, tuple[int, ...]], ...] = (
        (True, (400, 500, 503, *surface.statuses, *operation.errors)),
        (operation.caller is not None, (401, 403, 429)),
        ("{" in operation.path, (404,)),
        (operation.body is not None, (413,)),
        (operation.method != "GET", surface.change_statuses),
        (asks, (422,)),
    )
    return sorted(_STATUSES & {each for holds, statuses in parts if holds for each in statuses})


def error_responses(surfaces: Iterable[ErrorSurface]) -> dict[str, Any]:
    """A response per error surface and status, with the error codes of that status."""
    shown = {}
    for surface in surfaces:
        for status in sorted(_STATUSES):
            codes = [f"* `{code}`: {kind.meaning}" for code, kind in ERRORS.items() if kind.status == status]
            shown[f"{surface.name}-{status}"] = {
                "description": "\n".join(codes),
                "content": {kind: {"schema": schema} for kind, schema in surface.bodies.items()},
            }
    return shown
