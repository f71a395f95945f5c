"""Notes about contacts: written, read, and gone with whom they are about."""

from typing import Any

from .test_audit_events import administrator
from .test_erasures import erased, rows_with
from .world import Api, World, every
from .writing import done, refused, resource

HOME = "/v1/contact_notes"


def person(world: World, api: Api, address: str) -> str:
    """The id of a new contact."""
    world.save(api, {"email": address})
    (found,) = api.document(f"/v1/contacts?filter[email_contains]={address}")["data"]
    return str(found["id"])


def note(contact: Any, body: Any, **more: Any) -> dict[str, Any]:
    made = resource("contact_notes", body=body, **more)
    made["data"]["relationships"] = {"contact": {"data": {"type": "contacts", "id": contact}}}
    return made


def bodies(api: Api, query: str = "") -> list[str]:
    return [each["attributes"]["body"] for each in every(api, f"{HOME}?page[size]=2{query}")]


def test_notes_are_written_read_changed_and_deleted(own_world: World) -> None:
    world, api = own_world, own_world.one
    anna, ben = person(world, api, "anna@notes.example"), person(world, api, "ben@notes.example")
    ids = [done(api, "POST", HOME, note(anna, f"note {i}"), 201)["data"]["id"] for i in range(5)]
    other = done(api, "POST", HOME, note(int(ben), "of Ben"), 201)["data"]
    assert other["relationships"]["contact"]["data"] == {"type": "contacts", "id": ben}
    assert len({*ids, other["id"]}) == 6
    assert bodies(api) == ["of Ben", "note 4", "note 3", "note 2", "note 1", "note 0"]
    assert bodies(api, "&sort=created_at") == bodies(api)[::-1]
    assert bodies(api, f"&filter[contact_id]={anna}&sort=created_at") == [f"note {i}" for i in range(5)]
    # The same pages by cursor, in both directions.
    assert bodies(api, "&page[after]=") == bodies(api)
    back = api.document(f"{HOME}?page[size]=4&page[before]=")
    assert [each["attributes"]["body"] for each in back["data"]] == ["note 3", "note 2", "note 1", "note 0"]
    assert back["links"]["next"] is None
    first = api.document(back["links"]["prev"])
    assert [each["attributes"]["body"] for each in first["data"]] == ["of Ben", "note 4"]
    assert first["links"]["prev"] is None
    assert first["links"]["next"] is not None
    assert first["meta"]["total_count"] == 6
    changed = done(api, "PATCH", f"{HOME}/{ids[0]}", resource("contact_notes", id_=ids[0], body="new"))
    assert changed["data"]["attributes"]["body"] == "new"
    assert bodies(api, "&sort=-updated_at")[0] == "new"
    shown = api.document(f"{HOME}/{ids[0]}?include=contact&fields[contacts]=email&fields[contact_notes]=body")
    assert shown["data"]["attributes"] == {"body": "new"}
    assert shown["included"][0]["attributes"] == {"email": "anna@notes.example"}
    # What was shown can be sent back.
    whole = api.document(f"{HOME}/{ids[0]}")["data"]
    assert done(api, "PATCH", f"{HOME}/{ids[0]}", {"data": whole})["data"]["id"] == ids[0]
    newest = other["id"]
    assert done(api, "DELETE", f"{HOME}/{newest}") == {"data": {}}
    assert api.get(f"{HOME}/{newest}").status_code == 404
    assert done(api, "POST", HOME, note(ben, "again"), 201)["data"]["id"] != newest
    home = f"/v1/customers/{anna}"
    exported = [each["body"] for each in api.document(f"{home}/export")["notes"]]
    assert exported == ["note 4", "note 3", "note 2", "note 1", "new"]


def test_what_is_wrong_with_a_note_is_named_and_changes_nothing(own_world: World) -> None:
    world, api = own_world, own_world.one
    contact = person(world, api, "bad@notes.example")
    theirs = done(world.other, "POST", HOME, note(person(world, world.other, "theirs@notes.example"), "x"), 201)["data"]
    mine = done(api, "POST", HOME, note(contact, "mine"), 201)["data"]["id"]
    foreign = theirs["relationships"]["contact"]["data"]["id"]
    for body in (None, "", " \n", 5, ["x"], {"a": 1}, "x" * 10_001):
        assert refused(api, "POST", HOME, note(contact, body))[1][0][0] == "/data/attributes/body"
        found = refused(api, "PATCH", f"{HOME}/{mine}", resource("contact_notes", body=body))
        assert (found[0], found[1][0][0]) == (422, "/data/attributes/body")
    for wrong in (foreign, "x", None, "", 2**70, -1, True, 1.5, [contact], str(int(contact) + 99_999)):
        status, faults = refused(api, "POST", HOME, note(wrong, "x"))
        assert (status, faults[0][0]) == (404, "/data/relationships/contact/data/id"), wrong
    for document in (
        resource("contact_notes", body="x"),
        {"data": {"type": "contact_notes", "attributes": {"body": "x"}, "relationships": {"contact": 5}}},
        note(contact, "x", author="y"),
        {"data": {**note(contact, "x")["data"], "type": "notes"}},
        {"data": [note(contact, "x")["data"]]},
    ):
        assert refused(api, "POST", HOME, document)[0] in (400, 422)
    moved = note(person(world, api, "other@notes.example"), "moved")
    assert refused(api, "PATCH", f"{HOME}/{mine}", moved)[1][0][0] == "/data/relationships/contact"
    for path in (f"{HOME}/{theirs['id']}", f"{HOME}/0", f"{HOME}/x", f"{HOME}/{2**60}", f"{HOME}/-1"):
        assert api.get(path).status_code == 404
        assert refused(api, "PATCH", path, resource("contact_notes", body="x"))[0] == 404
        assert api.send("DELETE", path).status_code == 404
    assert api.error(f"{HOME}?filter[contact_id]=x")[1]["source"] == {"parameter": "filter[contact_id]"}
    for nobody in (foreign, 2**50, "1"):
        assert api.document(f"{HOME}?filter[contact_id]={nobody}")["meta"]["total_count"] == 0
    assert bodies(api, f"&filter[contact_id]={contact}") == ["mine"]
    assert world.other.get(f"{HOME}/{theirs['id']}").json()["data"]["attributes"]["body"] == "x"


def test_notes_go_with_whom_they_are_about(own_world: World) -> None:
    world, api, admin = own_world, own_world.one, administrator(own_world)
    gone, deleted = person(world, api, "gone@notes.example"), person(world, api, "deleted@notes.example")
    done(api, "POST", HOME, note(gone, "about-the-erased"), 201)
    done(api, "POST", HOME, note(deleted, "about-the-deleted"), 201)
    erased(admin, f"/v1/customers/{gone}")
    assert api.send("DELETE", f"/v1/contacts/{deleted}").status_code == 200
    assert rows_with(world, ("about-the-",)) == []


def test_notes_of_merged_customers_are_those_of_the_survivor_until_the_merge_is_undone(own_world: World) -> None:
    world, api = own_world, own_world.one
    anna, ann = person(world, api, "anna@merged.example"), person(world, api, "ann@merged.example")
    written = done(api, "POST", HOME, note(ann, "before"), 201)["data"]["id"]
    (merge,) = api.send("POST", f"/v1/customers/{anna}/merge", json={"data": [{"id": ann}]}).json()["data"]
    done(api, "POST", HOME, note(ann, "after"), 201)
    for contact in (anna, ann):
        assert bodies(api, f"&filter[contact_id]={contact}") == ["after", "before"]
    assert api.document(f"{HOME}/{written}")["data"]["relationships"]["contact"]["data"]["id"] == anna
    done(api, "PATCH", f"{HOME}/{written}", resource("contact_notes", body="changed"))
    exported = api.document(f"/v1/customers/{anna}/export")["notes"]
    assert [each["body"] for each in exported] == ["after", "changed"]
    assert api.send("POST", f"/v1/merges/{merge['id']}/undo").status_code == 200
    assert bodies(api, f"&filter[contact_id]={ann}") == ["changed"]
    assert bodies(api, f"&filter[contact_id]={anna}") == ["after"]
