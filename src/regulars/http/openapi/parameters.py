"""Parameters: those of a path, and those of a query by its query spec and the catalogue of filters."""

from collections.abc import Iterator
from typing import Any, Final

from regulars.audience.filters import catalogue
from regulars.audience.filters.values import SITE
from regulars.http.jsonapi.paging import CURSORS, DEFAULT_SIZE, LARGEST_NUMBER, PAGE_NUMBER, PAGE_SIZE
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import DESCRIBE, FLAGS, INCLUDE, SORT, QuerySpec
from regulars.http.schema import TEXT, Schema, either, listed, one_of

Parameter = dict[str, Any]

PATHS: Final[dict[str, tuple[Schema, str]]] = {
    "who": (either({**TEXT, "format": "email"}, {**TEXT, "format": "uuid"}), "A customer's email address or uuid."),
    "group": (TEXT, "A group's number or key."),
    "id": (TEXT, "The number of the resource, or the key of an object that has one."),
}
"""The parts of paths by name; others are text."""


def in_path(path: str) -> list[Parameter]:
    """The parameters in an operation's path."""
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    return [_parameter(name, *PATHS.get(name, (TEXT, "")), place="path") for name in names]


def in_query(query_spec: QuerySpec, largest_page: int) -> list[Parameter]:
    """The parameters of a call that has a query spec, in the order of its own list."""
    return [
        *(_page_and_order(query_spec, largest_page)),
        *(
            _parameter(name, listed(one_of(fields)), f"Which fields of {kind} to show; without it all.")
            for name, (kind, fields) in query_spec.fields.items()
        ),
        *_filters(query_spec),
    ]


def _page_and_order(query_spec: QuerySpec, largest_page: int) -> Iterator[Parameter]:
    page: Schema = {"type": "integer", "minimum": 1}
    size = {**page, "maximum": largest_page, "default": min(DEFAULT_SIZE, largest_page)}
    known: dict[str, tuple[Schema, str]] = {
        PAGE_NUMBER: ({**page, "maximum": LARGEST_NUMBER, "default": 1}, "Which page, counted from 1."),
        PAGE_SIZE: (size, "How many a page has."),
        CURSORS[0]: (TEXT, "The page behind this cursor of another page's links; empty: the first one."),
        CURSORS[1]: (TEXT, "The page before this cursor of another page's links; empty: the last one."),
        INCLUDE: (listed(one_of(query_spec.include)), "Related resources to put into `included`."),
        DESCRIBE: (one_of(FLAGS), "Put the question into words, in `meta.description`."),
    }
    if query_spec.sorts:
        order = one_of(query_spec.sorts, default=query_spec.sorts[0])
        known[SORT] = (order, "The order; `-` for descending. What is unset stands last in both directions.")
    return (_parameter(name, *known[name]) for name in query_spec.names if name in known)


def _filters(query_spec: QuerySpec) -> Iterator[Parameter]:
    of_catalogue = query_spec.filters.keys() >= {f"filter[{name}]" for name in catalogue.BY_NAME}
    for parameter, name in query_spec.filters.items():
        if of_catalogue and (named := catalogue.BY_NAME.get(name)) is not None:
            meaning = f"{named.meaning} Takes {named.kind.allowed}."
            yield {**_parameter(parameter, named.kind.schema, meaning), "example": _example(named)}
        elif name == SITE_ID:
            yield _parameter(parameter, SITE.schema, "Which site of the account it is about.")
        elif name.endswith(_PARTS):
            yield _parameter(parameter, {**TEXT, "minLength": 0}, f"Those whose {_words(name)} contains the text.")
        else:
            yield _parameter(parameter, TEXT, f"Those whose {_words(name)} is exactly this.")


def _example(named: catalogue.Filter) -> str | int:
    return int(named.shown_example) if named.kind.schema["type"] == "integer" else named.shown_example


def _words(name: str) -> str:
    for ending in (*_PARTS, "_eq"):
        name = name.removesuffix(ending)
    return name.replace("_", " ")


_PARTS: Final = ("_cont", "_contains", "_search")
"""The endings of filters by a part of a text."""


def _parameter(name: str, schema: Schema, description: str, *, place: str = "query") -> Parameter:
    shape: Parameter = {"name": name, "in": place, "schema": schema}
    if description:
        shape["description"] = description
    if place == "path":
        shape["required"] = True
    if schema.get("type") == "array":
        shape["explode"] = False
    return shape


def plain(name: str, schema: Schema) -> Parameter:
    """A parameter of a query that is described by its schema alone."""
    described = {each: value for each, value in schema.items() if each != "description"}
    return _parameter(name, described, schema.get("description", ""))
