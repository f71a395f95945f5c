"""Objects and broadcasts on the page: counts, search, creating, renaming, deleting; the report and who did not open."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings

from regulars.http.pages.objects import KINDS
from regulars.http.pages.tag_merging import renamed

from ...in_process import InProcess
from .test_screens import HOSTILE, assert_well_formed
from .visiting import Browser, signed_in

HOME = "/admin/sites/main"


@pytest.fixture(scope="module")
def browser(app: InProcess) -> Browser:
    return signed_in(app, "write")


def named(browser: Browser, kind: str, name: str) -> dict[str, Any]:
    found = browser.get(f"{HOME}/objects/{kind}.json").json()["objects"]
    return next(each for each in found if each["name"] == name)


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_created_found_renamed_and_deleted(browser: Browser, kind: str) -> None:
    start = f"{HOME}/objects/{kind}"
    assert_well_formed(browser.get(start).text)
    assert browser.post(start, {"name": "Spring & more", "key": 'a "b"', "description": "D"}).status_code == 303
    again = browser.post(start, {"name": "Spring & more", "key": 'a "b"'})
    assert (again.status_code, "Nothing was changed" in again.text) == (422, True) or again.status_code == 409
    found = browser.get(f"{start}?name=SPRING")
    assert_well_formed(found.text)
    assert "Spring &amp; more" in found.text
    item = named(browser, kind, "Spring & more")
    path = f"{start}/{item['id'].replace(' ', '%20').replace(chr(34), '%22')}"
    assert_well_formed(browser.get(path).text)
    assert browser.post(path, {"name": ""}).status_code == 422
    assert browser.post(path, {"name": "Summer", "description": ""}).status_code == 303
    assert named(browser, kind, "Summer")["description"] is None
    assert browser.post(f"{path}/delete").status_code == 303
    assert browser.get(path).status_code == 404


def test_counts_lead_to_the_customers(app: InProcess, browser: Browser) -> None:
    app.client().post("/api/v1/customers", {"email": "anna@objects.example", "groups": ["first"]})
    group = browser.get(f"{HOME}/objects/groups.json").json()["objects"][0]
    assert (group["key"], group["customers"]) == ("first", 1)
    assert browser.get(f"{HOME}/customers.json").status_code == 200
    page = browser.get(f"{HOME}/objects/groups/{group['id']}")
    assert "It is taken from <strong>1</strong> customer," in page.text
    assert browser.get(f"{HOME}/objects/nonsense").status_code == 404
    assert_well_formed(browser.get(f"{HOME}/objects").text)


def test_a_tag_is_merged_into_another_and_audiences_name_that_one(app: InProcess, browser: Browser) -> None:
    client, start = app.client(), f"{HOME}/objects/contact_tags"
    for name in ("Old <b>", "New <b>"):
        assert browser.post(start, {"name": name}).status_code == 303
    old = named(browser, "contact_tags", "Old <b>")
    client.post("/api/v1/customers", {"email": "tagged@objects.example"})
    client.post("/api/v1/event", {"event": "tag_added", "email": "tagged@objects.example", "tag_id": int(old["id"])})
    made = {"type": "audiences", "attributes": {"name": "Naming <b>", "kind": "dynamic", "q": f"not {old['q']}"}}
    audience = client.post("/v1/audiences", {"data": made}).json()["data"]["id"]
    new = named(browser, "contact_tags", "New <b>")
    path = f"{start}/{old['id']}"
    offered = browser.get(path).text
    assert_well_formed(offered)
    assert f'<option value="{new["id"]}">New &lt;b&gt;</option>' in offered
    for wrong, told in (
        ("", "Choose the other tag"),
        ("nothing", "There is no tag"),
        (old["id"], "Choose another tag"),
    ):
        assert_well_formed(browser.get(f"{path}/merge?into={wrong}").text)
        assert told in browser.post(f"{path}/merge", {"into": wrong}).text
    asked = browser.get(f"{path}/merge?into={new['id']}").text
    assert_well_formed(asked)
    assert "<strong>1</strong> customer gets" in asked
    assert "Naming &lt;b&gt;" in asked
    begun = browser.post(f"{path}/merge", {"into": new["id"]})
    assert "/bulk-actions/" in begun.headers["location"]
    question = client.get(f"/v1/audiences/{audience}").json()["data"]["attributes"]["question"]
    assert question == {"not": {"has": "tag", "any_of": [int(new["id"])]}}
    until = time.monotonic() + 60
    while browser.get(begun.headers["location"] + ".json").json()["is_running"] and time.monotonic() < until:
        app.run(asyncio.sleep(0.02))
    assert [named(browser, "contact_tags", f"{each} <b>")["customers"] for each in ("Old", "New")] == [0, 1]
    again = browser.post(f"{path}/merge", {"into": new["id"]})
    assert again.headers["location"].endswith(path)
    assert client.delete(f"/v1/audiences/{audience}").status_code == 200


def test_a_question_names_the_other_tag_wherever_it_named_the_one() -> None:
    nested = {
        "all": [
            {"has": "tag", "any_of": ["old", 5, 7], "when": {"last": "7d"}},
            {"not": {"has": "group", "any_of": [5]}},
        ]
    }
    nested["all"].append({"any": [{"has": "tag", "none_of": [6, 5], "all_of": [8]}, {"is": "subscribed"}]})
    found = renamed(nested, {"5", "old"}, 6)
    assert found["all"][0] == {"has": "tag", "any_of": [6, 7], "when": {"last": "7d"}}
    assert found["all"][1] == nested["all"][1]
    assert found["all"][2]["any"] == [{"has": "tag", "none_of": [6], "all_of": [8]}, {"is": "subscribed"}]


def test_a_broadcast_is_reported_and_who_did_not_open_is_saved(app: InProcess, browser: Browser) -> None:
    client = app.client()
    for name in ("opens", "sleeps"):
        client.post("/api/v1/customers", {"email": f"{name}@objects.example"})
        for event in ("email_sent", "email_delivered", *(["email_opened"] if name == "opens" else [])):
            told = {"event": event, "email": f"{name}@objects.example", "broadcast_id": 77}
            assert client.post("/api/v1/event", told).status_code == 200
    path = f"{HOME}/broadcasts/77"
    page = browser.get(path)
    assert_well_formed(page.text)
    assert_well_formed(browser.get(f"{HOME}/broadcasts").text)
    report = browser.get(f"{path}.json").json()["report"]
    assert [report[status]["customers"] for status in ("sent", "delivered", "opened", "clicked")] == [2, 2, 1, 0]
    assert browser.get(f"{path}.json").json()["usual"] == {"of": 0, "rates": {}}
    for event in ("email_sent", "email_delivered", "email_opened"):
        client.post("/api/v1/event", {"event": event, "email": "opens@objects.example", "broadcast_id": 76})
    usual = browser.get(f"{path}.json").json()["usual"]
    assert (usual["of"], usual["rates"]["opened"], usual["rates"]["bounced"]) == (1, 1.0, 0.0)
    compared = browser.get(path).text
    assert_well_formed(compared)
    assert "-50.0</span>" in compared
    for each in ({"event": "email_clicked", "broadcast_id": 77}, {"event": "purchase", "revenue": "1234.50"}):
        client.post("/api/v1/event", {"email": "opens@objects.example", **each})
    bought = browser.send("GET", path, headers={"Accept-Language": "de"}).text
    assert "1 customer bought for <strong>1.234,50</strong>" in bought
    assert browser.get(f"{path}/hours.csv").text.startswith("at,sent,delivered,opened")
    assert browser.post(f"{path}/not-opened", {"name": ""}).status_code == 422
    saved = browser.post(f"{path}/not-opened", {"name": "Missed 77"})
    assert saved.status_code == 303
    audience = client.get("/v1/audiences").json()["data"][0]["attributes"]
    assert (audience["name"], audience["total"]) == ("Missed 77", 1)
    assert browser.post(f"{HOME}/broadcasts/78/not-opened", {"name": "x"}).status_code == 404


@settings(deadline=None, max_examples=10)
@given(HOSTILE)
def test_nothing_of_an_object_is_markup(browser: Browser, text: str) -> None:
    start = f"{HOME}/objects/contact_tags"
    if browser.post(start, {"name": text, "description": text}).status_code != 303:
        return
    shown = browser.get(f"{start}.json").json()["objects"]
    for path in (start, *(f"{start}/{each['id']}" for each in shown[:2])):
        page = browser.get(path).text
        assert_well_formed(page)
        assert "<script>alert" not in page
        assert "onerror=alert(1)>" not in page
