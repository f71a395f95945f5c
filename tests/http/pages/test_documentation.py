import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import escape

from regulars.http.openapi.examples import answered, sent
from regulars.http.pages.api_page import START_CALLS, fields, limits, page
from regulars.http.pages.rendering import inline, prose

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
        if tag not in ("meta", "link", "input", "br"):
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


def test_the_page_asks_nobody_else_and_has_nothing_inline(anybody: Client) -> None:
    reply = anybody.get("/docs")
    page = Page(reply.text)
    assert page.open == []
    assert not {tag for tag, _ in page.found} & {"style", "img", "iframe", "object", "form"}
    scripts = [attributes for tag, attributes in page.found if tag == "script"]
    assert scripts == [{"src": "/docs/docs.js", "defer": None}]
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on") or name == "style"]
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = set(page.values("href"))
    assert links - {"/openapi.json", "/docs/docs.css"} <= {f"#{name}" for name in ids}


@pytest.mark.parametrize(
    ("path", "media_type"), [("docs.css", "text/css; charset=utf-8"), ("docs.js", "text/javascript; charset=utf-8")]
)
def test_the_files_of_the_page(anybody: Client, path: str, media_type: str) -> None:
    reply = anybody.get(f"/docs/{path}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, media_type)
    assert not re.search(r"url\(|@import|https?://|import ", reply.text)
    assert anybody.get(f"/docs/{path}", headers={"If-None-Match": reply.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/docs/nothing.js", "/docs/..%2frendering.py", "/docs/%3Cb%3E"])
def test_another_file_is_a_page_that_says_so(anybody: Client, path: str) -> None:
    reply = anybody.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "<h1>404 Not Found</h1>" in reply.text


def test_every_call_has_a_command_and_every_json_reply_a_sample(anybody: Client) -> None:
    articles = re.findall(r"<article.*?</article>", anybody.get("/docs").text, re.DOTALL)
    paths = anybody.get("/openapi.json").json()["paths"]
    every = [each for methods in paths.values() for each in methods.values()]
    assert len(articles) == sum(1 for each in every if not each.get("deprecated"))
    assert all("<pre>curl -g" in each for each in articles)
    without = {re.findall(r"<code>(.*?)</code>", each)[0] for each in articles if '<pre class="reply">' not in each}
    kinds = {kind for path in without for kind in paths[path].popitem()[1]["responses"]["200"].get("content", {})}
    assert kinds <= {"text/html", "text/plain", "application/gzip"}
    assert len(without) < 12  # pages, of which no sample is shown


def test_the_menu_names_the_calls(anybody: Client) -> None:
    menu = re.findall(r"<nav.*?</nav>", anybody.get("/docs").text, re.DOTALL)[0]
    for methods in anybody.get("/openapi.json").json()["paths"].values():
        assert all(f"<span>{escape(each['summary'])}</span>" in menu for each in methods.values())


@pytest.mark.parametrize("name", START_CALLS)
def test_the_first_call_of_each_api_works(app: InProcess, name: str) -> None:
    command = START_CALLS[name][1]
    client = app.client(account=f"start {name}")
    path = re.findall(r'"\$HOST([^"]+)"', command)[0]
    body = re.findall("-d '(.*?)'", command)
    reply = client.post(path, json.loads(body[0])) if body else client.get(path)
    assert reply.status_code == 200, reply.text


def test_every_call_is_in_the_page(anybody: Client) -> None:
    document: dict[str, Any] = anybody.get("/openapi.json").json()
    ids = Page(anybody.get("/docs").text).values("id")
    for methods in document["paths"].values():
        for each in methods.values():
            assert (each["operationId"] in ids) != each.get("deprecated", False)
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= set(ids)


def test_what_a_document_says_cannot_become_markup(anybody: Client) -> None:
    document = anybody.get("/openapi.json").json()
    document["info"]["description"] = "<script>alert(1)</script> `<b>`"
    assert "<script>alert" not in page(document)
    assert "<code>&lt;b&gt;</code>" in page(document)


def test_marked_text() -> None:
    assert inline("an `<x>` here & there") == "an <code>&lt;x&gt;</code> here &amp; there"
    assert prose("one\ntwo\n\n* a\n* b") == "<p>one two</p><ul><li>a</li><li>b</li></ul>"


def test_fields_and_limits() -> None:
    inner = {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": inner}}}
    assert [(each.name, each.required) for each in fields(schema)] == [("a", False), ("a[].b", True)]
    assert limits({"minimum": 1, "maximum": 9, "default": 2}) == ", 1 to 9; default 2"
    assert limits({"maxItems": 3}) == ", at most 3"
    assert limits({"minimum": 0, "maxLength": 5}) == ", 0 or more, at most 5 characters"


def test_examples_of_a_schema() -> None:
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
    components = {"X": {"type": "boolean"}}
    assert sent(schema, components) == {"a": [True], "b": 1, "c": "one", "e": "me"}
    assert answered(schema, components) == {"a": [True], "b": 1, "c": "one", "d": "text", "e": "me"}


def test_the_root_leads_a_browser_here(anybody: Client) -> None:
    accepted = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    reply = anybody.send("GET", "/", headers=accepted)
    assert (reply.status_code, reply.headers["location"]) == (302, "/docs")
    for accept in ("*/*", "application/json"):
        told = anybody.send("GET", "/", headers={"accept": accept})
        assert told.status_code == 404
        assert "/docs" in told.json()["error"]
