"""Shorthands for JSON Schema."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

Schema = dict[str, Any]

ANY: Final[Schema] = {}
TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
YES_OR_NO: Final[Schema] = {"type": "boolean"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
SECONDS: Final[Schema] = {"type": "integer", "description": "Unix seconds, UTC.", "examples": [1772357400]}
ADDRESS: Final[Schema] = {"type": "string", "description": "A URL.", "examples": ["https://regulars.example/v1/..."]}

FORMATS: Final = {
    "date-time": "2026-03-01T09:30:00.000Z",
    "uuid": "0197a1c4-1f00-7000-8000-00000000c0de",
    "email": "anna@example.com",
}
"""An example string per format."""


def such_as(schema: Schema, *examples: Any) -> Schema:
    """The schema with example values, shown in the documentation."""
    return {**schema, "examples": list(examples)}


def ref(name: str) -> Schema:
    """A reference to a schema in the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def either(*schemas: Schema) -> Schema:
    """Any of the schemas."""
    return {"anyOf": list(schemas)}


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [kind, "null"]}
    return either(schema, {"type": "null"})


def listed(items: Schema, most: int | None = None, **more: Any) -> Schema:
    """A list of at most `most` items."""
    return {"type": "array", "items": items, **({} if most is None else {"maxItems": most}), **more}


def one_of(values: Iterable[Any], **more: Any) -> Schema:
    """One of a fixed list of strings."""
    return {"type": "string", "enum": list(values), **more}


def record(fields: Mapping[str, Schema], *, required: Iterable[str] | None = None, **more: Any) -> Schema:
    """An object; it may have other keys too. required: default all fields."""
    needed = list(fields if required is None else required)
    return {"type": "object", "properties": dict(fields), **({"required": needed} if needed else {}), **more}
