"""Audiences: the list, one with its figures, why somebody is in it, and changing, copying and deleting it."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import Browser, signed_in

AUDIENCES = "/admin/sites/main/audiences"


@pytest.fixture(scope="module")
def writer(app: InProcess) -> Iterator[Browser]:
    """A user who writes, on a site with ten customers of two countries; the first three have the tag vip."""
    api = app.client()
    for n in range(10):
        address = {"country": "Spain" if n % 2 else "Italy"}
        api.post("customers", {"email": f"p{n}@example.com", "name": f"Person {n}", "address": address})
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
    assert sum(each["customers"] for each in found["breakdown"]) in (0, 3)
    listed = writer.get(f"{AUDIENCES}.json").json()["audiences"]
    assert [each["total"] for each in listed if each["name"] == "VIPs <b>"] == [3]
    assert writer.get(f"{path}/history.csv").text.startswith("at,matched,reachable,entered,left")


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
    assert reply.status_code == 409
    assert "Refers" in reply.text or "Nothing was changed." in reply.text


def test_a_reader_may_only_look(app: InProcess, writer: Browser) -> None:
    path = made(writer, "Looked at")
    reader = signed_in(app, "read")
    assert "Change, copy or delete" not in reader.get(path).text
    for action in ("", "/clone", "/delete"):
        assert reader.post(path + action, {"name": "x"}).status_code == 403


@pytest.mark.parametrize("name", ["1", "nowhere", "%00", "..%2f", "<b>"])
def test_an_unknown_audience_is_not_found(writer: Browser, name: str) -> None:
    assert writer.get(f"{AUDIENCES}/{quote(name, safe='%')}").status_code in (400, 404)
