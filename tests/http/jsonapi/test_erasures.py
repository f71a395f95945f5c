"""Erased persons: gone at once from every reply and every row, and what names them later is kept nowhere."""

import re
from typing import Any

from regulars.http.classic.surface import CLASSIC
from regulars.http.jsonapi.surface import JSONAPI
from regulars.http.operations import OPERATIONS
from regulars.store.schema import metadata

from ...databases import Query
from ...described import assert_described
from .test_audit_events import administrator
from .world import Api, World
from .writing import made

ADDRESS = "wanda.gone@erase.example"
FORMER = "wanda.before@erase.example"
WORDS = ("wanda", "Wanderson", "customer-w-77", "+4915100000077", "secret-street")


def rows_with(world: World, words: tuple[str, ...]) -> list[str]:
    """The tables with a row in which one of the words is."""
    found = []
    with Query(world.app.path) as read:
        for table in metadata.sorted_tables:
            for row in read.rows(f"SELECT * FROM {table.name}"):
                text = " ".join(
                    each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in row
                )
                found += [f"{table.name}: {word}" for word in words if word.lower() in text.lower()]
    return found


def known(world: World, api: Api, tag: str = "") -> str:
    """A customer with something in every table; its address below /v1."""
    address, before = ADDRESS.replace("@", f"{tag}@"), FORMER.replace("@", f"{tag}@")
    person = {"customer_id": f"customer-w-77{tag}", "firstname": "Wanda", "lastname": "Wanderson"}
    world.save(api, {**person, "email": before, "cookie": f"wanda-cookie{tag}", "unsubscribed": False})
    mail = {"email": before, "template_id": "t", "log_id": f"wanda-log{tag}", "message": "to Wanda"}
    world.happens(api, {"event": "email_sent", **mail})
    world.save(api, {**person, "email": address, "data": {"address": "secret-street 1"}, "phone_number": WORDS[3]})
    world.happens(api, {"event": "purchase", "email": address, "revenue": 5, "order_id": f"wanda-order{tag}"})
    world.happens(api, {"event": "email_sent", "email": address, "broadcast_id": "b1"})
    (found,) = api.document(f"/v1/customers?filter[email_contains]={address}")["data"]
    return f"/v1/customers/{found['id']}"


def erased(api: Api, home: str, **body: Any) -> None:
    reply = api.send("POST", f"{home}/erase", json=body)
    assert reply.status_code == 200, reply.text


def test_nothing_of_an_erased_person_is_in_any_row_or_reply(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one)
    assert {each.partition(":")[0] for each in rows_with(world, WORDS)} >= {"customers", "logs", "activities"}
    erased(admin, home, reason="Article 17 GDPR")
    assert rows_with(world, WORDS) == []
    assert world.one.get(home).status_code == 404
    for part in ("activity", "logs", "consents", "export"):
        assert world.one.get(f"{home}/{part}").status_code == 404
    for address in (ADDRESS, FORMER):
        assert world.one.get(f"/api/v1/customers/{address}").status_code == 404
        assert world.one.get(f"/api/v1/customers/{address}/logs").status_code == 404
    assert world.one.document("/v1/customers?filter[search]=walkerson")["data"] == []
    (entry, *_) = admin.document("/v1/erasures")["data"]
    assert (entry["attributes"]["reason"], entry["attributes"]["customers"]) == ("Article 17 GDPR", 1)
    assert entry["attributes"]["actor"]["type"] == "key"
    (entry, *_) = admin.document("/v1/audit_events?filter[kind]=site")["data"]
    assert (entry["attributes"]["operation"], entry["attributes"]["results"]) == ("customers.erase", {"deleted": 1})


def test_what_names_an_erased_person_is_answered_and_kept_nowhere(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one, "-again")
    erased(admin, home)
    api = world.one
    address, former, customer_id = (
        ADDRESS.replace("@", "-again@"),
        FORMER.replace("@", "-again@"),
        "customer-w-77-again",
    )
    for named in ({"email": address}, {"email": former}, {"customer_id": customer_id}, {"email": address.upper()}):
        reply = api.send("POST", "/api/v1/customers", json={**named, "firstname": "Wanda"})
        assert (reply.status_code, reply.json()) == (200, {"success": True, "status": "OK", "result": "ignored"})
        for event in ("visit", "identify", "email_opened", "subscribed"):
            body = {"event": event, **named, "firstname": "Wanda", "log_id": "wanda-log-again"}
            reply = api.send("POST", "/api/v1/event", json=body)
            assert (reply.status_code, reply.json()["result"]) == (200, "ignored"), (event, named)
    bulk = api.send(
        "POST", "/api/v1/customers/bulk", json={"customers": [{"email": address}, {"email": "b@erase.example"}]}
    )
    assert [each["result"] for each in bulk.json()["results"]] == ["ignored", "created"]
    # Somebody who is there cannot take the address, either: it would bring the person back.
    world.save(api, {"customer_id": "somebody"})
    reply = api.send("POST", "/api/v1/customers", json={"customer_id": "somebody", "email": address})
    assert reply.json()["result"] == "ignored"
    site = world.app.site("one", "main")
    contact = {
        "type": "contacts",
        "attributes": {"name": "Wanda", "email": address},
        "relationships": {"site": {"data": {"type": "sites", "id": str(site)}}},
    }
    reply = api.send("POST", "/v1/contacts", json={"data": contact})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (409, "erased")
    assert rows_with(world, ("wanda", customer_id)) == []


def test_every_call_that_names_an_erased_person_is_answered_as_described(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one, "-named")
    erased(admin, home)
    address, customer_id = ADDRESS.replace("@", "-named@"), "customer-w-77-named"
    group = world.one.send("POST", "/api/v1/groups", json={"name": "Named"}).json()["group"]["id"]
    made(world.one, "drip_campaigns", name="Named", key="named", steps=[{"delay_seconds": 5, "template_id": "t"}])
    form = made(world.one, "forms", title="Named")
    known_parts = {"who": address, "group": group, "campaign": "named", "user": address}
    person = {"email": address, "customer_id": customer_id, "name": "Somebody", "firstname": "Some"}
    body = {
        **person,
        "event": "visit",
        "recipient": {"address": address},
        "recipient_address": address,
        "customers": [person],
        "events": [{**person, "event": "visit"}],
        "emails": [address],
        "users": [person],
        "identifier_key": "email",
        "identifier_value": address,
        "topic": "x",
        "product_id": "x",
        "user": person,
    }
    told = set()
    for each in OPERATIONS:
        if each.method == "GET" or each.surface not in (CLASSIC, JSONAPI) or "erase" in each.path:
            continue
        parts = {**known_parts, "id": form if "/forms/" in each.path else home.rpartition("/")[2]}
        path = re.sub(r"{(\w+)}", lambda part, parts=parts: parts.get(part[1], "1"), each.path)  # type: ignore[misc]
        resource = {"type": path.split("/")[2], "attributes": person, "id": parts["id"]}
        for sent in (body, {"data": resource}):
            reply = admin.send(each.method, path, json=sent)
            assert reply.status_code < 500, f"{each.method} {path} {reply.text}"
            assert_described(reply.request, reply)
            told |= {each.path} if '"ignored"' in reply.text else set()
    assert {"/api/v1/customers", "/api/v1/event", "/api/v1/drip_campaigns/{campaign}/activate"} <= told, told
    assert rows_with(world, ("wanda", customer_id)) == []


def test_only_an_administrator_with_proof_lifts_it(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one, "-back")
    erased(admin, home)
    body = {"email": ADDRESS.replace("@", "-back@"), "firstname": "Wanda", "restore": True}
    assert world.one.send("POST", "/api/v1/customers", json={**body, "proof": "letter"}).status_code == 403
    assert admin.send("POST", "/api/v1/customers", json=body).status_code == 400
    assert world.one.send("POST", "/api/v1/customers", json={**body, "restore": False}).json()["result"] == "ignored"
    reply = admin.send("POST", "/api/v1/customers", json={**body, "proof": "letter of 2026-11-30"})
    assert (reply.status_code, reply.json()["result"]) == (200, "created")
    assert world.one.send("POST", "/api/v1/customers", json={"email": body["email"]}).json()["result"] == "unchanged"


def test_a_key_without_the_scope_admin_confirms_whom_it_erases(own_world: World) -> None:
    world = own_world
    home = known(world, world.one, "-confirm")
    for body in ({}, {"confirm": ""}, {"confirm": "somebody@else.example"}, {"confirm": 5}, {"reason": 5}, {"x": 1}):
        assert world.one.send("POST", f"{home}/erase", json=body).status_code == 400, body
    assert world.one.get(home).status_code == 200
    for other in (world.other, administrator(world, "other")):
        assert other.send("POST", f"{home}/erase", json={"confirm": ADDRESS}).status_code == 404
    assert administrator(world, "other").document("/v1/erasures")["data"] == []
    assert world.other.get("/v1/erasures").status_code == 403
    erased(world.one, home, confirm=ADDRESS.replace("@", "-confirm@").upper())
    assert world.one.get(home).status_code == 404


def test_a_person_is_erased_with_all_that_were_merged_into_it(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home, other = known(world, world.one, "-one"), known(world, world.one, "-two")
    merged = world.one.send("POST", f"{home}/merge", json={"data": [{"id": other.rpartition("/")[2]}]})
    assert merged.status_code in (200, 201), merged.text
    world.happens(world.one, {"event": "visit", "email": ADDRESS.replace("@", "-two@")})
    erased(admin, home)
    assert rows_with(world, ("-one", "-two")) == []
    for tag in ("-one", "-two"):
        reply = world.one.send("POST", "/api/v1/customers", json={"email": ADDRESS.replace("@", f"{tag}@")})
        assert reply.json()["result"] == "ignored"


def test_an_address_that_somebody_else_has_now_stays_theirs(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one, "-moved")
    former = FORMER.replace("@", "-moved@")
    world.save(world.one, {"email": former, "customer_id": "next-owner"})
    world.happens(world.one, {"event": "email_sent", "email": former, "broadcast_id": "b9"})
    erased(admin, home)
    assert world.one.get(f"/api/v1/customers/{former}").status_code == 200
    assert len(world.one.get(f"/api/v1/customers/{former}/logs").json()["logs"]) >= 1
    assert world.save(world.one, {"email": former, "firstname": "Next"}) is None
    assert world.one.get(f"/api/v1/customers/{former}").json()["customer"]["firstname"] == "Next"


def test_the_certificate_says_what_was_erased_and_matches_the_person_only(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one, "-certified")
    of = {"contact": {"data": {"type": "contacts", "id": home.rpartition("/")[2]}}}
    note = {"type": "contact_notes", "attributes": {"body": "Wanda called"}, "relationships": of}
    assert world.one.send("POST", "/v1/contact_notes", json={"data": note}).status_code == 201
    assert world.one.send("POST", f"{home}/consents/request", json={"wording": "Wanda?"}).status_code == 201
    reply = admin.send("POST", f"{home}/erase", json={"reason": "Article 17 GDPR"})
    path = f"/v1/erasures/{reply.json()['data']['attributes']['erasure']}"
    raw = admin.get(path)
    shown = raw.json()["data"]["attributes"]
    assert (shown["reason"], shown["customers"], len(shown["hashes"])) == ("Article 17 GDPR", 1, 3)
    assert shown["state"] in ("pending", "done")
    counted = {"customers": 1, "emails": 2, "events": 3, "notes": 1, "consent_requests": 1}
    assert counted.items() <= shown["erased"].items()
    assert not [word for word in (*WORDS, "certified") if word.lower() in raw.text.lower()]
    address, customer_id = ADDRESS.replace("@", "-certified@"), "customer-w-77-certified"
    for body, matches in (
        ({"email": address.upper()}, True),
        ({"email": FORMER.replace("@", "-certified@"), "customer_id": customer_id}, True),
        ({"email": address, "customer_id": "another"}, False),
        ({"email": "another@erase.example"}, False),
    ):
        reply = admin.send("POST", f"{path}/verify", json=body)
        assert (reply.status_code, reply.json()["data"]["attributes"]["matches"]) == (200, matches), body
    bodies: tuple[Any, ...] = ({}, [], {"email": 5}, {"email": "x"}, {"name": "Wanda"}, {"customer_id": "x" * 10_000})
    for bad in bodies:
        assert admin.send("POST", f"{path}/verify", json=bad).status_code in (400, 422), bad
    other = administrator(world, "other")
    for place in (path, "/v1/erasures/1", "/v1/erasures/1-2-3", "/v1/erasures/a-b-c", f"/v1/erasures/1-2-{9**15}"):
        assert other.get(place).status_code == other.send("POST", f"{place}/verify", json={}).status_code == 404, place
    assert world.one.get(path).status_code == 403


def test_no_call_that_reads_finds_an_erased_person(own_world: World) -> None:
    """Every GET with the ids, the address and questions about the person. What the request itself says is no find."""
    world, admin = own_world, administrator(own_world)
    home = known(world, world.one, "-walk")
    world.save(world.one, {"email": ADDRESS.replace("@", "-walk@"), "lastname": "Walkerson"})
    uuid = world.one.document(f"{home}/export")["customer"]["uuid"]
    site, address = world.app.site("one", "main"), ADDRESS.replace("@", "-walk@")
    calls = [each for each in OPERATIONS if each.method == "GET" and each.surface in (CLASSIC, JSONAPI)]
    ids = [home.rpartition("/")[2], str((site << 32) + 1), "1", address, uuid]
    questions = ("", "?filter[search]=wanderson", f"?email={address}", "?q=name%20%3A%20walk")

    def found() -> set[str]:
        hits = set()
        for each in calls:
            for path in each.paths:
                for filled in {re.sub(r"{\w+}", one, path) for one in ids}:
                    for query in questions if "{" not in path else ("",):
                        text = admin.send("GET", filled + query).text.lower()
                        text = text.replace(address, "").replace("walkerson", "", query.count("walkerson"))
                        if any(word in text for word in ("walkerson", "-walk", uuid)):
                            hits.add(path)
        return hits

    before = found()
    assert len(before) > 10, before
    erased(admin, home)
    assert found() == set()
