"""Objects: what customers are tied to, such as tags and offers; counted, created, renamed and deleted."""

from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from starlette.responses import Response

from regulars.audience.questions.overlap import MOST_SETS
from regulars.audience.questions.tokens import word_or_quoted
from regulars.domain.text import is_digits
from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.api_client import Parameters, new_resource
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View, with_parameters
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor, Viewer

PAGE: Final = 24
MOST_PAGES: Final = 10
MOST_OFFERED: Final = 100


class ObjectListing(Struct, frozen=True):
    """A kind of object. type: of the API. word: in questions. title, key: the attributes that are its name and key."""

    name: str
    type: str
    word: str
    icon: str
    title: str = "name"
    key: str = "key"


KINDS: Final = {
    each.type: each
    for each in (
        ObjectListing("Tags", "contact_tags", "tag", "tag"),
        ObjectListing("Groups", "groups", "group", "users"),
        ObjectListing("Newsletters", "newsletters", "newsletter", "newspaper"),
        ObjectListing("Offers", "offers", "offer", "gift", title="title"),
        ObjectListing("Products", "products", "product", "package", title="title"),
        ObjectListing("Coupons", "coupons", "coupon", "ticket", key="code"),
        ObjectListing("Sequences", "sequences", "sequence", "send"),
        ObjectListing("Forms", "forms", "form", "clipboard-list", title="title"),
        ObjectListing("Events", "events", "event", "calendar"),
        ObjectListing("Assessments", "assessments", "assessment", "list-checks"),
    )
}
"""The kinds of objects that the page shows, by their type in the API."""


async def kinds(page: AdminPage, user: Viewer) -> View:
    """Every kind with the number of its objects."""
    counts = {}
    for kind in KINDS.values():
        found = await page.api.get(f"/v1/{kind.type}", {"page[size]": 1, f"fields[{kind.type}]": kind.title})
        counts[kind.type] = found["meta"]["total"]
    return View(template="objects.html", title="Objects", data={"counts": counts}, more={"kinds": KINDS})


async def index(page: AdminPage, user: Viewer) -> View:
    """A page of the objects of a kind, with how many customers each has."""
    return await _index(page, FormData([]))


async def create(page: AdminPage, user: Editor) -> View | Response:
    """Create an object."""
    form = await page.form()
    kind = _kind(page)
    attributes = {kind.title: form["name"], "description": form["description"] or None, kind.key: form["key"] or None}
    body = new_resource(kind.type, attributes, user.current)
    try:
        await page.api.post(f"/v1/{kind.type}", body)
    except Problem as error:
        form.refuse_faults(error, _fields(kind))
        return await _index(page, form, 422)
    return page.redirect(page.url(f"/objects/{kind.type}"), f"“{form['name']}” is created.")


async def show(page: AdminPage, user: Viewer) -> View:
    """One object: its customers, and what deleting it touches."""
    return await _view(page, FormData([]))


async def save(page: AdminPage, user: Editor) -> View | Response:
    """Rename an object, or describe it."""
    form = await page.form()
    kind = _kind(page)
    attributes = {kind.title: form["name"], "description": form["description"] or None}
    try:
        await page.api.patch(_path(page, kind), {"data": {"type": kind.type, "attributes": attributes}})
    except Problem as error:
        form.refuse_faults(error, _fields(kind))
        return await _view(page, form, 422)
    return page.redirect(page.url(f"/objects/{kind.type}"), f"“{form['name']}” is saved.")


async def delete(page: AdminPage, user: Editor) -> Response:
    """Delete an object."""
    kind = _kind(page)
    item = (await page.api.get(_path(page, kind)))["data"]
    await page.api.delete(_path(page, kind))
    name = item["attributes"][kind.title]
    return page.redirect(page.url(f"/objects/{kind.type}"), f"“{name}” is deleted.")


def _kind(page: AdminPage) -> ObjectListing:
    kind = KINDS.get(page.identifier("kind"))
    if kind is None:
        raise Problem("object_not_found", "There are no objects of this kind.")
    return kind


def _fields(kind: ObjectListing) -> dict[str, str]:
    return {f"data.attributes.{kind.title}": "name", f"data.attributes.{kind.key}": "key"}


def _path(page: AdminPage, kind: ObjectListing) -> str:
    assert page.user is not None
    path = f"/v1/{kind.type}/{page.segment('object')}"
    return with_parameters(path, {"filter[site_id]": page.user.current.id})


def _question(kind: ObjectListing, number: str) -> dict[str, Any]:
    return {"has": kind.word, "any_of": [int(number) if kind.key == "key" else number]}


def _text(kind: ObjectListing, number: str, key: str | None) -> str:
    """The question for the customers of an object, as text: by its key, if it cannot be taken for a number."""
    return f"{kind.word}:{word_or_quoted(key) if key and not is_digits(key) else number}"


async def sizes_of(page: AdminPage, questions: list[dict[str, Any]]) -> list[int]:
    """How many customers fit each question."""
    sizes: list[int] = []
    for start in range(0, len(questions), MOST_SETS):
        part = {"questions": questions[start : start + MOST_SETS]}
        sizes += (await page.api.post("/v1/questions/overlap", part))["data"]["attributes"]["sizes"]
    return sizes


async def _index(page: AdminPage, form: FormData, status: int = 200) -> View:
    kind = _kind(page)
    name = page.parameters.get("name", "")
    found = await page.api.get(
        f"/v1/{kind.type}",
        {
            "sort": page.parameters.get("sort", kind.title),
            "page[size]": PAGE,
            "page[number]": page.parameters.get("page", "1"),
            f"filter[{kind.title}_cont]": name or None,
        },
    )
    sizes = await sizes_of(page, [_question(kind, each["id"]) for each in found["data"]])
    rows = [
        {
            "id": each["id"],
            "name": each["attributes"][kind.title],
            "key": each["attributes"][kind.key],
            "description": each["attributes"]["description"],
            "customers": size,
            "created_at": each["attributes"]["created_at"],
            "q": _text(kind, each["id"], each["attributes"][kind.key]),
        }
        for each, size in zip(found["data"], sizes, strict=True)
    ]
    meta = found["meta"]
    return View(
        template="object_list.html",
        title=kind.name,
        data={"objects": rows, "total": meta["total"], "number": meta["current_page"], "pages": meta["total_pages"]},
        more={"form": form, "kind": kind, "name": name, "start": f"/objects/{kind.type}"},
        status=status,
    )


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    kind = _kind(page)
    item = (await page.api.get(_path(page, kind)))["data"]
    (customers,) = await sizes_of(page, [_question(kind, item["id"])])
    attributes = item["attributes"]
    ids = {item["id"], *([attributes[kind.key]] if attributes[kind.key] else [])}
    return View(
        template="object.html",
        title=attributes[kind.title],
        data={
            "id": item["id"],
            "name": attributes[kind.title],
            "key": attributes[kind.key],
            "description": attributes["description"],
            "customers": customers,
            "q": _text(kind, item["id"], attributes[kind.key]),
            "named_by": await named_by(page, kind.word, ids),
        },
        more={
            "form": form,
            "kind": kind,
            "start": f"/objects/{kind.type}/{quote(item['id'], safe='')}",
            "others": await other_tags(page, item["id"]) if kind.word == "tag" else [],
        },
        status=status,
    )


async def other_tags(page: AdminPage, number: str) -> list[dict[str, str]]:
    """The tags besides one, by name, to choose from; none if there are too many for a list."""
    found = await page.api.get("/v1/contact_tags", {"sort": "name", "page[size]": MOST_OFFERED})
    if found["meta"]["total"] > MOST_OFFERED:
        return []
    return [{"id": each["id"], "name": each["attributes"]["name"]} for each in found["data"] if each["id"] != number]


async def named_by(page: AdminPage, word: str, ids: set[str]) -> list[dict[str, str]]:
    """The audiences whose questions name an object by one of its ids; of the first thousand audiences.

    word: of its kind in questions, such as tag.
    """
    found = []
    for number in range(1, MOST_PAGES + 1):
        parameters: Parameters = {"page[size]": 100, "page[number]": number, "fields[audiences]": "name,question"}
        reply = await page.api.get("/v1/audiences", parameters)
        found += [
            {"id": each["id"], "name": each["attributes"]["name"]}
            for each in reply["data"]
            if names(each["attributes"]["question"], word, ids)
        ]
        if number >= reply["meta"]["total_pages"]:
            break
    return found


def names(question: Any, word: str, ids: set[str]) -> bool:
    """Whether a question, or a part of it, names an object of a kind by one of these ids."""
    if isinstance(question, list):
        return any(names(each, word, ids) for each in question)
    if not isinstance(question, dict):
        return False
    if question.get("has") == word:
        listed = [each for value in question.values() if isinstance(value, list) for each in value]
        return any(str(each) in ids for each in listed)
    return any(names(each, word, ids) for each in question.values())


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("objects", "/objects", kinds, "See the kinds of objects"),
    screen("objects.kind", "/objects/{kind}", index, "See the objects of a kind"),
    action("objects.create", "/objects/{kind}", create, "Create an object"),
    screen("object", "/objects/{kind}/{object}", show, "See an object"),
    action("object.save", "/objects/{kind}/{object}", save, "Change an object"),
    action("object.delete", "/objects/{kind}/{object}/delete", delete, "Delete an object"),
)
"""The operations on objects."""
