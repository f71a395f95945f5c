"""Merges over HTTP: shown beforehand, made, listed and undone; and every door that leads to the customer afterwards."""

from typing import Any

import pytest

from .world import Api, World
from .writing import done, identifiers, refused, resource


def created(api: Api, **fields: Any) -> str:
    """A new customer's public id."""
    World.save(api, fields)
    (found,) = api.document("/v1/customers", params={"filter[search]": fields["email"]})["data"]
    return str(found["id"])


@pytest.fixture(scope="module")
def pals(own_world: World) -> World:
    """A world with a list of customers."""
    done(own_world.one, "POST", "/v1/audiences", resource("audiences", key="pals", name="Pals", kind="list"), 201)
    return own_world


def pair(world: World, name: str) -> tuple[str, str]:
    """The ids of two new customers."""
    one, other = f"{name}@example.com", f"{name}@example.org"
    first = created(world.one, email=one, customer_id=f"{name}-1", firstname="Anna", groups=["g"])
    second = created(world.one, email=other, customer_id=f"{name}-2", phone_number="+4930123456", plan="pro")
    return first, second


def merge(api: Api, survivor: str, *others: dict[str, Any], query: str = "", **more: Any) -> Any:
    return done(api, "POST", f"/v1/customers/{survivor}/merge{query}", {"data": list(others), **more})


def test_a_preview_shows_each_field_and_changes_nothing(pals: World) -> None:
    first, second = pair(pals, "preview")
    shown = merge(pals.one, first, {"id": second}, query="?preview=true")
    assert shown["data"] == []
    assert shown["meta"]["preview"] is True
    values = {
        each["field"]: (each["survivor"], each["other"], each["merged"], each["source"])
        for each in shown["meta"]["values"]
    }
    assert values["firstname"] == ("Anna", None, "Anna", "survivor")
    assert values["phone_number"] == (None, "+4930123456", "+4930123456", "other")
    assert values["attributes.plan"] == (None, "pro", "pro", "other")
    assert pals.one.document("/v1/merges")["data"] == []
    assert pals.one.document(f"/v1/customers/{second}")["data"]["id"] == second


def test_every_door_leads_to_the_merged_customer(pals: World) -> None:
    first, second = pair(pals, "doors")
    gone = pals.one.get("/api/v1/customers/doors@example.org").json()["customer"]["uuid"]
    World.happens(pals.one, {"event": "email_sent", "email": "doors@example.org", "log_id": "doors-mail"})
    merged = merge(pals.one, first, {"email": "doors@example.org"})
    assert merged["meta"]["result"] == "merged"
    assert [each["relationships"]["merged"]["data"]["id"] for each in merged["data"]] == [second]
    uuid = pals.one.get("/api/v1/customers/doors@example.com").json()["customer"]["uuid"]
    for path in (
        *("customers/doors@example.org", f"customers/{gone}"),
        *(f"customers?{name}" for name in ("email=doors@example.org", "customer_id=doors-2", f"uuid={gone}")),
    ):
        reply = pals.one.get(f"/api/v1/{path}").json()
        assert (reply.get("customer") or reply["user"])["uuid"] == uuid, path
    for path in (f"/v1/customers/{second}", f"/v1/contacts/{second}"):
        assert pals.one.document(path)["data"]["id"] == first
    tags = f"/v1/contacts/{second}/relationships/tags"
    World.happens(pals.one, {"event": "tag_added", "email": "doors@example.org", "tag_id": "7"})
    assert done(pals.one, "POST", tags, identifiers("contact_tags", 7)) == done(pals.one, "GET", tags)
    changed = {"data": {"type": "contacts", "id": second, "attributes": {"name": "Anna Meier"}}}
    assert done(pals.one, "PATCH", f"/v1/contacts/{second}", changed)["data"]["id"] == first
    for who in ({"email": "doors@example.org"}, {"customer_id": "doors-2"}, {"uuid": gone}, {"log_id": "doors-mail"}):
        event = {"event": "email_opened", "log_id": "doors-mail", **who}
        reply = pals.one.send("POST", "/api/v1/event", json=event)
        assert reply.status_code == 200, reply.text
    logs = pals.one.get("/api/v1/customers/doors@example.com/logs").json()["logs"]
    assert len(logs) == 1
    events = pals.one.get("/api/v1/event/history?email=doors@example.org").json()["events"]
    assert [each["event"] for each in events].count("email_opened") == 4
    assert {each["customer"]["uuid"] for each in events} == {uuid}
    saved = pals.one.send(
        "POST", "/api/v1/customers", json={"email": "doors@example.org", "customer_id": "doors-2"}
    ).json()
    assert (saved["customer"]["uuid"], saved["customer"]["email"]) == (uuid, "doors@example.com")
    bulk = {"customers": [{"customer_id": "doors-2", "lastname": "Meier"}, {"uuid": gone, "gender": "f"}]}
    results = pals.one.send("POST", "/api/v1/customers/bulk", json=bulk).json()["results"]
    assert {each["uuid"] for each in results} == {uuid}
    members = {"data": [{"id": second}, {"email": "doors@example.org"}]}
    assert [
        row["id"] for row in done(pals.one, "POST", "/v1/audiences/pals/customers", members)["meta"]["results"]
    ] == [first] * 2
    listed = pals.one.document("/v1/customers?filter[search]=doors")
    assert [each["id"] for each in listed["data"]] == [first]
    why = done(pals.one, "POST", f"/v1/customers/{second}/why", {"q": "opened any email"})
    assert why["data"]
    deleted = pals.one.send("DELETE", "/api/v1/customers/doors@example.org").json()
    assert deleted["result"] == "deleted"
    assert pals.one.get("/api/v1/customers/doors@example.com").status_code == 404
    assert pals.one.get(f"/v1/customers/{second}").status_code == 404
    assert pals.one.get(f"/v1/merges/{merged['data'][0]['id']}").status_code == 404


def test_merges_are_listed_and_undone_in_their_order(pals: World) -> None:
    first, second = pair(pals, "undo")
    third = created(pals.one, email="undo@example.net")
    earlier = merge(pals.one, first, {"id": second})["data"][0]["id"]
    later = merge(pals.one, third, {"customer_id": "undo-1"})["data"][0]["id"]
    listed = pals.one.document("/v1/merges?page[size]=1")
    assert [each["id"] for each in listed["data"]] == [later]
    assert [each["id"] for each in pals.one.document(listed["links"]["next"])["data"]][:1] == [earlier]
    assert not pals.one.document(f"/v1/merges/{earlier}")["data"]["attributes"]["can_be_undone"]
    assert refused(pals.one, "POST", f"/v1/merges/{earlier}/undo") == (
        409,
        [("", f"Merge {later} came later and must be undone first.")],
    )
    for _ in range(2):
        assert done(pals.one, "POST", f"/v1/merges/{later}/undo")["data"]["attributes"]["undone_at"]
    assert done(pals.one, "POST", f"/v1/merges/{earlier}/undo")["data"]["attributes"]["undone_at"]
    for number in (first, second, third):
        assert pals.one.document(f"/v1/customers/{number}")["data"]["id"] == number
    assert merge(pals.one, first, {"id": first})["meta"]["result"] == "unchanged"


def test_bad_calls_are_refused_and_change_nothing(pals: World) -> None:
    first, _ = pair(pals, "bad")
    path = f"/v1/customers/{first}/merge"
    assert refused(pals.one, "POST", path, {"data": []})[1][0][0] == "/data"
    assert refused(pals.one, "POST", path, {"data": [{"id": "1", "email": "x@y.example"}]})[1][0][0] == "/data/0"
    assert refused(pals.one, "POST", path, {"data": [{"email": "nobody@example.com"}]}) == (
        404,
        [("/data/0", "must name a customer that exists")],
    )
    assert refused(pals.one, "POST", path, {"data": [{"id": first}], "prefer": "mine"})[1][0][0] == "/prefer"
    assert refused(pals.one, "POST", f"{path}?preview=maybe", {"data": [{"id": first}]})[1][0][0] == "preview"
    assert pals.one.get("/v1/merges?page[size]=0").status_code == 400
    assert pals.one.get("/v1/merges?page[after]=x").status_code == 400
    assert pals.one.get("/v1/merges/1").status_code == 404


def test_another_account_sees_and_merges_nothing(pals: World) -> None:
    first, second = pair(pals, "ours")
    theirs = created(pals.other, email="theirs@example.com")
    number = merge(pals.one, first, {"id": second})["data"][0]["id"]
    assert pals.other.document("/v1/merges")["data"] == []
    for path in (f"/v1/merges/{number}", "/v1/merges/99999"):
        assert pals.other.get(path).content == pals.other.get("/v1/merges/99999").content
    assert refused(pals.other, "POST", f"/v1/merges/{number}/undo")[0] == 404
    assert refused(pals.other, "POST", f"/v1/customers/{first}/merge", {"data": [{"id": theirs}]})[0] == 404
    assert refused(pals.other, "POST", f"/v1/customers/{theirs}/merge", {"data": [{"id": first}]})[0] == 400
    assert refused(pals.one, "POST", f"/v1/customers/{first}/merge", {"data": [{"id": theirs}]})[0] == 400
    assert pals.one.document(f"/v1/merges/{number}")["data"]["attributes"]["undone_at"] is None


def test_the_merge_of_blueshift(pals: World) -> None:
    def moved(**body: Any) -> Any:
        reply = pals.one.send("POST", "/api/v1/customers/merge", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    made = moved(customer_id="bs-0", bsft_new_customer_id="bs-1")
    assert (made["result"], made["customer"]["customer_id"]) == ("created", "bs-1")
    renamed = moved(customer_id="bs-1", bsft_new_customer_id="bs-2")
    assert (renamed["result"], renamed["customer"]["uuid"]) == ("updated", made["customer"]["uuid"])
    created(pals.one, email="bs@example.com", customer_id="bs-3")
    merged = moved(email="bs@example.com", bsft_new_customer_id="bs-2")
    assert (merged["result"], merged["customer"]["customer_id"]) == ("merged", "bs-2")
    assert merged["customer"]["email"] == "bs@example.com"
    assert len(merged["merges"]) == 1
    assert moved(customer_id="bs-3", bsft_new_customer_id="bs-2")["result"] == "unchanged"
    assert moved(customer_id="nobody", bsft_new_customer_id="bs-2")["result"] == "unchanged"
    reply = pals.one.send("POST", "/api/v1/customers/merge", json={"email": "bs@example.com"})
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "bsft_new_customer_id")
