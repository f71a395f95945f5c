"""Saved audiences over HTTP: created, changed and counted; what they may refer to; who is in them, and why."""

from collections.abc import Iterator
from typing import Any

import pytest

from ...databases import ENGINES
from ...in_process import InProcess, application
from ...store.running import audience
from .world import Api

VIP = {"has": "tag", "any_of": ["vip"]}


class Club:
    """A site with 12 customers: every second has the tag vip, every third is unsubscribed, the last is hidden."""

    def __init__(self, app: InProcess) -> None:
        self.app = app
        self.api = Api(app, app.secret("club", "main")[1])
        self.other = Api(app, app.secret("other", "side")[1])
        for i in range(12):
            person = {"customer_id": f"c{i}", "email": f"p{i}@club.example", "unsubscribed": i % 3 == 0}
            assert self.api.send("POST", "/api/v1/customers", json=person).status_code == 200
            if i % 2 == 0:
                self.event("tag_added", i, tag_id="vip")
        self.event("hidden", 11)

    def event(self, name: str, i: int, **more: Any) -> None:
        reply = self.api.send("POST", "/api/v1/event", json={"event": name, "customer_id": f"c{i}", **more})
        assert reply.status_code == 200, reply.text

    def create(self, key: str, status: int = 201, **attributes: Any) -> dict[str, Any]:
        return self.call("POST", "audiences", status, {"name": f"The {key}", "key": key, **attributes})  # type: ignore[no-any-return]

    def call(self, method: str, path: str, status: int = 200, attributes: dict[str, Any] | None = None) -> Any:
        body = None if attributes is None else {"data": {"type": "audiences", "attributes": attributes}}
        return self.send(method, path, status, body)

    def send(self, method: str, path: str, status: int = 200, body: Any = None) -> Any:
        reply = self.api.send(method, f"/v1/{path}", **({} if body is None else {"json": body}))
        assert reply.status_code == status, reply.text
        found = reply.json()
        return found["data"]["attributes"] if status < 300 and "attributes" in (found.get("data") or ()) else found

    def total(self, q: str) -> int:
        return int(self.send("GET", f"customers?q={q}&page[size]=1")["meta"]["total"])


@pytest.fixture(params=ENGINES)
def club(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    with application(tmp_path_factory.mktemp("club"), request.param) as app:
        yield Club(app)


def test_an_audience_from_its_creation_to_its_deletion(club: Club) -> None:
    made = club.create("vips", question=VIP, watched=True)
    assert (made["kind"], made["question"], made["q"]) == ("dynamic", VIP, "tag:vip")
    assert (made["total"], made["version"], made["watched"], made["problem"]) == (6, 1, True, None)
    assert made["reach"]["matched"] == 6
    assert made["reach"]["reachable"] == 4
    shown = club.call("GET", "audiences/vips")
    assert shown == made
    assert club.call("PATCH", "audiences/vips", attributes=shown) == shown  # what was read can be sent back
    changed = club.call("PATCH", "audiences/vips", attributes={"q": "tag:vip and is subscribed"})
    assert (changed["total"], changed["version"]) == (4, 2)
    renamed = club.call("PATCH", "audiences/vips", attributes={"name": "Loyal", "watched": False})
    assert (renamed["name"], renamed["version"], renamed["watched"], renamed["total"]) == ("Loyal", 2, False, 4)
    club.event("tag_added", 1, tag_id="vip")
    (listed,) = club.send("GET", "audiences")["data"]
    assert listed["attributes"]["total"] == 5
    only = club.send("GET", "audiences?fields[audiences]=q")["data"][0]["attributes"]
    assert only == {"q": "tag:vip and is subscribed"}
    club.call("DELETE", "audiences/vips")
    club.call("GET", "audiences/vips", 404)
    assert club.send("GET", "audiences")["meta"]["total"] == 0


def test_an_audience_refers_to_others(club: Club) -> None:
    club.create("vips", q="tag:vip")
    both = club.create("both", q="in audience/vips and is subscribed")
    assert both["question"] == {"all": [{"in": {"audience": "vips"}}, {"is": "subscribed"}]}
    assert both["total"] == 4 == club.total("in audience/both")
    assert club.call("GET", "audiences/vips")["used_by"] == ["both"]
    found = club.send("POST", "questions/overlap", 200, {"questions": [{"audience": "vips"}, "is subscribed"]})
    assert (found["sizes"][0], found["pairs"][0]["customers"]) == (6, 4)
    refused = club.call("DELETE", "audiences/vips", 409)
    assert refused["errors"][0]["detail"] == "The audience is used by other audiences: both."
    assert club.call("PATCH", "audiences/vips", attributes={"q": "tag:vip and is hidden"})["total"] == 0
    assert club.total("in audience/both") == 0
    club.call("DELETE", "audiences/both")
    club.call("DELETE", "audiences/vips")


def test_no_circle(club: Club) -> None:
    club.create("a", q="tag:vip")
    club.create("b", q="in audience/a")
    club.create("c", q="not in audience/b")
    refused = club.call("PATCH", "audiences/a", 422, {"q": "is subscribed or in audience/c"})["errors"][0]
    assert refused["detail"] == "The audiences would refer to each other in a circle: a → c → b → a."
    assert refused["source"] == {"pointer": "/data/attributes/question"}
    assert "a → a" in club.call("PATCH", "audiences/a", 422, {"q": "in audience/a"})["errors"][0]["detail"]
    assert club.call("GET", "audiences/a")["version"] == 1
    before = "a"
    for each in range(7):
        club.create(f"n{each}", q=f"in audience/{before}")
        before = f"n{each}"
    assert "8 deep" in club.create("n7", 422, q=f"in audience/{before}")["errors"][0]["detail"]


def test_what_a_question_names_must_exist(club: Club) -> None:
    refused = club.create("a", 422, q="in audience/nobody")["errors"][0]
    assert refused["code"] == "unknown_audience"
    assert refused["detail"] == "The audience 'nobody' does not exist."
    question = {"all": [{"is": "subscribed"}, {"in": {"audience": "nobody"}}]}
    refused = club.send("POST", "customers/query", 422, {"question": question})["errors"][0]
    assert (refused["code"], refused["source"]) == ("unknown_audience", {"pointer": "/question/all/1"})
    refused = club.send("GET", "customers?q=in list/nobody", 422)["errors"][0]
    assert (refused["detail"], refused["source"]) == ("The list nobody does not exist.", {"parameter": "q"})
    for path, body in (
        ("questions/reach", {"question": question}),
        ("questions/breakdown", {"question": question, "by": "city"}),
        ("questions/check", {"question": question}),
        ("questions/overlap", {"questions": ["is subscribed", question]}),
    ):
        assert club.send("POST", path, 422, body)["errors"][0]["code"] == "unknown_audience"


def test_bad_definitions(club: Club) -> None:
    for attributes, place in (
        ({}, "/data/attributes/question"),
        ({"kind": "list", "q": "tag:vip"}, "/data/attributes/question"),
        ({"kind": "other", "q": "tag:vip"}, "/data/attributes/kind"),
        ({"watched": "yes", "q": "tag:vip"}, "/data/attributes/watched"),
    ):
        assert club.create("a", 422, **attributes)["errors"][0]["source"]["pointer"] == place
    assert (
        club.create("a", 400, question={"tag": 1})["errors"][0]["source"]["pointer"] == "/data/attributes/question/tag"
    )
    fault = club.create("a", 400, q="tag:vip and (")["errors"][0]
    assert (fault["source"]["pointer"], fault["meta"]["offset"]) == ("/data/attributes/q", 13)
    assert club.create("a", 400, q="tag:vip", question={"is": "hidden"})["errors"][0]["code"] == "invalid_question"
    club.create("a", q="tag:vip")
    assert club.create("a", 400, q="tag:vip")["errors"][0]["code"] == "duplicate_name"
    assert club.call("PATCH", "audiences/a", 422, {"kind": "list"})["errors"][0]["source"]["pointer"].endswith("kind")
    assert club.send("GET", "audiences")["meta"]["total"] == 1


def test_hidden_customers_are_in_an_audience_only_if_its_question_asks_for_them(club: Club) -> None:
    club.create("odd", q="not tag:vip")
    club.create("gone", q="is hidden")
    assert club.total("in audience/odd") == 5
    assert club.total("in audience/odd or is hidden") == 6
    assert club.total("is hidden and in audience/odd") == 0
    assert club.total("in audience/gone") == 1


def test_another_account_sees_nothing(club: Club) -> None:
    club.create("vips", q="tag:vip")
    assert club.other.send("GET", "/v1/audiences").json()["data"] == []
    for method in ("GET", "DELETE"):
        assert club.other.send(method, "/v1/audiences/vips").status_code == 404
    assert club.other.send("GET", "/v1/customers?q=in audience/vips").status_code == 422


def change(club: Club, method: str, *rows: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """Change who is in the list `beta`."""
    found = club.send(method, "audiences/beta/customers", status, {"data": rows})
    return found["meta"] if status == 200 else found["errors"][0]  # type: ignore[no-any-return]


def test_who_is_in_a_list(club: Club) -> None:
    made = club.create("beta", kind="list")
    assert (made["kind"], made["question"], made["q"], made["total"]) == ("list", None, None, 0)
    first = club.send("GET", "customers?q=email=p0@club.example")["data"][0]["id"]
    report = change(
        club,
        "POST",
        {"id": first},
        {"email": "P1@club.example"},
        {"customer_id": "c2"},
        {"email": "x@club.example"},
        {},
    )
    assert {name: report[name] for name in ("added", "removed", "unchanged", "failed")} == {
        "added": 3,
        "removed": 0,
        "unchanged": 0,
        "failed": 2,
    }
    assert report["results"][0] == {"row": 0, "result": "added", "id": first}
    assert report["results"][3] == {"row": 3, "result": "failed", "detail": "The customer does not exist."}
    assert change(club, "POST", {"customer_id": "c0"})["unchanged"] == 1
    assert club.call("GET", "audiences/beta")["total"] == 3 == club.total("in list/beta")
    assert club.total("list:beta and tag:vip") == 2
    assert club.total("in audience/beta") == 3
    report = change(club, "PATCH", {"customer_id": "c2"}, {"customer_id": "c5"}, {"customer_id": "c11"})
    assert (report["added"], report["removed"], report["unchanged"]) == (2, 2, 1)
    page = club.send("GET", "audiences/beta/customers?page[size]=1&sort=created_at&fields[customers]=email")
    assert page["meta"]["total"] == 2  # one of the three is hidden
    assert page["data"][0]["attributes"] == {"email": "p2@club.example"}
    assert "/v1/audiences/" in page["links"]["next"]
    path = page["links"]["next"].partition("/v1/")[2]
    assert club.send("GET", path)["data"][0]["attributes"] == {"email": "p5@club.example"}
    narrowed = club.send("GET", "audiences/beta/customers?q=tag:vip&describe=true")["meta"]
    assert narrowed["total"] == 1
    assert "are in the audience “beta” and have tag “vip”" in narrowed["description"]
    report = change(club, "DELETE", {"customer_id": "c2"}, {"customer_id": "c3"})
    assert (report["removed"], report["unchanged"]) == (1, 1)
    club.call("DELETE", "audiences/beta")
    club.create("beta", kind="list")
    assert club.call("GET", "audiences/beta")["total"] == 0


def test_only_lists_take_members(club: Club) -> None:
    club.create("beta", q="tag:vip")
    assert change(club, "POST", {"customer_id": "c1"}, status=422)["code"] == "not_a_list"
    fault = club.send("GET", "customers?q=in list/beta", 400)["errors"][0]
    assert fault["detail"] == "The audience beta is not a list."
    club.send("POST", "audiences/nobody/customers", 404, {"data": []})
    club.create("gamma", kind="list")
    club.send("POST", "audiences/gamma/customers", 413, {"data": [{}] * 10_001})
    club.send("POST", "audiences/gamma/customers", 400, {"data": {}})
    foreign = {"data": [{"customer_id": "c1"}]}
    assert club.other.send("POST", "/v1/audiences/gamma/customers", json=foreign).status_code == 404


def test_why_somebody_is_in_an_audience(club: Club) -> None:
    club.create("vips", q="tag:vip")
    club.create("mailable", q="in audience/vips and is subscribed")
    club.create("beta", kind="list")
    change(club, "POST", {"customer_id": "c2"})
    found = club.send("GET", "audiences/mailable/why?customer=p2@club.example")
    assert (found["in"], found["because"]) == (True, ["/all/0/in", "/all/1"])
    found = club.send("GET", "audiences/mailable/why?customer=c0")
    assert (found["in"], found["because"]) == (False, ["/all/1"])
    assert club.send("GET", "audiences/beta/why?customer=c2")["because"] == [""]
    customer = club.send("GET", "customers?q=email=p2@club.example")["data"][0]["id"]
    assert club.send("GET", f"customers/{customer}/why?audience=mailable")["in"]
    every = club.send("GET", f"customers/{customer}/why?audience=*")["data"]
    assert sorted(each["attributes"]["key"] for each in every) == ["beta", "mailable", "vips"]
    club.create("odd", q="not tag:vip")
    found = club.send("GET", "audiences/odd/why?customer=c11")
    assert (found["in"], found["because"]) == (False, ["/hidden"])
    assert club.send("GET", "audiences/odd/why?customer=c9")["in"]
    for path, status in (
        ("audiences/odd/why?customer=nobody", 404),
        ("audiences/odd/why", 400),
        ("audiences/nobody/why?customer=c1", 404),
        (f"customers/{customer}/why?audience=nobody", 404),
        (f"customers/{customer}/why?x=1", 400),
        ("customers/4294967999/why?audience=*", 404),
    ):
        club.send("GET", path, status)


def test_why_agrees_with_every_audience(club: Club) -> None:
    club.create("vips", q="tag:vip")
    club.create("others", q="not in audience/vips or is hidden")
    club.create("some", q="in audience/others and not is subscribed")
    for key in ("vips", "others", "some"):
        listed = club.send("GET", f"audiences/{key}/customers?page[size]=100&fields[customers]=email")["data"]
        addresses = {each["attributes"]["email"] for each in listed}
        for i in range(12):
            address = f"p{i}@club.example"
            assert club.send("GET", f"audiences/{key}/why?customer={address}")["in"] == (address in addresses)


def test_an_audience_with_an_attribute(club: Club) -> None:
    for i in (1, 2, 3):
        body = {"customer_id": f"c{i}", "plan": "pro"}
        assert club.api.send("POST", "/api/v1/customers", json=body).status_code == 200
    made = club.create("pros", q='attr.plan = "pro"')
    assert (made["total"], made["reach"]["reachable"]) == (3, 2)
    assert club.total("in audience/pros and is subscribed") == 2
    assert club.send("GET", "audiences/pros/why?customer=c2")["in"]
    found = club.send("POST", "questions/reach", 200, {"q": "in audience/pros"})
    assert found["matched"] == 3
    found = club.send("POST", "questions/overlap", 200, {"questions": ["in audience/pros", "tag:vip"]})
    assert (found["sizes"], found["pairs"][0]["customers"]) == ([3, 6], 1)
    found = club.send("POST", "questions/breakdown", 200, {"q": "in audience/pros", "by": "tag"})
    assert (found["rows"][0]["customers"], found["total"]) == (1, 3)
    assert club.total("in audience/pros") == 3
    row = found["rows"][0]["question"]
    assert club.send("POST", "customers/query", 200, {"question": row})["meta"]["total"] == 1
    assert club.send("POST", "questions/check", 200, {"q": "in audience/pros"})["sentence"] == (
        "customers who are in the audience “pros”"
    )


def test_an_audience_whose_question_cannot_be_read(club: Club) -> None:
    strange = audience("strange", '{"was":"once"}')
    assert club.app.run(club.app.services.store.ledger.submit(club.app.site("club", "main"), strange)).refusal is None
    club.create("more", q="tag:vip or in audience/strange")
    shown = club.call("GET", "audiences/strange")
    assert (shown["question"], shown["total"], shown["reach"]) == (None, None, None)
    assert "cannot be read" in shown["problem"]
    listed = {each["attributes"]["key"]: each["attributes"] for each in club.send("GET", "audiences")["data"]}
    assert "cannot be read" in listed["more"]["problem"]
    assert club.send("GET", "customers?q=in audience/more", 422)["errors"][0]["code"] == "unknown_audience"
    club.call("PATCH", "audiences/strange", attributes={"q": "is subscribed"})
    assert club.call("GET", "audiences/more")["problem"] is None


def test_a_change_of_what_was_read(club: Club) -> None:
    first = club.create("vips", q="tag:vip")["etag"]
    body = {"data": {"type": "audiences", "attributes": {"name": "Renamed"}}}

    def sent(method: str, etag: str) -> int:
        more = {"json": body} if method == "PATCH" else {}
        return club.api.send(method, "/v1/audiences/vips", headers={"If-Match": etag}, **more).status_code

    assert sent("PATCH", '"0-0"') == 412
    assert club.call("GET", "audiences/vips")["etag"] == first
    assert sent("PATCH", f'"0-0", "{first}"') == 200
    assert sent("PATCH", f'"{first}"') == 412
    assert sent("DELETE", f'W/"{first}"') == 412
    assert sent("DELETE", "*") == 200


def test_days_of_an_audience_are_those_of_its_site(club: Club) -> None:
    zone = {"data": {"type": "sites", "id": "1", "attributes": {"time_zone": "Pacific/Kiritimati"}}}
    assert club.api.send("PATCH", "/v1/sites/1", json=zone).status_code == 200
    late = {"customer_id": "late", "email": "late@club.example", "joined_at": "2026-01-01T15:00:00Z"}
    assert club.api.send("POST", "/api/v1/customers", json=late).status_code == 200
    made = club.create("second", q="joined from 2026-01-02 to 2026-01-03")
    assert made["total"] == 1
    assert club.send("GET", "audiences/second/customers")["meta"]["total"] == 1
    assert club.send("GET", "audiences/second/why?customer=late")["in"]
    number = club.send("GET", "customers?q=customer_id = late")["data"][0]["id"]
    assert [each["attributes"]["key"] for each in club.send("GET", f"customers/{number}/why?audience=*")["data"]] == [
        "second"
    ]
    assert club.api.send("GET", "/api/v1/segments/second/run").json()[0]["email"] == "late@club.example"
    assert club.api.send("GET", "/api/v1/segments/second/matching_users.json").json()["approxusers"] == 1
