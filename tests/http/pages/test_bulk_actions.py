"""Bulk actions on the page: choosing, preview, confirming, progress and undo; for the selected and for all."""

import asyncio
import re
import time

import pytest

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import Browser, signed_in

HOME = "/admin/sites/main"
ASKED = "q=email%20contains%20bulkpage.example"


@pytest.fixture(scope="module")
def browser(app: InProcess) -> Browser:
    client = app.client()
    for place in range(3):
        client.post("/api/v1/customers", {"email": f"p{place}@bulkpage.example"})
    tag = {"type": "contact_tags", "attributes": {"name": "Picked <b>", "key": "pickedb"}}
    assert client.post("/v1/contact_tags", {"data": tag}).status_code == 201
    return signed_in(app, "write")


def ended(app: InProcess, browser: Browser, path: str) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if not browser.get(f"{path}.json").json()["is_running"]:
            return browser.get(path).text
        app.run(asyncio.sleep(0.02))
    raise AssertionError("it did not end")


def test_all_who_match_are_changed_after_a_preview_and_it_is_undone(app: InProcess, browser: Browser) -> None:
    chosen = "type=add_tag&object=picked+%3Cb%3E"
    page = browser.get(f"{HOME}/bulk-action?{ASKED}&{chosen}")
    assert_well_formed(page.text)
    assert "Add a tag: 3 people" in page.text
    assert "Picked &lt;b&gt;" in page.text
    form = {"q": "email contains bulkpage.example", "type": "add_tag", "object": "Picked <b>"}
    begun = browser.post(f"{HOME}/bulk-action", form)
    assert begun.status_code == 303, begun.text
    path = begun.headers["location"]
    text = ended(app, browser, path)
    assert_well_formed(text)
    assert re.search(r"Changed</dt><dd class=\"value\">3<", text)
    assert browser.get(f"{HOME}/customers.json?q=tag:pickedb").json()["total"] == 3
    assert_well_formed(browser.get(f"{HOME}/bulk-actions").text)
    assert browser.post(f"{path}/undo").status_code == 303
    assert "Taken back</dt><dd>3" in ended(app, browser, path)
    assert browser.get(f"{HOME}/customers.json?q=tag:pickedb").json()["total"] == 0
    assert browser.post(f"{path}/cancel").status_code == 422


def test_two_tags_are_merged_and_the_empty_one_is_deleted(app: InProcess, browser: Browser) -> None:
    api = app.client()
    for name in ("Old <b>", "New"):
        made = api.post("/v1/contact_tags", {"data": {"type": "contact_tags", "attributes": {"name": name}}})
    for type_, object_ in (("add_tag", "Old <b>"), ("replace_tag", "Old <b>")):
        form = {"q": "email contains bulkpage.example", "type": type_, "object": object_, "by": "New"}
        begun = browser.post(f"{HOME}/bulk-action", form)
        assert begun.status_code == 303, begun.text
        text = ended(app, browser, begun.headers["location"])
        assert ("Finish the merge" in text) == (type_ == "replace_tag")
    assert_well_formed(text)
    delete = re.search(r'action="([^"]*/objects/contact_tags/\d+/delete)"', text)
    assert delete
    assert browser.post(delete[1]).status_code == 303
    assert "Finish the merge" not in browser.get(begun.headers["location"]).text
    assert browser.get(f"{HOME}/customers.json?q=tag:{made.json()['data']['id']}").json()["total"] == 3


def test_only_the_selected_are_changed(app: InProcess, browser: Browser) -> None:
    row = browser.get(f"{HOME}/customers.json?{ASKED}").json()["customers"][0]["id"]
    form = {"id": [row], "q": "everybody", "type": "set_attribute", "attribute": "n", "value": "7", "kind": "number"}
    begun = browser.post(f"{HOME}/bulk-action", form)
    ended(app, browser, begun.headers["location"])
    assert browser.get(f"{HOME}/customers.json?q=attr.n%20%3D%207").json()["total"] == 1
    nobody = browser.get(f"{HOME}/bulk-action?selected=1&q=everybody")
    assert (nobody.status_code, "/customers?" in nobody.headers["location"]) == (303, True)


def test_what_is_wrong_is_told_beside_the_field(browser: Browser) -> None:
    for form, told in (
        ({"type": "explode"}, "Choose what to do"),
        ({"type": "add_tag", "object": "no such"}, "There is no tag"),
        ({"type": "add_to_list"}, "Type the name of the list"),
        ({"type": "set_attribute"}, "Type the name of the attribute"),
        ({"type": "set_attribute", "attribute": "n", "value": "x", "kind": "number"}, "Type a number"),
        ({"type": "set_attribute", "attribute": "_bsft_n", "value": "x"}, "reserved"),
        ({"type": "add_tag", "object": "pickedb", "id": "nobody"}, "must be the id of a customer"),
    ):
        reply = browser.post(f"{HOME}/bulk-action", form)
        assert (reply.status_code, told in reply.text.replace("Must be", "must be")) == (422, True), form
        assert_well_formed(reply.text)
    wrong = browser.get(f"{HOME}/bulk-action?q=%28%28&type=add_tag&object=pickedb")
    assert wrong.status_code == 200
