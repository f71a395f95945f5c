"""The screen of customers: questions as text, the table, completion, saving, and names that are never markup."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...in_process import InProcess
from .test_screens import HOSTILE, assert_well_formed
from .visiting import Browser, signed_in

CUSTOMERS = "/admin/sites/main/customers"
PEOPLE = 30


@pytest.fixture(scope="module")
def reader(app: InProcess) -> Iterator[Browser]:
    """A user who only reads, on a site with customers: number 0 is a vip, the even ones are subscribed."""
    api = app.client()
    for n in range(PEOPLE):
        api.post("customers", {"email": f"p{n:02}@example.com", "name": f"Person {n:02}", "unsubscribed": n % 2 == 1})
    tag = {"event": "tag_added", "email": "p00@example.com", "tag_id": "vip", "tag_name": "Very important"}
    assert api.post("event", tag).status_code < 300
    api.post("customers", {"email": "p01@example.com", "data": {"plan": "pro", "seats": 3}})
    yield signed_in(app, "read")


def shown(browser: Browser, **parameters: str) -> Any:
    query = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
    return browser.get(f"{CUSTOMERS}.json?{query}")


def test_everybody_is_shown_with_the_exact_total(reader: Browser) -> None:
    found = shown(reader).json()
    assert (found["total"], len(found["customers"])) == (PEOPLE, 25)
    assert found["reach"]["matched"] == PEOPLE
    page = reader.get(CUSTOMERS)
    assert "All of them." in page.text
    assert_well_formed(page.text)


def test_a_question_is_answered_and_put_into_words(reader: Browser) -> None:
    found = shown(reader, q="tag:vip").json()
    assert (found["total"], found["sentence"]) == (1, "customers who have tag “vip”")
    assert found["question"] == {"has": "tag", "any_of": ["vip"]}
    assert found["customers"][0]["tags"] == ["vip"] or found["customers"][0]["tags"] == ["Very important"]
    assert shown(reader, q="tag:vip or attr.plan = pro").json()["counts"] == [1, 1]


def test_the_sentence_has_names_instead_of_numbers(app: InProcess, reader: Browser) -> None:
    api = app.client()
    for n, name in ((71, "Spring"), (72, "Autumn, and, winter"), (73, "Gift card")):
        kind, title = ("offers", "title") if n == 73 else ("broadcasts", "name")
        api.post(
            "event",
            {
                "event": "offer_granted" if n == 73 else "email_sent",
                "email": "p02@example.com",
                ("offer_id" if n == 73 else "broadcast_id"): n,
            },
        )
        body = {"type": kind, "id": str(n), "attributes": {title: name}}
        assert api.send("PATCH", f"/v1/{kind}/{n}", json={"data": body}).status_code == 200
    audience = {"type": "audiences", "attributes": {"name": "VIPs", "kind": "dynamic", "q": "tag:vip"}}
    number = api.post("/v1/audiences", {"data": audience}).json()["data"]["id"]
    for q, words in (
        ("not opened:broadcast/71", "opened broadcast “Spring”"),
        ("offer:73", "have offer “Gift card”"),
        (f"in audience/{number} or is hidden", "in the audience “VIPs”"),
        ("sent:broadcast/72", "sent broadcast 72"),
    ):
        assert words in shown(reader, q=q).json()["sentence"]
    assert api.send("DELETE", f"/v1/audiences/{number}").status_code == 200


def test_a_question_as_json_leads_to_its_text(reader: Browser) -> None:
    question = quote('{"has":"tag","any_of":["vip"]}')
    reply = reader.get(f"{CUSTOMERS}?question={question}")
    assert (reply.status_code, reply.headers["location"]) == (303, f"{CUSTOMERS}?q=tag:vip")
    assert "not valid JSON" in reader.get(f"{CUSTOMERS}?question=%7B").text


def test_pages_follow_each_other(reader: Browser) -> None:
    first = shown(reader, sort="name").json()
    second = shown(reader, sort="name", after=first["next"]).json()
    assert [each["name"] for each in first["customers"] + second["customers"]] == [
        f"Person {n:02}" for n in range(PEOPLE)
    ]
    assert second["next"] is None
    back = shown(reader, sort="name", before=second["previous"]).json()
    assert back["customers"] == first["customers"]
    assert shown(reader, after="made up").json()["faults"][0]["detail"]


@pytest.mark.parametrize(
    ("text", "sentence", "mended"),
    [
        ("tagg:vip", "There is no &#39;tagg&#39;", "tag:vip"),
        ("tag:vip and opend:broadcast/8", "There is no &#39;opend&#39;", "tag:vip and opened:broadcast/8"),
        ("city =", "ends too early", None),
        ("(", "", None),
        ("x" * 9_000, "", None),
    ],
)
def test_what_is_wrong_is_told_with_the_nearest_name(
    reader: Browser, text: str, sentence: str, mended: str | None
) -> None:
    page = reader.get(f"{CUSTOMERS}?q={quote(text)}")
    assert page.status_code == 200
    assert sentence in page.text
    assert "<table>" not in page.text
    assert_well_formed(page.text)
    found = shown(reader, q=text)
    assert found.status_code == 422
    assert found.json()["faults"][0]["mended"] == mended


def test_an_object_that_does_not_exist_is_told(reader: Browser) -> None:
    page = reader.get(f"{CUSTOMERS}?q=tag:nope").text
    assert "There is no tag “nope”" in page
    assert "Nobody matches" in page


def test_columns_and_order_are_in_the_address(reader: Browser) -> None:
    page = reader.get(f"{CUSTOMERS}?column=email&column=address_city&sort=-name").text
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([\w ]+)', page) == ["Name", "Email address", "City"]
    assert 'aria-sort="descending"' in page
    assert reader.get(f"{CUSTOMERS}?columns=nonsense&sort=nonsense&size=nonsense").status_code == 200


def test_a_live_update_is_only_the_answer(reader: Browser) -> None:
    part = reader.get(f"{CUSTOMERS}?q=tag:vip", **{"HX-Request": "true", "HX-Request-Type": "partial"}).text
    assert "<html" not in part
    assert 'data-text="tag:vip"' in part


def test_the_page_says_its_api_calls(reader: Browser) -> None:
    page = reader.get(f"{CUSTOMERS}?q=tag:vip").text
    assert "/v1/contacts?q=tag:vip" in page
    assert "https://regulars.example/v1/questions/reach" in page


def test_the_answer_is_exported(reader: Browser) -> None:
    reply = reader.get(f"{CUSTOMERS}.csv?q=tag:vip")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in reply.headers["content-disposition"]
    assert "p00@example.com" in reply.text
    assert "p01@example.com" not in reply.text
    assert reader.get(f"{CUSTOMERS}.csv?q=tagg:vip").status_code == 400


def test_a_question_is_saved_by_those_who_may(app: InProcess, reader: Browser) -> None:
    assert reader.post("/admin/sites/main/audiences", {"name": "VIPs", "q": "tag:vip"}).status_code == 403
    assert "Save as audience" not in reader.get(CUSTOMERS).text
    writer = signed_in(app, "write")
    assert "Save as audience" in writer.get(CUSTOMERS).text
    reply = writer.post("/admin/sites/main/audiences", {"name": "VIPs", "q": "tag:vip"})
    assert reply.headers["location"].startswith("/admin/sites/main/audiences/")
    saved = app.client().get("/v1/audiences").json()["data"]
    assert [(each["attributes"]["name"], each["attributes"]["q"]) for each in saved] == [("VIPs", "tag:vip")]
    for wrong in ({"q": "tag:vip"}, {"name": "x", "q": "tagg:vip"}):
        reply = writer.post("/admin/sites/main/audiences", wrong)
        assert reply.headers["location"].startswith(CUSTOMERS)
        assert "not saved" in writer.get(CUSTOMERS).text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", "is "),
        ("ta", "tag:"),
        ("tag:", "vip"),
        ("tag:v", "vip"),
        ("tag:(", "vip"),
        ("is subscribed and tag:v", "vip"),
        ("is sub", "subscribed"),
        ("opened:", "broadcast/"),
        ("attr.p", "attr.plan = "),
        ("attr.plan = ", '"pro"'),
        ("attr.plan = p", '"pro"'),
        ("attr.seats = ", "3"),
        ("tag:vip ", "and "),
        ("revenu", "revenue "),
        ("in audience/", "VIPs"),
    ],
)
def test_completion_offers_what_can_follow(app: InProcess, reader: Browser, text: str, label: str) -> None:
    if label == "VIPs":
        signed_in(app, "write").post("/admin/sites/main/audiences", {"name": "VIPs", "q": "tag:vip"})
    options = reader.get(f"/admin/sites/main/questions/complete.json?q={quote(text)}").json()["options"]
    found = {each["label"]: each["text"] for each in options}
    if label == "VIPs":
        assert any(each["hint"] == "VIPs" or each["label"] == "VIPs" for each in options)
    else:
        assert label in found
        assert found[label].endswith(label)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_completed_or_not(reader: Browser, text: str) -> None:
    query = quote(text, errors="ignore")
    assert reader.get(f"/admin/sites/main/questions/complete.json?q={query}").status_code in (200, 400)


def test_the_builder_gets_text_names_and_parts(reader: Browser) -> None:
    question = quote('{"any":[{"has":"tag","any_of":["vip"]},{"not":{"is":"subscribed"}}]}')
    found = reader.get(f"/admin/sites/main/questions/text.json?question={question}").json()
    assert found["canonical"] == "tag:vip or not is subscribed"
    found = reader.get("/admin/sites/main/questions/objects.json?of=contact_tags&text=v").json()
    assert [each["key"] for each in found["objects"]] == ["vip"]
    assert reader.get("/admin/sites/main/questions/objects.json?of=nonsense").status_code == 400
    parts = reader.get("/admin/sites/main/questions/catalogue.json").json()
    assert {"fields", "states", "ties", "mails", "attributes"} <= parts.keys()
    assert {each["name"] for each in parts["attributes"]} == {"plan", "seats"}


@given(HOSTILE)
@settings(deadline=None, max_examples=15)
def test_no_text_of_a_customer_is_markup(app: InProcess, reader: Browser, text: str) -> None:
    fields = {"name": text, "address": {"city": text, "country": text}, "phone_number": text, "data": {"note": text}}
    app.client().post("customers", {"email": "hostile@example.com", "customer_id": text[:50], **fields})
    tag = {"event": "tag_added", "email": "hostile@example.com", "tag_id": text[:60], "tag_name": text[:100]}
    app.client().post("event", tag)
    columns = "email,subscribed,tags,net_revenue,address_city,address_country,phone_number,external_user_id"
    for path in (f"?columns={columns}&sort=-updated_at", f"?q={quote(text)}", f"?q=name%20%3D%20{quote(text)}"):
        page = reader.get(CUSTOMERS + path).text
        assert_well_formed(page)
        assert "<script>alert" not in page
        assert "onerror=alert(1)>" not in page


def test_another_account_sees_nobody(app: InProcess, reader: Browser) -> None:
    stranger = signed_in(app, account="globex")
    assert shown(stranger).json()["total"] == 0
