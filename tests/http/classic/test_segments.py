"""Segments and custom user lists as the clients of Sendwithus and Blueshift call them."""

from typing import Any

import pytest

from tests.http.checks import done, refused
from tests.in_process import Client


@pytest.fixture(scope="module")
def people(api: Client) -> list[str]:
    """The addresses of six customers; two are unsubscribed, one has a phone number."""
    addresses = [f"segment{i}@example.com" for i in range(6)]
    for i, address in enumerate(addresses):
        person: dict[str, Any] = {"email": address, "customer_id": f"s{i}", "unsubscribed": i > 3, "gender": "seg"}
        done(api.post("customers", {**person, **({"phone_number": "+919742888933"} if i == 0 else {})}))
    return addresses


def created(api: Client, name: str) -> int:
    """The body that rudder-transformer and the connectors of Ampersand send; they read `id`."""
    body = {"name": name, "description": "From a client", "is_seed_list": "0", "source": "email"}
    return int(done(api.post("custom_user_lists/create", body))["id"])


def test_a_list_from_its_creation_on(api: Client, people: list[str]) -> None:
    made = created(api, "Beta")
    path = "custom_user_lists"
    one = {"identifier_key": "email", "identifier_value": people[0]}
    assert done(api.put(f"{path}/add_user_to_list/{made}", one))["result"] == "added"
    assert done(api.put(f"{path}/add_user_to_list/{made}", one))["result"] == "unchanged"
    several = {"identifier_key": "customer_id", "identifier_values": ["s1", "s2", "nobody"]}
    report = done(api.put(f"{path}/bulk_add_users_to_list/{made}", several))
    assert report["count"] == 2
    assert report["failed"] == [{"identifier_value": "nobody", "error": "The customer does not exist."}]
    shown = done(api.get(f"{path}/id/{made}"))
    assert (shown["name"], shown["user_count"], shown["is_seed_list"]) == ("Beta", 3, False)
    assert done(api.put(f"{path}/remove_user_from_list/{made}", one))["result"] == "removed"
    report = done(api.put(f"{path}/bulk_remove_users_from_list/{made}", several))
    assert report["count"] == 2
    assert done(api.get(f"{path}/id/{made}"))["user_count"] == 0
    assert done(api.get(f"{path}/seed_lists"))["seed_lists"] == []


def test_bulk_limits(api: Client) -> None:
    made = created(api, "Large")
    path = f"custom_user_lists/bulk_add_users_to_list/{made}"
    body = {"identifier_key": "email", "identifier_values": [f"x{i}@example.com" for i in range(26)]}
    refused(api.put(path, body), "too_many")
    assert done(api.put(f"{path}?async=true", body))["count"] == 0
    refused(api.put(f"{path}?async=true", {**body, "identifier_values": ["a"] * 501}), "too_many")


def test_refusals_of_lists(api: Client) -> None:
    made = created(api, "Strict")
    path = "custom_user_lists"
    refused(api.post(f"{path}/create", {"name": "Strict"}), "duplicate_name", "name")
    refused(api.post(f"{path}/create", {"description": "x"}), "invalid", "name")
    refused(api.get(f"{path}/id/7"), "object_not_found")
    one = {"identifier_key": "email", "identifier_value": "nobody@example.com"}
    refused(api.put(f"{path}/add_user_to_list/{made}", one), "customer_not_found")
    refused(api.put(f"{path}/add_user_to_list/{made}", {**one, "identifier_value": "x"}), "invalid")
    refused(
        api.put(f"{path}/add_user_to_list/{made}", {**one, "identifier_key": "cookie"}), "invalid", "identifier_key"
    )
    refused(api.put(f"{path}/bulk_add_users_to_list/{made}", one), "invalid", "identifier_values")
    refused(api.put(f"{path}/overwrite_list/{made}", {"file": "s3://bucket/key.csv"}), "unprocessable")


def test_segments(api: Client, people: list[str]) -> None:
    attributes = {"name": "Seg women", "key": "segs", "q": "email starts segment"}
    body = {"data": {"type": "audiences", "attributes": attributes}}
    reply = api.send("POST", "/v1/audiences", body)
    assert reply.status_code == 201, reply.text
    (shown,) = [each for each in api.get("segments").json() if each["name"] == "Seg women"]
    assert shown["object"] == "segment"
    customers = api.get(f"segments/{shown['id']}/run").json()
    assert sorted(each["email"] for each in customers) == people
    assert {each["object"] for each in customers} == {"customer"}
    assert api.get(f"segments/{shown['id']}").json() == customers
    listed = done(api.get("segments/list?name=seg+wom&per_page=1"))
    assert listed["total_count"] == 1
    (figures,) = listed["segments"]
    assert (figures["uuid"], figures["approxusers"], figures["email_users"], figures["sms_users"]) == ("segs", 6, 4, 1)
    found = done(api.get("segments/segs/matching_users.json?refresh=true"))
    assert (found["refresh_status"], found["approxusers"], found["email_users"]) == ("ready", 6, 4)
    assert done(api.get("segments/segs/matching_users.json?bypass_global=true"))["email_users"] == 6
    assert done(api.get("segments/list?archived=true"))["segments"] == []
    refused(api.get("segments/list?page=0"), "invalid", "page")
    refused(api.get("segments/seg_7/run"), "object_not_found")
    refused(api.get("segments/nobody/matching_users.json"), "object_not_found")


def test_a_list_tells_whether_it_is_a_test_list_and_its_source(api: Client) -> None:
    def create(**more: Any) -> Any:
        return api.post("custom_user_lists/create", {"name": f"List {len(more)} {more}", **more})

    seeds = [create(is_seed_list=given, source="customer_id").json() for given in (True, "1", "true")]
    plain = create(is_seed_list="0").json()
    assert [each["is_seed_list"] for each in (*seeds, plain)] == [True, True, True, False]
    assert (seeds[0]["source"], plain["source"]) == ("customer_id", "email")
    listed = api.get("custom_user_lists/seed_lists").json()["seed_lists"]
    assert [each["id"] for each in listed] == [each["id"] for each in seeds]
    assert api.get(f"custom_user_lists/id/{seeds[0]['id']}").json()["source"] == "customer_id"
    for wrong in ({"source": "phone"}, {"is_seed_list": "perhaps"}):
        reply = create(**wrong)
        assert reply.status_code == 400
        assert next(iter(wrong)) in reply.text
