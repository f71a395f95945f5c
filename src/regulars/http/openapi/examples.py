"""Example values of a schema, built from the examples in the schema itself."""

from collections.abc import Mapping
from typing import Any, Final

from regulars.http.schema import FORMATS, Schema

PLAIN: Final[dict[str, Any]] = {"integer": 1, "number": 1.5, "boolean": True, "null": None, "string": "text"}


def sent(schema: Schema, components: Mapping[str, Schema]) -> Any:
    """A request body: the required fields, and those with an example."""
    return _value(schema, components, whole=False)


def answered(schema: Schema, components: Mapping[str, Schema]) -> Any:
    """A response with every field."""
    return _value(schema, components, whole=True)


def _value(schema: Schema, components: Mapping[str, Schema], *, whole: bool) -> Any:
    if target := schema.get("$ref"):
        return _value(components[target.rpartition("/")[2]], components, whole=whole)
    if examples := schema.get("examples"):
        return examples[0]
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if options := schema.get("anyOf"):
        return _value(options[0], components, whole=whole)
    named = schema.get("type")
    kind = named[0] if isinstance(named, list) else named
    match kind:
        case "object":
            return {
                name: _value(each, components, whole=whole)
                for name, each in schema.get("properties", {}).items()
                if whole or name in schema.get("required", ()) or _has_example(each, components)
            }
        case "array":
            return [_value(schema["items"], components, whole=whole)]
        case None:
            return {}
        case _:
            return FORMATS.get(schema.get("format", "")) or PLAIN[kind]


def _has_example(schema: Schema, components: Mapping[str, Schema]) -> bool:
    if target := schema.get("$ref"):
        return _has_example(components[target.rpartition("/")[2]], components)
    return "examples" in schema or any(_has_example(each, components) for each in schema.get("properties", {}).values())
