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
