"""Parameters of a path, and of a query as its query spec and the filter catalogue declare them."""

from collections.abc import Iterator
from typing import Any, Final

from regulars.audience.filters import catalogue
from regulars.audience.filters.values import SITE
from regulars.http.jsonapi.asked_question import AS_OF, QUESTION, TIME_ZONE
from regulars.http.jsonapi.asked_question import TEXT as ASKED_AS_TEXT
from regulars.http.jsonapi.paging import CURSORS, DEFAULT_SIZE, LARGEST_NUMBER, PAGE_NUMBER, PAGE_SIZE
from regulars.http.jsonapi.places import SITE_ID
from regulars.http.jsonapi.query import DESCRIBE, FLAGS, INCLUDE, SORT, QuerySpec
from regulars.http.jsonapi.questions import ASKED
from regulars.http.schema import TEXT, Schema, either, listed, one_of

Parameter = dict[str, Any]

PATHS: Final[dict[str, tuple[Schema, str]]] = {
    "who": (either({**TEXT, "format": "email"}, {**TEXT, "format": "uuid"}), "The customer's email address or uuid."),
    "group": (TEXT, "The group's number or key."),
    "id": (TEXT, "The resource's number. Objects can also be named by their key."),
}
"""Path parameters by name; others are text."""


def in_path(path: str) -> list[Parameter]:
    """The parameters in an operation's path."""
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    return [_parameter(name, *PATHS.get(name, (TEXT, "")), place="path") for name in names]


def in_query(query_spec: QuerySpec, largest_page: int) -> list[Parameter]:
    """The parameters of a query spec, in its order."""
    return [
        *(_page_and_order(query_spec, largest_page)),
        *(
            _parameter(name, listed(one_of(fields)), f"The fields of {kind} to return. Default: all.")
            for name, (kind, fields) in query_spec.fields.items()
        ),
        *_filters(query_spec),
    ]


def _page_and_order(query_spec: QuerySpec, largest_page: int) -> Iterator[Parameter]:
    page: Schema = {"type": "integer", "minimum": 1}
    size = {**page, "maximum": largest_page, "default": min(DEFAULT_SIZE, largest_page)}
    known: dict[str, tuple[Schema, str]] = {
        PAGE_NUMBER: ({**page, "maximum": LARGEST_NUMBER, "default": 1}, "The page number, starting at 1."),
        PAGE_SIZE: (size, "The number of items per page."),
        CURSORS[0]: (TEXT, "Return the page after this cursor, taken from `links`. Empty: the first page."),
        CURSORS[1]: (TEXT, "Return the page before this cursor, taken from `links`. Empty: the last page."),
        INCLUDE: (listed(one_of(query_spec.include)), "Related resources to return in `included`."),
        DESCRIBE: (one_of(FLAGS), "Return the query in words, in `meta.description`."),
        QUESTION: (TEXT, "The question as nested conditions, in JSON."),
        **{name: (ASKED[name], ASKED[name]["description"]) for name in (ASKED_AS_TEXT, TIME_ZONE, AS_OF)},
    }
    if query_spec.sorts:
        order = one_of(query_spec.sorts, default=query_spec.sorts[0])
        known[SORT] = (order, "The sort order; `-` is descending. Unset values come last in both directions.")
    for name, (low, high, default) in query_spec.numbers.items():
        words = name.replace("_", " ").capitalize()
        known[name] = ({"type": "integer", "minimum": low, "maximum": high, "default": default}, f"{words}.")
    return (_parameter(name, *known[name]) for name in query_spec.names if name in known)


def _filters(query_spec: QuerySpec) -> Iterator[Parameter]:
    of_catalogue = query_spec.filters.keys() >= {f"filter[{name}]" for name in catalogue.BY_NAME}
    for parameter, name in query_spec.filters.items():
        if of_catalogue and (named := catalogue.BY_NAME.get(name)) is not None:
            meaning = f"{named.meaning} Takes {named.kind.allowed}."
            yield {**_parameter(parameter, named.kind.schema, meaning), "example": _example(named)}
        elif name == SITE_ID:
            yield _parameter(parameter, SITE.schema, "The site of the account to use.")
        else:
            yield _plain_filter(parameter, name)


def _plain_filter(parameter: str, name: str) -> Parameter:
    words = name.replace("_", " ")
    noun, _, ending = words.rpartition(" ")
    match ending:
        case "search" | "cont" | "contains":
            meaning = (
                f"Only {noun} whose title contains the text."
                if ending == "search"
                else f"The {noun} contains the text."
            )
            return _parameter(parameter, {**TEXT, "minLength": 0}, meaning)
        case "page":
            return _parameter(parameter, TEXT, f"The page of {noun} to return.")
        case "per":
            return _parameter(parameter, TEXT, f"The number of {noun} per page.")
        case "eq":
            words = noun
        case "since" | "until":
            how = "at or after" if ending == "since" else "at or before"
            return _parameter(parameter, TEXT, f"Entries {how} this time: ISO 8601 or Unix seconds.")
    return _parameter(parameter, TEXT, f"The {words} is exactly this text.")


def _example(named: catalogue.Filter) -> str | int:
    return int(named.shown_example) if named.kind.schema["type"] == "integer" else named.shown_example


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
    """A query parameter whose description is part of its schema."""
    described = {each: value for each, value in schema.items() if each != "description"}
    return _parameter(name, described, schema.get("description", ""))
