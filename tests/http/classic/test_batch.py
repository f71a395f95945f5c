"""Many calls in one."""

import itertools
from typing import Any

import pytest

from tests.http.checks import refused
from tests.in_process import Client, InProcess

_fresh = itertools.count(1)


def fresh() -> str:
    return f"batched{next(_fresh)}@example.com"


def batch(client: Client, *items: Any) -> list[dict[str, Any]]:
    """The replies, once the call itself was found to be a success that repeats each item's path and method."""
    reply = client.post("batch", list(items))
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json"), reply.text
    found: list[dict[str, Any]] = reply.json()
    assert [(item["path"], item["method"]) for item in found] == [(item["path"], item["method"]) for item in items]
    return found


def create(email: str, path: str = "/api/v1/customers", **more: Any) -> dict[str, Any]:
    return {"path": path, "method": "POST", "body": {"email": email, **more}}


def test_items_are_carried_out_in_order(api: Client) -> None:
    email = fresh()
    shown = {"path": f"/api/v1/customers/{email}", "method": "GET"}
    items = [shown, create(email), shown, {"path": shown["path"], "method": "DELETE", "body": None}, shown]
    replies = batch(api, *items)
    assert [item["status_code"] for item in replies] == [404, 200, 200, 200, 404]
    assert replies[2]["body"]["customer"] == replies[1]["body"]["customer"]
    assert isinstance(replies[0]["body"], str)
    assert replies[0]["body"]


def test_an_empty_batch_gives_an_empty_list(app: InProcess, api: Client) -> None:
    before = app.contents()
    assert batch(api) == []
    assert app.contents() == before


def test_a_batch_takes_a_hundred_items_and_not_one_more(app: InProcess, api: Client) -> None:
    items = [create(fresh()) for _ in range(101)]
    before = app.contents()
    refused(api.post("batch", items), "too_many")
    assert app.contents() == before
    assert {item["status_code"] for item in batch(api, *items[:100])} == {200}
    assert app.contents().rows["customers"] == before.rows["customers"] + 100


@pytest.mark.parametrize(
    "prefix", ["/api/v1/", "api/v1/", "/api/v1_0/", "api/v1_0/", "/", ""], ids=lambda prefix: prefix or "none"
)
def test_a_path_may_be_written_with_or_without_the_prefix(api: Client, prefix: str) -> None:
    [made] = batch(api, create(fresh(), f"{prefix}customers"))
    email = made["body"]["customer"]["email"]
    [shown] = batch(api, {"path": f"{prefix}customers/{email}", "method": "get"})
    assert shown["body"]["customer"]["email"] == email


def test_paths_are_percent_encoded_or_not_and_may_have_a_query(api: Client) -> None:
    email = f"plus+{fresh()}"
    paths = [
        f"customers/{email}",
        f"customers/{email.replace('+', '%2B').replace('@', '%40')}",
        f"customers?email={email.replace('+', '%2B')}",
        "customers?email=j%C3%BCrgen@example.com",
        "customers?email=jürgen@example.com",
        "customers/jürgen@example.com",
    ]
    replies = batch(
        api, create(email), create("jürgen@example.com"), *({"path": path, "method": "GET"} for path in paths)
    )
    assert [item["status_code"] for item in replies] == [200] * 8
    assert replies[2]["body"]["customer"] == replies[4]["body"]["user"]
    assert replies[5]["body"]["user"] == replies[6]["body"]["user"] == replies[7]["body"]["customer"]


def test_a_batch_in_a_batch_is_refused_alone(api: Client) -> None:
    email = fresh()
    for path in ("batch", "/api/v1/batch", "/api/v1_0/batch", "batch/", "batch?x=1"):
        replies = batch(api, {"path": path, "method": "POST", "body": [create(email)]}, create(fresh()))
        assert [item["status_code"] for item in replies] == [400, 200]
        assert replies[0]["body"] == "A batch cannot contain a batch."
    assert batch(api, {"path": f"customers/{email}", "method": "GET"})[0]["status_code"] == 404


def test_a_failing_item_has_its_own_status_and_a_sentence_and_the_others_go_on(api: Client) -> None:
    email = fresh()
    replies = batch(
        api,
        create("nonsense"),
        {"path": "customers", "method": "POST", "body": {}},
        {"path": "customers", "method": "POST"},
        {"path": "no/such/call", "method": "GET"},
        {"path": "customers", "method": "PUT", "body": {}},
        {"path": "customers/bulk", "method": "POST", "body": {"customers": [{}] * 51}},
        create(email),
    )
    assert [item["status_code"] for item in replies] == [400, 400, 400, 404, 405, 413, 200]
    assert all(isinstance(item["body"], str) and item["body"] for item in replies[:-1])
    assert "email" in replies[0]["body"]


def test_a_method_that_a_batch_does_not_have_fails_alone(api: Client) -> None:
    replies = batch(api, {"path": "groups", "method": "HEAD"}, create(fresh()), {"path": "groups", "method": "trace"})
    assert [item["status_code"] for item in replies] == [405, 200, 405]
    assert replies[0]["body"] == "The method must be one of GET, POST, PUT, DELETE."


@pytest.mark.parametrize("body", [{}, {"items": []}, "text", 1, None, True])
def test_a_batch_that_is_no_list_is_refused(api: Client, body: Any) -> None:
    refused(api.post("batch", body), "malformed")


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (None, "1"),
        ([], "1"),
        ("customers", "1"),
        ({}, "1.path"),
        ({"path": 1, "method": "GET"}, "1.path"),
        ({"path": "", "method": "GET"}, "1.path"),
        ({"path": "customers"}, "1.method"),
        ({"path": "customers", "method": None}, "1.method"),
    ],
)
def test_one_item_of_a_wrong_shape_refuses_the_whole_batch(app: InProcess, api: Client, item: Any, field: str) -> None:
    before = app.contents()
    refused(api.post("batch", [create(fresh()), item]), "invalid", field)
    assert app.contents() == before


def test_items_have_the_scopes_and_the_site_of_the_batch_s_key(app: InProcess) -> None:
    reader = app.client(scopes=("read",))
    replies = batch(reader, create(fresh()), {"path": "groups", "method": "GET"})
    assert [item["status_code"] for item in replies] == [403, 200]


def test_sendwithus_callers_read_plain_text_in_items_too(swu: Client) -> None:
    replies = batch(
        swu, create("nonsense"), create(fresh()), {"path": "customers/x@example.com/groups/grp_none", "method": "POST"}
    )
    assert [item["status_code"] for item in replies] == [400, 200, 404]
    assert isinstance(replies[0]["body"], str)
    assert replies[0]["body"].endswith(".")
