"""Analyses of questions over HTTP: figures as plain Python counts them, and each row's question finds its customers."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ...databases import ENGINES
from ...in_process import InProcess, application
from .world import Api

DAY = 86_400_000
PLANS = ("pro", "Pro", 7, "7", "007", True, ["pro"], None, 7.5, "x")
CITIES = ("Berlin", "Hamburg", "Berlin", None, "köln")


class Shop:
    """Forty customers of one site."""

    def __init__(self, app: InProcess) -> None:
        self.api = Api(app, app.secret("shop", "main")[1])
        self.people: list[dict[str, Any]] = []
        for i in range(40):
            person: dict[str, Any] = {"customer_id": f"c{i}"}
            if i % 10 != 9:
                person["email"] = f"p{i}@shop.example"
            if city := CITIES[i % len(CITIES)]:
                person["address_city"] = city
            if i % 5:
                person["data"] = {"plan": PLANS[i % len(PLANS)]}
            if i % 2:
                person["unsubscribed"] = i % 4 == 1
            self.post("customers", person)
            self.people.append(person)
        for i in range(0, 40, 3):
            self.post("event", {"event": "tag_added", "customer_id": f"c{i}", "tag_id": "vip" if i % 2 else "new"})
        for i in (2, 12):
            bounce = {"event": "bounced", "email": f"p{i}@shop.example", "bounce_type": "hard", "message_id": f"m{i}"}
            self.post("event", bounce)
        for i in (4, 14, 24):
            self.post("event", {"event": "purchase", "customer_id": f"c{i}", "revenue": "10.50", "order_id": str(i)})

    def post(self, path: str, body: dict[str, Any]) -> None:
        reply = self.api.send("POST", f"/api/v1/{path}", json=body)
        assert reply.status_code == 200, reply.text

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        reply = self.api.send("POST", f"/v1/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]["attributes"]  # type: ignore[no-any-return]

    def count(self, question: dict[str, Any]) -> int:
        reply = self.api.send("POST", "/v1/customers/query", json={"question": question})
        return int(reply.json()["meta"]["total"])

    def refused(self, path: str, **body: Any) -> str:
        reply = self.api.send("POST", f"/v1/{path}", json=body)
        assert reply.status_code in (400, 404), reply.text
        return str(reply.json()["errors"][0]["detail"])


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with application(tmp_path_factory.mktemp("shop"), request.param) as app:
        yield Shop(app)


def test_reach_adds_up_and_each_reason_finds_its_customers(shop: Shop) -> None:
    found = shop.ask("questions/reach", q="everybody")
    assert found["matched"] == 40 == found["reachable"] + sum(each["first"] for each in found["excluded"])
    figures = {each["reason"]: (each["first"], each["any"]) for each in found["excluded"]}
    without_address = sum("email" not in person for person in shop.people)
    assert figures["no_address"] == (without_address, without_address)
    assert figures["hard_bouncing"] == (2, 2)
    assert figures["newsletter_left"] == (0, 0)
    for each in found["excluded"]:
        assert shop.count(each["question"]) == each["any"]
    transactional = shop.ask("questions/reach", q="everybody", purpose="transactional")
    assert {each["reason"] for each in transactional["excluded"]} == {
        *("no_address", "invalid_address", "forgotten", "suppressed", "hard_bouncing")
    }
    assert transactional["reachable"] == 40 - without_address - 2


def test_a_breakdown_by_a_field(shop: Shop) -> None:
    found = shop.ask("questions/breakdown", q="everybody", by="city", top=2)
    counted = Counter(person.get("address_city") for person in shop.people)
    assert [(row["value"], row["customers"]) for row in found["rows"]] == [("berlin", 16), ("hamburg", 8)]
    assert (found["other"], found["unset"], found["total"]) == (counted["köln"], counted[None], 40)
    assert found["rows"][0]["share"] == 0.4
    assert not found["multivalued"]
    for row in found["rows"]:
        assert shop.count(row["question"]) == row["customers"]


def test_a_breakdown_by_an_attribute_groups_what_is_equal(shop: Shop) -> None:
    found = shop.ask("questions/breakdown", q="everybody", by={"attribute": "plan"})
    given = [person["data"]["plan"] for person in shop.people if "data" in person]
    expected = {
        "pro": sum(isinstance(plan, str) and plan.lower() == "pro" for plan in given),
        7: sum(not isinstance(plan, bool) and plan in (7, "7") for plan in given),
        True: sum(plan is True for plan in given),
        **{plan: given.count(plan) for plan in ("007", 7.5, "x")},
    }
    rows = {str(row["value"]).lower(): row["customers"] for row in found["rows"]}
    assert rows == {str(value).lower(): count for value, count in expected.items() if count}
    assert found["other"] == given.count(["pro"])
    assert found["unset"] == len(shop.people) - len(given) + given.count(None)
    for row in found["rows"]:
        assert shop.count(row["question"]) == row["customers"]
    top = shop.ask("questions/breakdown", q="everybody", by={"attribute": "plan"}, top=1)
    assert top["rows"] == found["rows"][:1]
    assert shop.ask("questions/breakdown", q="everybody", by={"attribute": "unheard"})["rows"] == []


def test_a_breakdown_by_tag_counts_a_customer_in_each(shop: Shop) -> None:
    found = shop.ask("questions/breakdown", q="everybody", by="tag")
    assert sum(row["customers"] for row in found["rows"]) == 14
    assert found["multivalued"]
    assert found["unset"] == 26


def test_a_breakdown_by_time_with_a_measure(shop: Shop) -> None:
    found = shop.ask(
        "questions/breakdown",
        q="everybody",
        by={"field": "created_at", "per": "year"},
        measure="sum",
        time_zone="Asia/Tokyo",
    )
    (row,) = found["rows"]
    assert (row["customers"], row["sum"], row["value"][4:]) == (40, "31.50", "-01-01")
    found = shop.ask("questions/breakdown", q="revenue > 0", by="consent", measure="average")
    assert {row["average"] for row in found["rows"]} == {"10.50"}
    assert found["unset"] == 0


def test_two_dimensions(shop: Shop) -> None:
    found = shop.ask("questions/breakdown", q="everybody", by=["city", "tag"])
    for row in found["rows"]:
        assert shop.count(row["question"]) == row["customers"] > 0
    assert sum(row["customers"] for row in found["rows"]) == sum(
        1 for i in range(0, 40, 3) if "address_city" in shop.people[i]
    )


def test_overlap(shop: Shop) -> None:
    found = shop.ask(
        "questions/overlap", questions=["tag:(vip, new)", {"field": "address_city", "eq": "berlin"}, "revenue > 0"]
    )
    tagged, berlin, paid = set(range(0, 40, 3)), {i for i in range(40) if CITIES[i % 5] == "Berlin"}, {4, 14, 24}
    assert found["sizes"] == [len(tagged), len(berlin), len(paid)]
    assert found["pairs"][0] == {"of": [0, 1], "customers": len(tagged & berlin)}
    assert found["only"] == [len(tagged - berlin - paid), len(berlin - tagged - paid), len(paid - tagged - berlin)]
    assert found["union"] == len(tagged | berlin | paid) == sum(each["customers"] for each in found["regions"])


def test_why_says_what_decides_it_and_until_when(shop: Shop) -> None:
    document = shop.api.send("GET", "/v1/customers?q=customer_id%3Dc3").json()["data"][0]
    path = f"customers/{document['id']}/why"
    question = "tag:vip and (city = Berlin or revenue > 5) and created in last 30d"
    found = shop.ask(path, q=question)
    assert [each["verdict"] for each in found["tree"]] == [True, False, False, True]
    assert not found["in"]
    assert found["because"] == ["/all/1/any/0", "/all/1/any/1"]
    assert found["tree"][2]["seen"] == {"field": "net_revenue", "value": "0.00", "unset": False}
    assert found["tree"][1]["seen"] == {"field": "address_city", "value": None, "unset": True}
    assert found["changes_at"] is None  # the clock ends the last condition, and the whole stays false
    until = found["tree"][3]["until"]
    assert shop.ask(path, q="created in last 30d")["changes_at"] == until
    before, after = (shop.ask(path, q="created in last 30d", as_of=each)["in"] for each in (_moved(until, -1), until))
    assert (before, after) == (True, False)


def test_why_knows_when_an_attribute_leaves_its_window(shop: Shop) -> None:
    shop.post("customers", {"customer_id": "c5", "renews": "2031-05-05T12:00:00Z"})
    document = shop.api.send("GET", "/v1/customers?q=customer_id%3Dc5").json()["data"][0]
    path = f"customers/{document['id']}/why"
    found = shop.ask(path, q="attr.renews in next 30d", as_of="2031-05-01T00:00:00Z")
    assert (found["in"], found["changes_at"]) == (True, "2031-05-05T12:00:00.000Z")
    found = shop.ask(path, q="attr.renews in next 2d", as_of="2031-05-01T00:00:00Z")
    assert (found["in"], found["changes_at"]) == (False, "2031-05-03T12:00:00.000Z")


def _moved(moment: str, milliseconds: int) -> str:
    from datetime import datetime, timedelta

    moved = datetime.fromisoformat(moment) + timedelta(milliseconds=milliseconds)
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_why_agrees_with_the_answer_for_everybody(shop: Shop) -> None:
    question = "not tag:vip and (email ends example or is subscribed) or revenue >= 10.50"
    reply = shop.api.send("POST", "/v1/customers/query", json={"q": question, "page": {"size": 100}}).json()
    matching = {resource["id"] for resource in reply["data"]}
    everybody = shop.api.send("POST", "/v1/customers/query", json={"q": "everybody", "page": {"size": 100}}).json()
    for resource in everybody["data"]:
        found = shop.ask(f"customers/{resource['id']}/why", q=question)
        assert found["in"] == (resource["id"] in matching)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("questions/reach", {"q": "x", "purpose": "fun"}, "marketing, transactional"),
        ("questions/reach", {"q": "x", "newsletter": []}, "newsletter's number or key"),
        ("questions/reach", {}, "is required, or q"),
        ("questions/reach", {"q": "x", "site_id": 999}, "a site of the account"),
        ("questions/reach", {"q": "x", "purpos": "marketing"}, "no member of this body"),
        ("questions/breakdown", {"q": "x"}, "no dimension"),
        ("questions/breakdown", {"q": "x", "by": "name"}, "no dimension"),
        ("questions/breakdown", {"q": "x", "by": {"attribute": ""}}, "name of an attribute"),
        ("questions/breakdown", {"q": "x", "by": "created_at"}, "needs a period"),
        ("questions/breakdown", {"q": "x", "by": {"field": "created_at", "per": "decade"}}, "quarter"),
        ("questions/breakdown", {"q": "x", "by": ["tag", "tag", "tag"]}, "list of two"),
        ("questions/breakdown", {"q": "x", "by": "tag", "top": 0}, "from 1 to 100"),
        ("questions/breakdown", {"q": "x", "by": "tag", "measure": "median"}, "count, sum, average"),
        ("questions/overlap", {"questions": []}, "1 to 10"),
        ("questions/overlap", {"questions": ["x"] * 11}, "1 to 10"),
        ("customers/99999999/why", {"q": "x"}, "No customer"),
    ],
)
def test_what_is_wrong_is_named(shop: Shop, path: str, body: dict[str, Any], said: str) -> None:
    assert said in shop.refused(path, **body)
