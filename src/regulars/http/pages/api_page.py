"""The page of the API: an OpenAPI document as HTML that needs no script, no other file and no network."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from regulars.http.pages.markup import Html, element, inline, joined, prose
from regulars.http.pages.schema_view import anchor, fields, kind, sample

Operation = Mapping[str, Any]

STYLE: Final = Path(__file__).with_name("api_page.css").read_text()
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
"""What a browser may do with the page: apply its style, and nothing else."""

_ERROR: Final = "error-"
_MANY: Final = 12
"""A table of more parameters than this is folded."""


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    info = document["info"]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{info['title']} API"),
        element("style", Html(STYLE)),
    )
    body = element("body", element("nav", _contents(document)), element("main", _main(document)))
    return "<!doctype html>\n" + element("html", head, body, lang="en")


def _operations(document: Mapping[str, Any], tag: str) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _contents(document: Mapping[str, Any]) -> Iterator[str]:
    yield element("a", document["info"]["title"], href="#top", class_="title")
    for tag in document["tags"]:
        yield element("h2", element("a", tag["name"], href=f"#{_slug(tag['name'])}"))
        paths: dict[str, list[Html]] = {}
        for method, path, each in _operations(document, tag["name"]):
            paths.setdefault(path, []).append(element("a", _method(method), href=f"#{each['operationId']}"))
        yield element("ul", [element("li", element("span", path), *links) for path, links in paths.items()])
    yield element("h2", element("a", "Errors", href="#errors"))
    yield element("h2", element("a", "Schemas", href="#schemas"))


def _main(document: Mapping[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield element("h1", info["title"], " ", element("small", info["version"]), id="top")
    yield prose(info["description"])
    yield element("p", "As a document for programs: ", element("a", "openapi.json", href="openapi.json"))
    yield element("h2", "Who may call", id="security")
    schemes = document["components"]["securitySchemes"].items()
    yield element(
        "ul", [element("li", element("b", name), ": ", inline(each["description"])) for name, each in schemes]
    )
    for tag in document["tags"]:
        yield element("h2", tag["name"], id=_slug(tag["name"]))
        yield prose(tag["description"])
        for method, path, operation in _operations(document, tag["name"]):
            yield _article(document, method, path, operation)
    yield from _errors(document)
    yield element("h2", "Schemas", id="schemas")
    for name, schema in document["components"]["schemas"].items():
        yield element("section", element("h3", name), fields(schema), id=anchor(name))


def _method(method: str) -> Html:
    return element("span", method, class_=f"method {method.lower()}")


def _article(document: Mapping[str, Any], method: str, path: str, operation: Operation) -> Html:
    named = operation["operationId"]
    place = element("a", _method(method), element("code", path), href=f"#{named}")
    return element(
        "article",
        element("h3", place),
        element("p", inline(operation["summary"]), class_="summary"),
        prose(operation.get("description", "")) if operation["security"] else element("p", "Open: needs no key."),
        element("pre", _command(document, method, path, operation)),
        _parameters(operation),
        _body(operation),
        _replies(operation),
        id=named,
    )


def _parameters(operation: Operation) -> Html:
    given = operation.get("parameters", ())
    plain = [each for each in given if not each["name"].startswith("filter[")]
    filters = [each for each in given if each["name"].startswith("filter[")]
    return joined([_table("Parameters", plain), _table("Filters", filters)])


def _table(title: str, given: list[Mapping[str, Any]]) -> Html:
    if not given:
        return Html()
    rows = [
        element(
            "tr",
            element("th", element("code", each["name"])),
            element(
                "td",
                element("div", inline(each.get("description", ""))),
                element("span", kind(each["schema"]), class_="kind"),
            ),
        )
        for each in given
    ]
    table = element("table", rows, class_="fields")
    if len(given) > _MANY:
        return element("details", element("summary", f"{title} ({len(given)})"), table)
    return joined([element("h4", title), table])


def _body(operation: Operation) -> Html:
    if "requestBody" not in operation:
        return Html()
    content = operation["requestBody"]["content"]
    schema = next(iter(content.values()))["schema"]
    return joined([element("h4", "Body ", element("small", " or ".join(content))), fields(schema)])


def _command(document: Mapping[str, Any], method: str, path: str, operation: Operation) -> str:
    """The call with curl."""
    parts = ["curl -g"]
    if method != "GET":
        parts.append(f"-X {method}")
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $KEY"')
    if body := operation.get("requestBody"):
        media_type, content = next(iter(body["content"].items()))
        value = sample(content["schema"], document["components"]["schemas"])
        if media_type.endswith("json"):
            parts += [f"-H 'Content-Type: {media_type}'", f"-d '{json.dumps(value)}'"]
        else:
            parts += [f"-d {name}={each}" for name, each in value.items()]
    return " ".join((*parts, f'"$HOST{path}"'))


def _replies(operation: Operation) -> Html:
    """The good reply in full, the errors as links to where they are explained."""
    good = [(status, each) for status, each in operation["responses"].items() if "$ref" not in each]
    bad = [
        (status, each["$ref"].rpartition("/")[2]) for status, each in operation["responses"].items() if "$ref" in each
    ]
    links = [joined([element("a", status, href=f"#{_ERROR}{name}"), " "]) for status, name in bad]
    shown = [element("details", element("summary", element("b", status)), _shape(each)) for status, each in good]
    return joined([element("h4", "Replies"), *shown, element("p", "Errors: ", *links)])


def _errors(document: Mapping[str, Any]) -> Iterator[str]:
    """Every error, by the surface's shape and status."""
    yield element("h2", "Errors", id="errors")
    for name, response in document["components"]["responses"].items():
        shape = element("details", element("summary", "Its body"), _shape(response))
        yield element("section", element("h3", name), prose(response["description"]), shape, id=f"{_ERROR}{name}")


def _shape(response: Mapping[str, Any]) -> Html:
    """The media types of a reply, and the schema of the first."""
    content = response.get("content", {})
    shown = [fields(each["schema"]) for each in list(content.values())[:1]]
    return joined([element("p", element("small", " or ".join(content) or "No body.")), *shown])


def _slug(name: str) -> str:
    """A name as a part of a URL."""
    return "".join(char if char.isalnum() else "-" for char in name.lower())
