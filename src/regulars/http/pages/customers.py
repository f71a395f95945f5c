"""Customers: the table of those who match a question, with its exact total, and what can be done with the answer."""

import time
from typing import Any, Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.operation import Operation
from regulars.http.pages.api_client import Parameters, cursor_of, new_resource
from regulars.http.pages.completing import complete, named_objects
from regulars.http.pages.customer_columns import COLUMNS, NAME, chosen, next_sort, rows_of, sort_of
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.questioning import (
    CheckedQuestion,
    WrongQuestion,
    counts_of,
    reach_of,
    reachable,
    read_question,
)
from regulars.http.pages.screen import action, download, screen
from regulars.http.pages.signed_in import Editor, Viewer

PRESETS: Final = (
    ("New this month", "created in this month", "-created_at"),
    ("Best customers", "revenue > 100", "-net_revenue"),
    ("Not opened in 90 days", "is subscribed and not opened in last 90d", None),
    ("Unsubscribed lately", "unsubscribed_at in last 30d", None),
    ("Bounced", "is hard_bouncing", None),
)
"""Usual questions, with the order in which their answers are best read."""

MOST_ATTRIBUTES: Final = 100
SIZES: Final = ("25", "50", "100")


async def index(page: AdminPage, user: Viewer) -> View | Response:
    """The customers who match a question."""
    asked = await read_question(page)
    if isinstance(asked, CheckedQuestion) and "question" in page.parameters:
        return page.redirect(page.here(question=None, q=asked.canonical))
    columns, sort = chosen(page), sort_of(page)
    answer: dict[str, Any] = {}
    faults: list[dict[str, Any]] = []
    if isinstance(asked, CheckedQuestion):
        try:
            answer = await _answer(page, asked, sort)
        except ParameterProblem as error:
            faults = [{"detail": error.detail, "mended": None}]
    else:
        faults = asked.faults
    names = ",".join(each.name for each in columns)
    state = {"sort": page.parameters.get("sort"), "columns": names if "column" in _given(page) else None}
    return View(
        template="customers.html",
        partial="customer_results.html",
        title="Customers",
        data={"q": asked.text, **_meaning(asked), "faults": faults, **answer},
        more={
            "asked": asked,
            "answer": answer,
            "reachable": _reachable(asked, answer),
            "counted": [page.format.number(each) for each in answer.get("counts", ())],
            "names_of_objects": asked.names if isinstance(asked, CheckedQuestion) else {},
            "headings": (NAME, *columns),
            "columns": columns,
            "all_columns": COLUMNS,
            "sort": sort,
            "next_sort": next_sort,
            "presets": PRESETS,
            "sizes": SIZES,
            "names": names,
            "state": state,
        },
        status=422 if faults and page.wants_json else 200,
    )


async def _answer(page: AdminPage, asked: CheckedQuestion, sort: str) -> dict[str, Any]:
    """The page of customers, with the total, the time that it took, and the reach."""
    given = page.parameters
    size = given.get("size", SIZES[0])
    cursor = {"page[before]": given["before"]} if given.get("before") else {"page[after]": given.get("after", "")}
    parameters = {
        "q": None if asked.text in ("", "everybody") else asked.canonical,
        "sort": sort,
        "page[size]": size if size in SIZES else SIZES[0],
        **cursor,
        "include": "customer,tags",
    }
    began = time.perf_counter()
    found = await page.api.get("/v1/contacts", parameters)
    milliseconds = (time.perf_counter() - began) * 1_000
    return {
        "total": found["meta"]["total"],
        "milliseconds": round(milliseconds, 1),
        "reach": await reach_of(page, asked),
        "counts": await counts_of(page, asked),
        "unknown": [{**each, "noun": _noun(each["type"])} for each in found["meta"].get("unknown_objects", ())],
        "customers": rows_of(found),
        "next": cursor_of(found["links"]["next"]),
        "previous": cursor_of(found["links"]["prev"], "page[before]"),
    }


def _reachable(asked: CheckedQuestion | WrongQuestion, answer: dict[str, Any]) -> Any:
    """The question for those who match and can be emailed; None without an answer."""
    return reachable(answer["reach"], asked.question) if answer and isinstance(asked, CheckedQuestion) else None


async def save_audience(page: AdminPage, user: Editor) -> View | Response:
    """Save a question as an audience."""
    form = await page.form()
    name, text = form["name"], form["q"] or "everybody"
    back = page.url("/customers", q=form["q"])
    if not name:
        return page.redirect(back, "The audience was not saved: give it a name.")
    attributes = {"name": name, "kind": "dynamic", "q": text}
    try:
        made = await page.api.post("/v1/audiences", new_resource("audiences", attributes, user.current))
    except Problem as error:
        detail = error.faults[0].detail if error.faults else error.detail
        return page.redirect(back, f"The audience was not saved: {detail}")
    return page.redirect(page.url(f"/audiences/{made['data']['id']}"), f"“{name}” is saved.")


async def export(page: AdminPage, user: Viewer) -> Response:
    """All who match, as a CSV file."""
    asked = await read_question(page)
    if isinstance(asked, WrongQuestion):
        raise Problem("invalid", asked.faults[0]["detail"])
    everybody = asked.text in ("", "everybody")
    parameters = {"q": None if everybody else asked.canonical}
    return page.api.pass_on("GET", "/v1/customers", parameters, accept="text/csv")


async def text_of(page: AdminPage, user: Viewer) -> View:
    """The text form of a question in JSON, for the builder."""
    asked = await read_question(page)
    return View(template="question_text.html", title="Question", data={"q": asked.text, **_meaning(asked)})


async def catalogue(page: AdminPage, user: Viewer) -> View:
    """What can be asked about, with the attributes of the site."""
    reply = await page.api.get("/v1/questions/catalogue")
    attributes = (await page.api.get("/v1/attributes", {"page[size]": MOST_ATTRIBUTES}))["data"]
    shown = [{"name": each["attributes"]["name"], "customers": each["attributes"]["customers"]} for each in attributes]
    data = {**reply["data"]["attributes"], "attributes": shown}
    return View(template="question_catalogue.html", title="What you can ask about", data=data)


async def attribute_names(page: AdminPage, user: Viewer) -> View:
    """The names of attributes, to choose from."""
    parameters: Parameters = {"page[size]": MOST_ATTRIBUTES, "fields[attributes]": "name"}
    found = (await page.api.get("/v1/attributes", parameters))["data"]
    names = [each["attributes"]["name"] for each in found]
    return View(
        template="attributes.html", partial="_attribute_names.html", title="Attributes", data={"attributes": names}
    )


async def objects(page: AdminPage, user: Viewer) -> View:
    """The objects of a kind whose name has a text, for the builder."""
    kind = page.parameters.get("of", "contact_tags")
    found = await named_objects(page, kind, page.parameters.get("text", ""))
    shown = [{"key": key, "name": name} for key, name in found]
    return View(template="question_text.html", title="Objects", data={"objects": shown})


async def completion(page: AdminPage, user: Viewer) -> View:
    """What can follow in the text of a question."""
    text = page.parameters.get("q", "")
    return View(template="question_text.html", title="Completion", data={"options": await complete(page, text)})


def _meaning(asked: CheckedQuestion | WrongQuestion) -> dict[str, Any]:
    if isinstance(asked, WrongQuestion):
        return {"canonical": None, "question": None, "sentence": None, "faults": asked.faults}
    return {"canonical": asked.canonical, "question": asked.question, "sentence": asked.sentence, "faults": []}


def _noun(kind: str) -> str:
    """What one object of a type is called."""
    return {"contact_tags": "tag", "activities": "event"}.get(kind, kind.removesuffix("s").replace("_", " "))


def _given(page: AdminPage) -> set[str]:
    """Whether columns are named in the URL, in either way."""
    return {"column"} if {"column", "columns"} & {name for name, _ in page.call.query} else set()


OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("customers", "/customers", index, "See the customers who match a question"),
    download("customers.export", "/customers.csv", export, "Export the customers who match a question"),
    screen("questions.text", "/questions/text", text_of, "See a question as text"),
    screen("questions.catalogue", "/questions/catalogue", catalogue, "See what questions can be about"),
    screen("questions.attributes", "/questions/attributes", attribute_names, "See the names of attributes"),
    screen("questions.objects", "/questions/objects", objects, "Find objects by name"),
    screen("questions.complete", "/questions/complete", completion, "See what can follow in a question"),
    action("audiences.save", "/audiences", save_audience, "Save a question as an audience"),
)
"""The operations on customers and their questions."""
