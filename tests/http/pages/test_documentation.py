import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from regulars.http.pages.api_page import STYLE, page
from regulars.http.pages.markup import Html, element, inline, prose
from regulars.http.pages.schema_view import kind, sample

from ...in_process import Client, InProcess


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with InProcess(tmp_path_factory.mktemp("pages") / "regulars.db") as app:
        yield Client(app, {})


class Page(HTMLParser):
    """What a page links to and holds, and whether its elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(name))]


@pytest.mark.parametrize(
    ("path", "media_type"), [("/openapi.json", "application/json"), ("/docs", "text/html; charset=utf-8")]
)
def test_everybody_gets_it_once(anybody: Client, path: str, media_type: str) -> None:
    reply = anybody.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (200, media_type)
    etag = reply.headers["etag"]
    assert anybody.get(path).content == reply.content
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        again = anybody.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert anybody.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_the_page_needs_no_network_and_no_script(anybody: Client) -> None:
    reply = anybody.get("/docs")
    page = Page(reply.text)
    assert page.open == []
    assert not {tag for tag, _ in page.found} & {"script", "link", "img", "iframe", "object"}
    assert page.values("src") == []
    assert not re.search(r"url\(|@import|https?://", STYLE)
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(page.values("href")) - {"openapi.json"} <= {f"#{name}" for name in ids}


def test_every_call_is_in_the_page(anybody: Client) -> None:
    document: dict[str, Any] = anybody.get("/openapi.json").json()
    ids = Page(anybody.get("/docs").text).values("id")
    for methods in document["paths"].values():
        assert {each["operationId"] for each in methods.values()} <= set(ids)
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= set(ids)


def test_what_a_document_says_cannot_become_markup(anybody: Client) -> None:
    document = anybody.get("/openapi.json").json()
    document["info"]["description"] = "<script>alert(1)</script> `<b>`"
    assert "<script" not in page(document)
    assert "<code>&lt;b&gt;</code>" in page(document)


def test_markup() -> None:
    assert (
        element("a", "x & y", Html("<b>z</b>"), href='"&', class_="") == '<a href="&quot;&amp;">x &amp; y<b>z</b></a>'
    )
    assert element("meta", name="a") == '<meta name="a">'
    assert inline("an `<x>` here") == "an <code>&lt;x&gt;</code> here"
    assert prose("one\ntwo\n\n* a\n* b") == "<p>one two</p><ul><li>a</li><li>b</li></ul>"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        ({"type": ["string", "null"], "format": "date-time"}, "string or null (date-time)"),
        ({"type": "integer", "minimum": 1, "maximum": 9, "default": 2}, "integer, 1 to 9; without it 2"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 3}, "list of string, at most 3"),
        ({"enum": ["a", "b"]}, "one of <code>a</code>, <code>b</code>"),
        ({"const": True}, "<code>true</code>"),
        ({"anyOf": [{"$ref": "#/components/schemas/X"}, {"type": "null"}]}, '<a href="#schema-X">X</a> or null'),
    ],
)
def test_kinds_in_words(schema: dict[str, Any], words: str) -> None:
    assert kind(schema) == words


def test_samples() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b", "c"],
        "properties": {
            "a": {"type": "array", "items": {"$ref": "#/x/X"}},
            "b": {"anyOf": [{"type": "integer"}]},
            "c": {"enum": ["one"]},
            "d": {"type": "string"},
            "e": {"type": "string", "examples": ["me"]},
        },
    }
    assert sample(schema, {"X": {"type": "boolean"}}) == {"a": [True], "b": 1, "c": "one", "e": "me"}
