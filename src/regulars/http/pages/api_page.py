"""The API page: renders the OpenAPI document as HTML."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from regulars.http.pages.rendering import render_page

Schema = Mapping[str, Any]

_MANY: Final = 12
"""Tables with more parameters than this are folded."""

START_CALLS: Final = {
    "JSON:API": (
        "Query customers, manage tags and offers, or use a Kajabi client.",
        'curl -g -H "Authorization: Bearer $KEY" "$HOST/v1/customers?filter[subscribed]=true&page[size]=5"',
    ),
    "Classic": (
        "Send customers and events as plain JSON, or use a Sendwithus or Blueshift client.",
        'curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
        """-d '{"email": "anna@example.com", "name": "Anna Keller"}' "$HOST/api/v1/customers\"""",
    ),
}
"""For each API, by its tag: who should use it, and a first call."""


class Field(NamedTuple):
    """A line of a table of fields: the dotted name, the schema, and whether it is required."""

    name: str
    schema: Schema
    required: bool


class Table(NamedTuple):
    """A table of parameters; folded where it is long."""

    title: str
    parameters: list[Mapping[str, Any]]
    folded: bool


class CallView(NamedTuple):
    """An operation as the page shows it."""

    method: str
    path: str
    operation: Mapping[str, Any]
    command: str
    tables: list[Table]
    statuses: list[tuple[str, Mapping[str, Any]]]
    errors: list[str]


def page(document: Mapping[str, Any]) -> str:
    """The whole page. It leaves out other spellings of a path, which the document marks as deprecated."""
    every = ((method, path, each) for path, by in document["paths"].items() for method, each in by.items())
    calls = [_view(method.upper(), path, each) for method, path, each in every if not each.get("deprecated")]
    responses = document["components"]["responses"]
    tags = [each["name"] for each in document["tags"]]
    return render_page(
        "docs.html",
        document=document,
        calls={tag: [each for each in calls if tag in each.operation["tags"]] for tag in tags},
        apis=START_CALLS,
        errors={name.partition("-")[2]: each["description"] for name, each in responses.items()},
        shapes={name.partition("-")[0]: each["content"] for name, each in responses.items()},
        fields=fields,
        limits=limits,
        pretty=lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        slug=slug,
    )


def _view(method: str, path: str, operation: Mapping[str, Any]) -> CallView:
    replies = operation["responses"].items()
    return CallView(
        method,
        path,
        operation,
        command(method, path, operation),
        list(_tables(operation)),
        [(status, each) for status, each in replies if "$ref" not in each],
        [status for status, each in replies if "$ref" in each],
    )


def _tables(operation: Mapping[str, Any]) -> Iterator[Table]:
    given = operation.get("parameters", ())
    for title, is_filter in (("Parameters", False), ("Filters", True)):
        found = [each for each in given if each["name"].startswith("filter[") == is_filter]
        if found:
            yield Table(title, found, len(found) > _MANY)


def command(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """The call with curl."""
    parts = ["curl -g"]
    if method != "GET":
        parts.append(f"-X {method}")
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $KEY"')
    if body := operation.get("requestBody"):
        media_type, content = next(iter(body["content"].items()))
        if media_type.endswith("json"):
            parts += [f"-H 'Content-Type: {media_type}'", f"-d '{json.dumps(content['example'])}'"]
        elif isinstance(content["example"], str):
            parts.append("--data-binary @FILE")
        else:
            parts += [f"-d {name}={each}" for name, each in content["example"].items()]
    return " ".join((*parts, f'"$HOST{path}"'))


def fields(schema: Schema, prefix: str = "") -> Iterator[Field]:
    """Every field of an object, or of the objects of a list; those of inner objects behind their own."""
    inner = schema["items"] if schema.get("type") == "array" else schema
    required = inner.get("required", ())
    for name, each in inner.get("properties", {}).items():
        yield Field(prefix + name, each, name in required)
        yield from fields(each, f"{prefix}{name}{'[]' if each.get('type') == 'array' else ''}.")


def limits(schema: Schema) -> str:
    """The limits of a value, and its default."""
    low, high = schema.get("minimum"), schema.get("maximum")
    shown = ""
    if low is not None:
        shown += f", {low} or more" if high is None else f", {low} to {high}"
    if (most := schema.get("maxItems")) is not None:
        shown += f", at most {most}"
    if (most := schema.get("maxLength")) is not None:
        shown += f", at most {most} characters"
    return shown + (f"; default {schema['default']}" if "default" in schema else "")


def slug(name: str) -> str:
    """A name as a part of a URL."""
    return "".join(char if char.isalnum() else "-" for char in name.lower())
