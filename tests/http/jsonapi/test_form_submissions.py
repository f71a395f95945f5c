"""Submissions of forms: by the call and by the event, read back, and gone with whoever made them."""

from typing import Any

from .test_audit_events import administrator
from .test_contact_notes import person
from .test_erasures import erased, rows_with
from .world import World, every
from .writing import done, made, refused, resource

HOME = "/v1/form_submissions"


def submission(**attributes: Any) -> dict[str, Any]:
    return resource("form_submissions", **attributes)


def test_a_form_is_submitted_and_the_submission_is_read_back(own_world: World) -> None:
    world, api = own_world, own_world.one
    form = made(api, "forms", title="Waiting list", key="waiting")
    other = made(api, "forms", title="Contact us")
    entered = {"name": "Anna Keller", "email": "Anna@Forms.example", "phone_number": "+49 151 12345678"}
    more = {"address_city": "Lisbon", "mobile_phone_number": "+4915112345679", "custom_1": "x", "address_zip": None}
    first = done(api, "POST", "/v1/forms/waiting/submit", submission(**entered, **more), 201)["data"]
    assert first["type"] == "form_submissions"
    assert {name: first["attributes"][name] for name in ("name", "phone_number", "address_city", "custom_1")} == {
        "name": "Anna Keller",
        "phone_number": "+49 151 12345678",
        "address_city": "Lisbon",
        "custom_1": "x",
    }
    assert first["relationships"]["form"]["data"] == {"type": "forms", "id": form}
    customer = first["relationships"]["customer"]["data"]["id"]
    contact = api.document(f"/v1/contacts/{customer}")["data"]["attributes"]
    assert (contact["email"], contact["address_city"], contact["custom_1"]) == ("anna@forms.example", "Lisbon", "x")
    profile = api.document(f"/v1/customers/{customer}/profile")
    assert "+4915112345679" in str(profile)
    assert api.document(f"/v1/customers?filter[submitted_form_id]={form}")["meta"]["total_count"] == 1
    # The same again is another submission; what is left out stays as it is.
    again = done(api, "POST", f"/v1/forms/{form}/submit", submission(name="Anna K.", email="anna@forms.example"), 201)
    second = again["data"]
    assert second["id"] != first["id"]
    assert second["attributes"]["address_city"] is None
    assert api.document(f"/v1/contacts/{customer}")["data"]["attributes"]["address_city"] == "Lisbon"
    world.happens(api, {"event": "form_submitted", "email": "anna@forms.example", "form_id": other, "note": "by event"})
    mine = f"{HOME}?page[size]=2&filter[customer_id]={customer}"
    names = [each["attributes"]["name"] for each in every(api, mine)]
    assert names == ["Anna K.", "Anna K.", "Anna Keller"]
    assert every(api, f"{mine}&sort=created_at")[0]["id"] == first["id"]
    for named in (form, "waiting"):
        ids = [each["id"] for each in every(api, f"{HOME}?page[size]=1&filter[form_id]={named}")]
        assert ids == [second["id"], first["id"]]
    # What was sent before: the vendor's own way back to the first page, and by cursor.
    assert [each["id"] for each in every(api, f"{mine}&page[after]=")][1:] == [second["id"], first["id"]]
    shown = api.document(f"{HOME}/{first['id']}?include=site,form,customer&fields[forms]=title")
    assert {each["type"] for each in shown["included"]} == {"sites", "forms", "customers"}
    assert done(api, "DELETE", f"/v1/forms/{form}")
    assert api.document(f"{HOME}/{first['id']}")["data"]["relationships"]["form"]["data"] is None
    assert api.document(f"{HOME}?filter[form_id]={form}")["data"] == []


def test_what_is_wrong_with_a_submission_is_named_and_changes_nothing(own_world: World) -> None:
    world, api = own_world, own_world.one
    form = made(api, "forms", title="Strict form")
    path = f"/v1/forms/{form}/submit"
    before = world.app.contents()
    good: dict[str, Any] = {"name": "B", "email": "b@forms.example"}
    for wrong, where in (
        ({"name": None}, "name"),
        ({"name": " "}, "name"),
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": 5}, "email"),
        ({"name": ["x"]}, "name"),
        ({"name": "x" * 100_000}, "name"),
        ({"address_city": {"a": 1}}, "address_city"),
        ({"custom_1": "x" * 100_000}, "custom_1"),
        ({"subscribed": True}, "subscribed"),
    ):
        status, faults = refused(api, "POST", path, submission(**{**good, **wrong}))
        assert (status, faults[0][0]) == (422, f"/data/attributes/{where}"), wrong
    assert refused(api, "POST", path, resource("forms", **good))[0] == 400
    assert refused(api, "POST", path, {"data": []})[0] == 400
    assert world.app.contents() == before
    for missing in ("/v1/forms/0/submit", "/v1/forms/nothing/submit", f"/v1/forms/{2**60}/submit"):
        assert refused(api, "POST", missing, submission(**good))[0] == 404
    assert refused(world.other, "POST", path, submission(**good))[0] == 404
    mine = done(api, "POST", path, submission(**good), 201)["data"]["id"]
    for missing in (f"{HOME}/0", f"{HOME}/x", f"{HOME}/{2**60}"):
        assert api.get(missing).status_code == 404
    assert world.other.get(f"{HOME}/{mine}").status_code == 404
    assert world.other.document(HOME)["data"] == []
    assert refused(api, "GET", f"{HOME}?filter[form_id]=a,b")[1][0][0] == "filter[form_id]"
    # A phone number that cannot be read does not lose the submission.
    told = done(api, "POST", path, submission(**good, phone_number="call me"), 201)
    assert told["meta"]["warnings"][0]["source"] == {"pointer": "/data/attributes/phone_number"}
    assert told["data"]["attributes"]["phone_number"] == "call me"


def test_submissions_go_with_whoever_made_them(own_world: World) -> None:
    world, api, admin = own_world, own_world.one, administrator(own_world)
    form = made(api, "forms", title="Leaving")
    body = submission(name="Gone", email="gone@forms.example", custom_1="entered-by-the-erased")
    done(api, "POST", f"/v1/forms/{form}/submit", body, 201)
    erased(admin, f"/v1/customers/{person(world, api, 'gone@forms.example')}")
    assert rows_with(world, ("entered-by-the-",)) == []
    assert refused(api, "POST", f"/v1/forms/{form}/submit", body)[0] == 409
    assert api.document(f"{HOME}?filter[form_id]={form}")["data"] == []
