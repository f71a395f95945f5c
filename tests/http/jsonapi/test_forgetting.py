"""Blueshift's forget and unforget: no email, no events, and consent as it was before."""

from typing import Any
from urllib.parse import quote

from .test_audit_events import administrator
from .world import Api, World

FORGET = "/api/v1/customers/forget"
UNFORGET = "/api/v1/customers/unforget"
HOME = "/api/v1/customers/f@forget.com"


def called(api: Api, path: str, **who: str) -> dict[str, Any]:
    reply = api.send("POST", path, json=who)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def happened(api: Api, event: str, **more: Any) -> str:
    reply = api.send("POST", "/api/v1/event", json={"event": event, "email": "f@forget.com", **more})
    assert reply.status_code == 200, reply.text
    return str(reply.json().get("result"))


def asked(api: Api, question: str) -> list[str]:
    return [each["attributes"]["email"] for each in api.document(f"/v1/customers?q={quote(question)}")["data"]]


def reached(api: Api) -> dict[str, int]:
    reply = api.send("POST", "/v1/questions/reach", json={"q": "email ends forget.com", "purpose": "marketing"})
    assert reply.status_code == 200, reply.text
    attributes = reply.json()["data"]["attributes"]
    return {"reachable": attributes["reachable"], **{e["reason"]: e["first"] for e in attributes["excluded"]}}


def activity(api: Api, number: str) -> list[str]:
    entries = api.document(f"/v1/customers/{number}/activity")["data"]
    return [each["attributes"].get("event") or each["attributes"]["kind"] for each in entries]


def test_a_forgotten_customer_gets_no_email_and_events_are_counted_and_not_kept(own_world: World) -> None:
    world, api, admin = own_world, own_world.one, administrator(own_world)
    world.save(api, {"email": "f@forget.com", "customer_id": "f-1", "unsubscribed": False})
    world.save(api, {"email": "g@forget.com", "unsubscribed": False})
    (found,) = api.document("/v1/customers?filter[email]=f@forget.com")["data"]
    number, uuid = found["id"], api.get(HOME).json()["customer"]["uuid"]
    happened(api, "visit")
    for who in ({"email": "F@Forget.com"}, {"customer_id": "f-1"}, {"uuid": uuid}):
        assert called(api, FORGET, **who)["result"] == ("updated" if "email" in who else "unchanged")
    assert asked(api, "is forgotten") == ["f@forget.com"]
    assert asked(api, "email ends forget.com and not is forgotten") == ["g@forget.com"]
    assert api.document("/v1/customers?filter[is_forgotten]=true")["meta"]["total"] == 1
    assert (reached(api)["reachable"], reached(api)["forgotten"]) == (1, 1)
    before = activity(api, number)
    for event in ("visit", "identify", "something", "subscribed"):
        assert happened(api, event, firstname="Fay") == "ignored", event
    assert api.send("POST", "/api/v1/event", json={"event": "visit", "uuid": uuid}).json()["result"] == "ignored"
    assert activity(api, number) == before
    customer = api.get(HOME).json()["customer"]
    assert (customer["lifetime_visits"], customer["firstname"]) == (1, None)
    # The profile is the operator's, and an end of consent must count afterwards, too.
    world.save(api, {"email": "f@forget.com", "lastname": "Fox"})
    assert happened(api, "unsubscribed") == "updated"
    ended = called(api, UNFORGET, customer_id="f-1")
    assert (ended["result"], ended["forgotten"], ended["ignored_events"]) == ("updated", False, 5)
    assert called(api, UNFORGET, email="f@forget.com")["result"] == "unchanged"
    assert asked(api, "is forgotten") == []
    assert reached(api)["unsubscribed"] == 1
    assert happened(api, "visit") == "updated"
    operations = [e["attributes"]["operation"] for e in admin.document("/v1/audit_events?filter[kind]=site")["data"]]
    assert operations.count("customers.forget") == operations.count("customers.unforget") == 1
    assert api.send("POST", FORGET, json={"email": "nobody@forget.com"}).status_code == 404
    assert world.other.send("POST", FORGET, json={"email": "f@forget.com"}).status_code == 404
    wrong: list[Any] = [{}, {"email": 5}, [], {"uuid": "x"}]
    for body in wrong:
        assert api.send("POST", FORGET, json=body).status_code in (400, 422), body


def test_an_undone_merge_keeps_who_is_forgotten(own_world: World) -> None:
    world, api = own_world, own_world.one
    for name in "abcd":
        world.save(api, {"email": f"{name}@forget.com", "customer_id": name, "unsubscribed": False})
    called(api, FORGET, email="b@forget.com")
    for gone, survivor in ("ba", "dc"):
        body = {"customer_id": gone, "bsft_new_customer_id": survivor}
        (merge,) = api.send("POST", "/api/v1/customers/merge", json=body).json()["merges"]
        if survivor == "c":
            called(api, FORGET, email="d@forget.com")
        assert happened(api, "visit", email=f"{gone}@forget.com") == "ignored"
        site = world.app.site("one", "main")
        reply = api.send("POST", f"/v1/merges/{(site << 32) + merge}/undo")
        assert reply.status_code == 200, reply.text
    assert sorted(asked(api, "is forgotten")) == ["b@forget.com", "c@forget.com", "d@forget.com"]


def test_reserved_domains_are_out_of_reach(own_world: World) -> None:
    world, api = own_world, own_world.one
    for address in ("x@y.invalid", "x@y.localhost", "x@test.com"):
        world.save(api, {"email": address, "unsubscribed": False})
    reply = api.send("POST", "/v1/questions/reach", json={"q": "email starts x@", "purpose": "transactional"})
    excluded = {each["reason"]: each["first"] for each in reply.json()["data"]["attributes"]["excluded"]}
    assert (excluded["invalid_address"], excluded["no_address"]) == (2, 0)
