"""Audiences: the list, one with its figures, why somebody is in it, and changing, copying and deleting it."""

import asyncio
import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from regulars.domain.audience_watches import AudiencePoint
from regulars.domain.moments import DAY
from regulars.http.pages.audience_studies import DIMENSIONS
from regulars.store.audience_watches import save_points

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import Browser, now, signed_in

AUDIENCES = "/admin/sites/main/audiences"


@pytest.fixture(scope="module")
def writer(app: InProcess) -> Iterator[Browser]:
    """A user who writes, on a site with ten customers of two countries; the first three have the tag vip."""
    api = app.client()
    for n in range(10):
        place = {"country": "Spain" if n % 2 else "Italy"}
        api.post("customers", {"email": f"p{n}@example.com", "name": f"Person {n}", "data": place})
        if n < 3:
            api.post("event", {"event": "tag_added", "email": f"p{n}@example.com", "tag_id": "vip"})
    yield signed_in(app, "write")


def made(writer: Browser, name: str, q: str = "tag:vip") -> str:
    """The path of a new audience."""
    return str(writer.post(AUDIENCES, {"name": name, "q": q}).headers["location"])


def test_the_list_teaches_the_first_step(app: InProcess) -> None:
    page = signed_in(app, "read", account="empty").get(AUDIENCES).text
    assert "No audiences yet" in page
    assert_well_formed(page)


def test_an_audience_has_its_figures(writer: Browser) -> None:
    path = made(writer, "VIPs <b>")
    page = writer.get(path).text
    assert_well_formed(page)
    assert "Customers who have tag “vip”." in page
    assert "VIPs &lt;b&gt;" in page
    found = writer.get(f"{path}.json?by=address_country").json()
    assert (found["audience"]["total"], len(found["members"])) == (3, 3)
    listed = writer.get(f"{AUDIENCES}.json").json()["audiences"]
    assert [each["total"] for each in listed if each["name"] == "VIPs <b>"] == [3]
    assert writer.get(f"{path}/history.csv").text.startswith("at,matched,reachable,entered,left")


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("by=address_country", {"italy": 2, "spain": 1}),
        ("by=tag", {"vip": 3}),
        ("by=consent", {"never subscribed": 3}),
        ("by=list", {}),
        ("by=nonsense", {"italy": 2, "spain": 1}),
        ("attribute=plan", {"pro": 1, "true": 1}),
        ("attribute=attr.nothing", {}),
    ],
)
def test_it_spreads_over_any_field(app: InProcess, writer: Browser, by: str, rows: dict[str, int]) -> None:
    for n, plan in ((0, "pro"), (1, True)):
        app.client().post("customers", {"email": f"p{n}@example.com", "plan": plan})
    path = made(writer, f"Spread {by}")
    found = writer.get(f"{path}.json?{by}").json()["spread"]
    assert {each["name"].casefold(): each["customers"] for each in found["rows"]} == rows
    assert_well_formed(writer.get(f"{path}?{by}").text)
    lines = writer.get(f"{path}/spread.csv?{by}").text.splitlines()
    assert (lines[0], len(lines)) == ("value,customers,share", 1 + len(rows))


@pytest.mark.parametrize("field", list(DIMENSIONS["Month"]))
def test_it_spreads_over_the_months_of_a_time(writer: Browser, field: str) -> None:
    path = made(writer, f"Months {field}")
    found = writer.get(f"{path}.json?by={field}").json()["spread"]
    assert found["problem"] is None
    assert sum(each["customers"] for each in found["rows"]) == (
        3 if field in ("month:created_at", "month:joined_at") else 0
    )
    wrong = writer.get(f"{path}?attribute={quote('[')}")
    assert_well_formed(wrong.text)


def test_each_figure_leads_to_its_customers(app: InProcess, writer: Browser) -> None:
    app.client().post("customers", {"email": "p0@example.com", "subscribed": True, "wording": "Yes"})
    page = writer.get(made(writer, "Figures")).text
    found = re.findall(r'<a href="(/admin/sites/main/customers[?][^"]*)">(\d+)<', page)
    assert [int(figure) for _, figure in found][:3] == [3, 1, 2]
    for url, figure in found:
        reply = writer.get(url.replace("&amp;", "&"))
        asked = reply.headers["location"] if reply.status_code == 303 else url.replace("&amp;", "&")
        assert writer.get(asked.replace("customers?", "customers.json?")).json()["total"] == int(figure), url


def test_every_kind_of_object_can_be_broken_down_by(writer: Browser) -> None:
    path = made(writer, "Kinds")
    for by in DIMENSIONS["What they have"]:
        assert writer.get(f"{path}.json?by={by}").json()["spread"]["problem"] is None, by


def test_the_list_has_the_trend_of_each(app: InProcess, writer: Browser) -> None:
    number = int(made(writer, "Trending").rpartition("/")[2])
    days = [
        AudiencePoint(number, now() - back * DAY, 0, each, each, None, None)
        for back, each in ((40, 9), (20, 1), (10, 2))
    ]
    app.run(save_points(app.store.engine, app.site("acme", "main"), days))
    rows = writer.get(f"{AUDIENCES}.json").json()["audiences"]
    assert [each["trend"] for each in rows if each["name"] == "Trending"] == [[1, 2]]
    page = writer.get(AUDIENCES).text
    assert_well_formed(page)
    assert '<span class="small muted">+1</span>' in page


@pytest.mark.parametrize(
    ("customer", "sentence"),
    [("p0@example.com", "In the audience"), ("p9@example.com", "Not in the audience"), ("nobody@example.com", "error")],
)
def test_it_is_explained_why_somebody_is_in_it(writer: Browser, customer: str, sentence: str) -> None:
    path = made(writer, f"Why {customer}")
    page = writer.get(f"{path}?customer={quote(customer)}").text
    assert sentence in page
    assert_well_formed(page)


def test_an_audience_is_changed_copied_and_deleted(writer: Browser) -> None:
    path = made(writer, "Before")
    changed = writer.post(path, {"name": "After", "q": "tag:vip or tag:other", "watched": "on"})
    assert changed.headers["location"] == path
    found = writer.get(f"{path}.json").json()["audience"]
    assert (found["name"], found["q"], found["watched"]) == ("After", "tag:vip or tag:other", True)
    copy = writer.post(f"{path}/clone").headers["location"]
    assert writer.get(f"{copy}.json").json()["audience"]["name"] == "After (copy)"
    assert writer.post(f"{copy}/clone", {"name": "After"}).status_code == 422
    assert writer.post(f"{copy}/delete").headers["location"] == AUDIENCES
    assert writer.get(copy).status_code == 404


def test_what_is_wrong_is_told_beside_the_form(writer: Browser) -> None:
    path = made(writer, "Mended")
    for form, sentence in (
        ({"name": "Mended", "q": "tagg:vip"}, "Did you mean tag?"),
        ({"name": "", "q": "tag:vip"}, ""),
    ):
        reply = writer.post(path, form)
        assert reply.status_code == 422
        assert sentence in reply.text
        assert "Nothing was changed." in reply.text
    number = path.rpartition("/")[2]
    made(writer, "Refers", f"in audience/{number}")
    reply = writer.post(f"{path}/delete")
    assert (reply.status_code, "is used by “Refers”" in reply.text) == (409, True)


def test_a_reader_may_only_look(app: InProcess, writer: Browser) -> None:
    path = made(writer, "Looked at")
    reader = signed_in(app, "read")
    assert "Change, copy or delete" not in reader.get(path).text
    for action in ("", "/clone", "/delete"):
        assert reader.post(path + action, {"name": "x"}).status_code == 403


@pytest.mark.parametrize("name", ["1", "nowhere", "%00", "..%2f", "<b>"])
def test_an_unknown_audience_is_not_found(writer: Browser, name: str) -> None:
    assert writer.get(f"{AUDIENCES}/{quote(name, safe='%')}").status_code in (400, 404)


def test_folders_overlap_and_use(writer: Browser) -> None:
    first, second = made(writer, "Spring / VIPs"), made(writer, "Spring / Ids <b>", "email contains p2@")
    user = made(writer, "Names one", f"in audience/{first.rpartition('/')[2]}")
    page = writer.get(f"{AUDIENCES}?folder=Spring%20/")
    assert_well_formed(page.text)
    found = writer.get(f"{AUDIENCES}.json?folder=Spring%20/").json()
    assert ([each["name"] for each in found["audiences"]], found["folders"]) == (
        ["Spring / Ids <b>", "Spring / VIPs"],
        ["Spring /"],
    )
    asked = f"?with={second.rpartition('/')[2]}&with=&with=nowhere"
    assert "error" in writer.get(first + asked).text
    asked = asked.replace("nowhere", user.rpartition("/")[2])
    assert_well_formed(writer.get(first + asked).text)
    overlap = writer.get(f"{first}.json{asked}").json()["overlap"]
    assert [each["customers"] for each in overlap["sets"]] == [3, 1, 3]
    file = re.search(r'href="([^"]*overlap.csv[^"]*)"', writer.get(f"{first}{asked}").text)
    assert file
    assert len(writer.get(file[1].replace("&amp;", "&")).text.splitlines()) == 1 + len(overlap["regions"])
    for region in overlap["regions"]:
        total = writer.get(f"/admin/sites/main/customers.json?q={quote(region['q'])}").json()["total"]
        assert total == region["customers"]
    assert [each["name"] for each in writer.get(f"{first}.json").json()["used_by"]] == ["Names one"]


def test_people_join_a_list_and_leave_it_and_members_are_paged(app: InProcess, writer: Browser) -> None:
    lists = "/admin/sites/main/lists"
    assert writer.post(lists, {"name": ""}).status_code == 422
    path = str(writer.post(lists, {"name": "Guests"}).headers["location"])
    assert_well_formed(writer.get(path).text)
    client = app.client()
    for n in range(30):
        client.post("customers", {"email": f"guest{n}@example.com", "customer_id": f"g-{n}"})
    everybody = "\n".join(f"guest{n}@example.com" if n % 2 else f"g-{n}" for n in range(30))
    partly = writer.post(f"{path}/members", {"people": everybody + ", nobody@example.com", "act": "join"})
    assert (partly.status_code, "30 people have joined; 1 could not: nobody@example.com" in partly.text) == (422, True)
    assert_well_formed(partly.text)
    shown = writer.get(f"{path}.json").json()
    assert (len(shown["members"]), shown["audience"]["total"]) == (25, 30)
    following = writer.get(f"{path}.json?after={quote(shown['next'])}").json()
    assert (len(following["members"]), following["next"]) == (5, None)
    assert_well_formed(writer.get(f"{path}?after={quote(shown['next'])}").text)
    leaving = {"people": shown["members"][0]["id"], "act": "leave"}
    assert writer.post(f"{path}/members", leaving).headers["location"] == path
    assert writer.get(f"{path}.json").json()["audience"]["total"] == 29
    copy = writer.post(f"{path}/clone").headers["location"]
    until = time.monotonic() + 60
    while writer.get(f"{copy}.json").json()["audience"]["total"] < 29 and time.monotonic() < until:
        app.run(asyncio.sleep(0.02))
    found = writer.get(f"{copy}.json").json()["audience"]
    assert (found["kind"], found["total"]) == ("list", 29)
    assert writer.post(f"{path}/members", {"people": " "}).status_code == 422
    assert writer.get(f"{path}?after=garbage").status_code in (400, 422)
    dynamic = made(writer, "No list")
    refused = writer.post(f"{dynamic}/members", {"people": "p1@example.com"})
    assert (refused.status_code, "not a list" in refused.text) == (422, True)
