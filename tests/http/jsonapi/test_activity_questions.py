"""Questions about what customers did, over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from regulars.audience import event_sequences

from .world import World

SEQUENCE: dict[str, Any] = {"sequence": [{"did": "wished"}, {"did": "purchase"}]}


def happened(world: World, event: str, email: str, **more: Any) -> None:
    body = {"event": event, "email": email, **more}
    reply = world.one.send("POST", "/api/v1/event", json=body)
    assert reply.status_code == 200, reply.text


def asked(world: World, **body: Any) -> Any:
    return world.one.send("POST", "/v1/customers/query", json=body)


def test_what_was_acknowledged_is_in_the_answer(own_world: World) -> None:
    text = "did wished >= 2 in last 1d"
    assert asked(own_world, q=text).json()["meta"]["total"] == 0
    for count, total in ((1, 0), (2, 1), (3, 1)):
        happened(own_world, "wished", "wishing@example.com", stars=count)
        assert asked(own_world, q=text).json()["meta"]["total"] == total
    assert asked(own_world, q="sum(wished.stars) = 6").json()["meta"]["total"] == 1
    assert asked(own_world, q="did wished where stars = 2 = 1").status_code == 400


def test_events_and_templates_that_do_not_exist_are_listed(own_world: World) -> None:
    question = {"any": [{"did": "purchsae"}, {"did": "purchase"}, {"mail": "opened", "template": ["no-such"]}]}
    unknown = asked(own_world, question=question).json()["meta"]["unknown_objects"]
    assert {"type": "activities", "id": "purchsae"} in unknown
    assert "no-such" in [each["id"] for each in unknown]
    assert "purchase" not in [each["id"] for each in unknown]


def test_a_check_tells_all_forms(own_world: World) -> None:
    text = "did wished >= 2 where stars > 1 in last 90d"
    reply = own_world.one.send("POST", "/v1/questions/check", json={"q": text}).json()["data"]["attributes"]
    assert reply["q"] == text
    assert reply["sentence"] == "customers who did “wished” with stars above 1 at least 2 times within the last 90 days"
    assert reply["question"]["where"] == [{"property": "stars", "gt": 1}]


@pytest.mark.parametrize(
    "question",
    [
        {"did": "wished", "times": {"gte": 2}, "when": {"last": "30d"}},
        {"did": "wished", "first": {"when": {"last": "30d"}}},
        {"did": "wished", "times": 0, "when": {"this": "month"}},
        {"has": "tag", "any_of": ["wishing"], "when": {"last": "7d"}},
        {"mail": "opened", "template": ["welcome"], "when": {"last": "7d"}},
        {"sequence": [{"did": "wished"}, {"did": "purchase", "absent": True}], "within": "3d"},
    ],
    ids=lambda question: "-".join(question),
)
def test_until_is_when_the_clock_alone_flips_it(own_world: World, question: dict[str, Any]) -> None:
    email = "until@example.com"
    for _ in range(2):
        happened(own_world, "wished", email)
    happened(own_world, "tag_added", email, tag_id="wishing")
    happened(own_world, "email_opened", email, template_id="welcome", log_id="m-until")
    number = own_world.one.document("/v1/customers", params={"q": f'email = "{email}"'})["data"][0]["id"]

    def why(**more: Any) -> Any:
        reply = own_world.one.send("POST", f"/v1/customers/{number}/why", json={"question": question, **more})
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]["attributes"]

    found = why()
    until = datetime.fromisoformat(found["tree"][0]["until"])
    assert found["changes_at"] == found["tree"][0]["until"]
    second = timedelta(seconds=1)
    assert why(as_of=(until - second).isoformat())["in"] == found["in"]
    assert why(as_of=(until + second).isoformat())["in"] != found["in"]


def test_why_tells_what_was_seen_and_the_event(own_world: World) -> None:
    email, uuid = "seen@example.com", "0197a1c4-1f00-7000-8000-00000000c0de"
    own_world.save(own_world.one, {"email": email, "data": {"plan": "pro"}, "unsubscribed": False})
    for day, stars in ((1, 3), (2, 5), (3, None)):
        more = {} if stars is None else {"stars": stars}
        ids = {"event_uuid": uuid} if day == 2 else {}
        happened(own_world, "rated", email, timestamp=f"2026-01-0{day}T12:00:00Z", **more, **ids)
    happened(own_world, "purchase", email, revenue="19.50", timestamp="2026-01-05T12:00:00Z")
    happened(own_world, "tag_added", email, tag_id="keen", timestamp="2026-01-06T12:00:00Z")
    happened(own_world, "email_opened", email, template_id="hi", log_id="m-seen", timestamp="2026-01-07T12:00:00Z")
    number = own_world.one.document("/v1/customers", params={"q": f'email = "{email}"'})["data"][0]["id"]
    year = {"from": "2026-01-01", "to": "2027-01-01"}
    questions: list[tuple[dict[str, Any], Any, str | None]] = [
        ({"did": "rated", "times": {"gte": 9}, "when": year}, 3, "rated 2026-01-03"),
        ({"did": "rated", "where": [{"property": "stars", "gte": 4}]}, 1, f"rated 2026-01-02 {uuid}"),
        ({"did": "rated", "avg": {"property": "stars", "gt": 1}}, 4.0, f"rated 2026-01-02 {uuid}"),
        ({"did": "rated", "max": {"property": "stars", "gt": 1}}, 5.0, f"rated 2026-01-02 {uuid}"),
        ({"did": "rated", "first": {"when": year}}, "2026-01-01T12:00:00.000Z", "rated 2026-01-01"),
        ({"did": "purchase", "sum": {"property": "revenue", "gt": "5"}}, "19.50", "purchase 2026-01-05"),
        ({"did": "never", "times": 0}, 0, None),
        ({"did": "never", "sum": {"property": "x", "gt": 0}}, None, None),
        ({"has": "tag", "any_of": ["keen", "other"], "when": year}, "2026-01-06T12:00:00.000Z", None),
        ({"has": "tag", "none_of": ["other"], "when": year}, None, None),
        ({"mail": "opened", "template": ["hi"]}, 1, "email_opened 2026-01-07"),
        ({"attribute": "plan", "eq": "pro"}, "pro", None),
        (
            {"sequence": [{"did": "rated"}, {"did": "purchase"}, {"did": "never", "absent": True}]},
            ["2026-01-03T12:00:00.000Z", "2026-01-05T12:00:00.000Z", None],
            None,
        ),
    ]
    question = {"all": [*(each for each, _, _ in questions), {"is": "subscribed"}]}
    reply = own_world.one.send("POST", f"/v1/customers/{number}/why", json={"question": question})
    assert reply.status_code == 200, reply.text
    *tree, consent = reply.json()["data"]["attributes"]["tree"]
    for (asked_for, value, told), leaf in zip(questions, tree, strict=True):
        seen, evidence = leaf["seen"], leaf["evidence"]
        assert (seen["value"], seen["unset"]) == (value, value is None), asked_for
        if told is None:
            assert evidence is None, asked_for
        else:
            event, on, *given = told.split()
            assert (evidence["source"], evidence["at"][:10]) == (event, on), asked_for
            assert evidence["event_uuid"] == (given[0] if given else None), asked_for
    assert consent["evidence"]["source"] == "api"


@pytest.mark.parametrize("nested", [False, True])
def test_a_sequence_that_takes_too_long_is_refused(
    own_world: World, monkeypatch: pytest.MonkeyPatch, *, nested: bool
) -> None:
    happened(own_world, "wished", "wishing@example.com")
    question = {"all": [{"has": "tag", "none_of": ["x"]}, {"not": SEQUENCE}]} if nested else SEQUENCE
    assert asked(own_world, question=question).status_code == 200
    monkeypatch.setattr(event_sequences, "MOST_SECONDS", -1.0)
    refused = asked(own_world, question=question)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["code"] == "too_expensive"
    assert error["source"]["pointer"] == ("/question/all/1/not" if nested else "/question")
    assert (
        "source" in own_world.one.send("POST", "/v1/questions/reach", json={"question": question}).json()["errors"][0]
    )
