"""The audit trail: every change by a key, a user or a command, once for each request, without values."""

from typing import Any

import pytest

from regulars.domain.origin import COMMAND_LINE
from regulars.store import audit, control, users
from regulars.store.pruning import prune_account_audit_events, prune_audit_events

from .test_customer_activity import pages
from .world import Api, World

FOREVER = 2**50


def administrator(world: World, account: str = "one") -> Api:
    return Api(world.app, world.app.secret(account, "main", scopes=("read", "write", "admin"))[1])


def trail(admin: Api, kind: str = "site") -> list[dict[str, Any]]:
    return [each["attributes"] for each in pages(admin, f"/v1/audit_events?filter[kind]={kind}&page[size]=100")]


def hashes(api: Api, path: str) -> set[str]:
    return {each["attributes"]["hash"] for each in pages(api, path)}


def broken(world: World) -> list[str]:
    async def work() -> list[str]:
        async with world.app.services.store.snapshot() as connection:
            site = world.app.site("one", "main")
            account = next(each.account_id for each in await control.list_sites(connection) if each.id == site)
            return [entry.event.operation for entry in await audit.broken_links(connection, site, account)]

    return world.app.run(work())  # type: ignore[no-any-return]


def test_each_request_that_changes_something_is_one_entry(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    before = len(trail(admin))
    person = {"email": "liv@audit.example", "firstname": "Liv", "data": {"plan": "secretplan"}, "groups": ["vips"]}
    world.save(world.one, person)
    request = world.one.send(
        "POST", "/api/v1/customers", json={**person, "lastname": "Dahl"}, headers={"X-Request-Id": "r-7"}
    )
    assert request.json()["result"] == "updated"
    world.save(world.one, {**person, "lastname": "Dahl"})
    bulk = [{"email": f"{name}@audit.example", "phone_number": "+4915112345678"} for name in ("a", "b", "liv")]
    world.one.send("POST", "/api/v1/customers/bulk", json={"customers": bulk})
    world.happens(world.one, {"event": "visit", "email": "liv@audit.example"})
    tag = {"data": {"type": "contact_tags", "attributes": {"name": "Audited"}}}
    number = world.one.send("POST", "/v1/contact_tags", json=tag).json()["data"]["id"]
    world.one.send("DELETE", f"/v1/contact_tags/{number}")
    world.one.send("DELETE", "/api/v1/customers/liv@audit.example")
    entries = trail(admin)[: len(trail(admin)) - before]
    assert [(each["operation"], each["results"]) for each in entries] == [
        ("customers.remove", {"deleted": 1}),
        ("objects.delete_contact_tags_id", {"deleted": 1}),
        ("objects.post_contact_tags", {"created": 1}),
        ("events.record", {"updated": 1}),
        ("customers.bulk", {"created": 2, "updated": 1}),
        ("customers.upsert", {"updated": 1}),
        ("customers.upsert", {"created": 1}),
    ]
    deleted, _, made, _, several, updated, created = entries
    assert updated["target"] == created["target"] == deleted["target"]
    assert (several["target"], made["target"]) == (None, f"tags/{number}")
    assert (updated["fields"], updated["request_id"]) == (["lastname", "name"], "r-7")
    assert {"email", "firstname", "attributes"} <= set(created["fields"])
    assert all(each["actor"] == {"type": "key", "id": str(world.key)} for each in entries)
    assert not any(value in str(entries) for value in ("Liv", "Dahl", "audit.example", "secretplan", "plan"))
    assert broken(world) == []


def test_access_and_settings_are_recorded(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    site = world.app.site("one", "main")
    change = {"data": {"type": "sites", "id": str(site), "attributes": {"title": "Shop", "time_zone": "Europe/Berlin"}}}
    assert world.one.send("PATCH", f"/v1/sites/{site}", json=change).status_code == 200
    engine = world.app.services.store.engine

    async def work() -> None:
        account = 1
        user = await users.create_user(engine, account, name="Eva", address="eva@audit.example", role="read", now=5)
        await users.set_role(engine, user.id, "write")
        await users.disable_user(engine, user.id, now=6)
        await control.revoke_key(engine, world.key + 10**6, now=7)

    world.app.run(work())
    entries = trail(admin, "account")
    shown = [(each["operation"], each["fields"], each["channel"]) for each in entries]
    assert [each for each in shown if each[0] == "sites.change"] == [
        ("sites.change", ["time_zone", "title"], "jsonapi"),
    ]
    assert ("users.set_role", ["role"], "command_line") in shown
    assert ("users.disable", ["disabled_at"], "command_line") in shown
    assert ("keys.create", [], "command_line") in shown
    assert not any(each[0] == "keys.revoke" for each in shown)
    assert "Eva" not in str(entries) and "eva@" not in str(entries)
    assert broken(world) == []


def test_only_administrators_of_the_account_see_it(own_world: World) -> None:
    world = own_world
    assert world.one.get("/v1/audit_events").status_code == 403
    assert world.nobody.get("/v1/audit_events").status_code == 401
    site = world.app.site("one", "main")
    other = administrator(world, "other")
    world.save(world.one, {"email": "apart@audit.example"})
    mine = hashes(administrator(world), "/v1/audit_events?page[size]=100")
    assert not mine & hashes(other, "/v1/audit_events?page[size]=100")
    assert other.document(f"/v1/audit_events?filter[site_id]={site}")["data"] == []
    assert hashes(administrator(world), f"/v1/audit_events?filter[site_id]={site}&page[size]=100") >= mine


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit_events SET operation = 'nothing'",
        "UPDATE audit_events SET body = hash",
        "UPDATE audit_events SET actor = actor + 1",
        "DELETE FROM audit_events",
    ],
)
def test_an_edited_or_missing_entry_breaks_the_chain(own_world: World, edit: str) -> None:
    world = own_world
    for number in range(4):
        world.save(world.one, {"email": f"chain-{hash(edit)}-{number}@audit.example"})
    assert broken(world) == []
    newest = '(SELECT max("at") FROM audit_events)'

    async def work(*statements: str) -> None:
        async with world.app.services.store.engine.transaction() as connection:
            for statement in statements:
                await connection.script(statement)

    world.app.run(work(f'{edit} WHERE "at" = (SELECT max("at") FROM audit_events WHERE "at" < {newest})'))
    assert broken(world) != []
    world.app.run(work("DELETE FROM audit_events"))


def test_old_entries_are_pruned(own_world: World) -> None:
    world, admin = own_world, administrator(own_world)
    world.save(world.one, {"email": "old@audit.example"})
    assert trail(admin)

    async def work() -> None:
        engine = world.app.services.store.engine
        assert await prune_audit_events(engine, world.app.site("one", "main"), before=FOREVER) > 0
        await prune_account_audit_events(engine, before=FOREVER)

    world.app.run(work())
    assert pages(admin, "/v1/audit_events") == []
    world.save(world.one, {"email": "new@audit.example"})
    assert (len(trail(admin)), broken(world)) == (1, [])
    assert COMMAND_LINE.actor.number is None
