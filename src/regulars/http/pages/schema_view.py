"""How a JSON Schema is shown: a line of what it takes, and a table of the fields of an object."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from regulars.http.pages.markup import Html, element, inline, joined

Schema = Mapping[str, Any]


def anchor(name: str) -> str:
    """Where a component's schema stands in the page."""
    return f"schema-{name}"


def kind(schema: Schema) -> Html:
    """What values a schema takes, in a few words."""
    if target := schema.get("$ref"):
        name = target.rpartition("/")[2]
        return element("a", name, href=f"#{anchor(name)}")
    if "const" in schema:
        return element("code", json.dumps(schema["const"]))
    if options := schema.get("enum"):
        return joined(["one of ", *_between([element("code", str(each)) for each in options], ", ")])
    if parts := schema.get("anyOf"):
        return joined(_between([kind(each) for each in parts], " or "))
    named = schema.get("type", "anything")
    names = " or ".join(named) if isinstance(named, list) else named
    if named == "array":
        return joined(["list of ", kind(schema["items"]), *_limits(schema)])
    shape = f" ({schema['format']})" if "format" in schema else ""
    return joined([names, shape, *_limits(schema)])


def _limits(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f", {low} to {high}"
    elif low is not None:
        yield f", {low} or more"
    if (most := schema.get("maxItems")) is not None:
        yield f", at most {most}"
    if (most := schema.get("maxLength")) is not None:
        yield f", at most {most} characters"
    if "default" in schema:
        yield f"; without it {schema['default']}"


def _between(parts: list[Html], separator: str) -> Iterator[str]:
    for place, part in enumerate(parts):
        yield part if place == 0 else joined([separator, part])


def fields(schema: Schema) -> Html:
    """A schema in full: an object as a table of its fields, with those of inner objects below it."""
    inner = schema["items"] if schema.get("type") == "array" else schema
    described = [element("p", inline(schema["description"]))] if "description" in schema else []
    if not inner.get("properties"):
        return joined([*described, element("p", kind(schema))])
    intro = [element("p", "A list of:")] if inner is not schema else []
    return joined([*described, *intro, element("table", [_row(*line) for line in _lines(inner)], class_="fields")])


def _lines(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """(dotted name, schema, whether it is required) of every field, those of inner objects behind their own."""
    required = schema.get("required", ())
    for name, each in schema["properties"].items():
        yield prefix + name, each, name in required
        inner = each["items"] if each.get("type") == "array" else each
        if inner.get("properties"):
            yield from _lines(inner, f"{prefix}{name}{'[]' if inner is not each else ''}.")


def _row(name: str, schema: Schema, required: bool) -> Html:
    said = [element("div", inline(schema["description"]))] if "description" in schema else []
    mark = [element("span", "required", class_="required")] if required else []
    return element(
        "tr",
        element("th", element("code", name), mark),
        element("td", element("span", kind(schema), class_="kind"), said),
    )


def sample(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """A value that a call could send: what is required, and what the schema has an example of."""
    if target := schema.get("$ref"):
        return sample(schemas[target.rpartition("/")[2]], schemas)
    if examples := schema.get("examples"):
        return examples[0]
    if "enum" in schema or "const" in schema:
        return schema.get("const", next(iter(schema.get("enum", ())), None))
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], schemas)
    match schema.get("type"):
        case "object":
            shown = {
                name: each for name, each in schema.get("properties", {}).items() if _is_telling(name, each, schema)
            }
            return {name: sample(each, schemas) for name, each in shown.items()}
        case "array":
            return [sample(schema["items"], schemas)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return "..."


def _is_telling(name: str, schema: Schema, parent: Schema) -> bool:
    return name in parent.get("required", ()) or "examples" in schema
