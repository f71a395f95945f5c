"""Customers through HTTP: read, create or update, in bulk, delete."""

import itertools
from typing import Any

import httpx
import pytest

from tests.http.checks import done, refused
from tests.in_process import Client, InProcess

_fresh = itertools.count(1)


def fresh() -> str:
    """An address that nobody has yet."""
    return f"somebody{next(_fresh)}@example.com"


def upsert(api: Client, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = done(api.post("customers", body))["customer"]
    return found


def show(api: Client, who: str) -> dict[str, Any]:
    found: dict[str, Any] = done(api.get(f"customers/{who}"))["customer"]
    return found


# -- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("anna@example.com", "anna@example.com"),
        ("anna@example.com", "anna%40example.com"),
        ("anna@example.com", "ANNA@Example.COM"),
        ("anna@example.com", "%20anna@example.com%20"),
        ("anna+news@example.com", "anna+news@example.com"),
        ("anna+news@example.com", "anna%2Bnews@example.com"),
        ("a/b@example.com", "a%2Fb@example.com"),
        ("a%40b@example.com", "a%2540b@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ('"a b"@example.com', "%22a%20b%22@example.com"),
        ("jürgen@bücher.example", "j%C3%BCrgen@b%C3%BCcher.example"),
        ("jürgen@bücher.example", "JÜRGEN@BÜCHER.EXAMPLE"),
        ("jürgen@bücher.example", "ju%CC%88rgen@bücher.example"),
        ("straße@example.com", "STRASSE@example.com"),
    ],
)
def test_the_path_names_a_customer_in_every_spelling_of_the_address(api: Client, address: str, path: str) -> None:
    upsert(api, email=address)
    assert show(api, path)["email"] == address


def test_a_uuid_names_a_customer(api: Client) -> None:
    made = upsert(api, customer_id="no-address-1")
    assert made["email"] is None
    for spelling in (made["uuid"], made["uuid"].upper(), made["uuid"].replace("-", "")):
        assert show(api, spelling) == made


@pytest.mark.parametrize("unknown", ["nobody@example.com", "06743da2-9589-4c01-afda-e3d85e487fa7"])
def test_somebody_unknown_is_not_found(api: Client, unknown: str) -> None:
    refused(api.get(f"customers/{unknown}"), "customer_not_found")


@pytest.mark.parametrize(
    "path", ["anna", "12", "a@", "@example.com", "a@b@c", "a%20b@example.com", "x" * 300 + "@y.de"]
)
def test_a_path_that_is_neither_address_nor_uuid_is_refused(api: Client, path: str) -> None:
    refused(api.get(f"customers/{path}"), "invalid")


def test_a_path_is_decoded_once(api: Client) -> None:
    upsert(api, email="once@example.com")
    refused(api.get("customers/once%2540example.com"), "invalid")


def test_a_search_gives_a_list_of_one_or_none(api: Client) -> None:
    made = upsert(api, email="searched@example.com", customer_id="S-1")
    for query in (
        "email=searched@example.com",
        "email=Searched%40example.com",
        "customer_id=S-1",
        f"uuid={made['uuid']}",
    ):
        found = done(api.get(f"customers?{query}"))
        assert found["customers"] == found["users"] == [made]
        assert found["user"] == made
    nobody = done(api.get("customers?email=nobody@example.com"))
    assert (nobody["customers"], nobody["users"], nobody["user"]) == ([], [], None)
    refused(api.get("customers"), "invalid")
    refused(api.get("customers?email=nonsense"), "invalid", "email")


# -- create or update -------------------------------------------------------------------------------------------


def test_a_first_upsert_creates_a_second_updates_a_third_changes_nothing(app: InProcess, api: Client) -> None:
    address = fresh()
    verdicts = []
    for firstname in ("Anna", "Anne", "Anne"):
        before = app.contents()
        reply = done(api.post("customers", {"email": address, "firstname": firstname}))
        verdicts.append((reply["result"], app.contents() != before))
    assert verdicts == [("created", True), ("updated", True), ("unchanged", False)]
    assert show(api, address) == reply["customer"]


def test_an_unchanged_customer_keeps_its_updated_at(api: Client) -> None:
    address = fresh()
    first = upsert(api, email=address, data={"plan": "pro"})
    assert upsert(api, email=address.upper(), data={"plan": "pro"}) == first
    changed = upsert(api, email=address, data={"plan": "free"})
    assert changed["updated_at"] >= first["updated_at"]
    assert (changed["created_at"], changed["uuid"], changed["bsft_control_bucket"]) == (
        first["created_at"],
        first["uuid"],
        first["bsft_control_bucket"],
    )


@pytest.mark.parametrize("absent", [{}, {"email": ""}, {"email": None}, {"email": "", "customer_id": None, "uuid": ""}])
def test_a_body_that_names_nobody_is_refused(api: Client, absent: dict[str, Any]) -> None:
    body = refused(api.post("customers", {**absent, "firstname": "Anna"}), "user_identifier_missing", "email")
    assert body["errors"][0]["detail"] == "No valid identifier found"


def test_a_customer_id_and_a_uuid_name_a_customer(api: Client) -> None:
    made = upsert(api, customer_id=4711)
    assert made["customer_id"] == "4711"
    assert upsert(api, customer_id="4711", email="c4711@example.com")["uuid"] == made["uuid"]
    assert upsert(api, uuid=made["uuid"], firstname="Anna")["email"] == "c4711@example.com"
    refused(api.post("customers", {"uuid": "06743da2-9589-4c01-afda-e3d85e487fa7"}), "customer_not_found")


def test_identifiers_of_two_customers_are_a_conflict(app: InProcess, api: Client) -> None:
    one = upsert(api, email=fresh(), customer_id="two-1")
    other = upsert(api, email=fresh(), customer_id="two-2")
    before = app.contents()
    refused(
        api.post("customers", {"email": one["email"], "customer_id": "two-2", "firstname": "X"}), "identity_conflict"
    )
    refused(api.post("customers", {"email": one["email"], "uuid": other["uuid"]}), "identity_conflict")
    assert app.contents() == before
    assert [show(api, one["email"]), show(api, other["email"])] == [one, other]


def test_a_new_address_is_taken_over_and_the_old_one_is_free(api: Client) -> None:
    old, new = fresh(), fresh()
    made = upsert(api, email=old, customer_id="mover")
    assert upsert(api, email=new, customer_id="mover")["uuid"] == made["uuid"]
    refused(api.get(f"customers/{old}"), "customer_not_found")
    assert upsert(api, email=old)["uuid"] != made["uuid"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("  Padded@Example.COM ", "padded@example.com"),
        ("ÄRGER@example.com", "ärger@example.com"),
        ("x" * 64 + "@" + "y" * 60 + ".example", "x" * 64 + "@" + "y" * 60 + ".example"),
    ],
)
def test_addresses_are_trimmed_and_shown_in_lower_case(api: Client, given: str, shown: str) -> None:
    assert upsert(api, email=given)["email"] == shown


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("firstname", "Anna", "Anna"),
    ("firstname", "", None),
    ("firstname", None, None),
    ("lastname", "x" * 64, "x" * 64),
    ("phone_number", "+919742888933", "+919742888933"),
    ("phone_number", "+123456", "+123456"),
    ("phone_number", "+12345678901234", "+12345678901234"),
    ("gender", "female", "female"),
    ("gender", "MALE", "male"),
    ("gender", "unknown", "unknown"),
    ("locale", "de-DE", "de-DE"),
    ("locale", "de_de", "de-DE"),
    ("locale", "EN", "en"),
    ("joined_at", "2011-10-11T19:58:17Z", "2011-10-11T19:58:17.000Z"),
    ("joined_at", "2011-10-11T21:58:17+02:00", "2011-10-11T19:58:17.000Z"),
    ("joined_at", 1318363097, "2011-10-11T19:58:17.000Z"),
    ("unsubscribed", True, True),
    ("unsubscribed", "1", True),
    ("unsubscribed", "true", True),
    ("unsubscribed", 0, False),
    ("unsubscribed", "false", False),
    ("predictive_engagement_percentile", 78, 78),
    ("subscription_groups", [{"id": "weekly", "subscribed": "false"}], [{"id": "weekly", "subscribed": False}]),
    ("groups", ["grp_a", "grp_b", "grp_a"], ["grp_a", "grp_b"]),
    ("data", {}, {}),
    ("data", "", {}),
    ("data", {"a": [1, {"b": None}], "n": 1.5}, {"a": [1, {"b": None}], "n": 1.5}),
]


@pytest.mark.parametrize(("field", "given", "shown"), ACCEPTED)
def test_a_field_is_read_and_normalised(api: Client, field: str, given: Any, shown: Any) -> None:
    made = upsert(api, email=fresh(), **{field: given})
    assert made[field] == (shown if shown is not None or field != "locale" else "not set")
    assert show(api, made["uuid"]) == made


REFUSED: list[tuple[str, Any]] = [
    ("email", "nonsense"),
    ("email", "a@b@c.de"),
    ("email", "two@example.com, three@example.com"),
    ("email", 7),
    ("email", ["a@example.com"]),
    ("email", "x" * 250 + "@example.com"),
    ("customer_id", "x" * 129),
    ("customer_id", True),
    ("customer_id", "line\nbreak"),
    ("uuid", "not-a-uuid"),
    ("firstname", "x" * 65),
    ("firstname", {"first": "Anna"}),
    ("lastname", "x" * 65),
    ("lastname", True),
    ("phone_number", "919742888933"),
    ("phone_number", "+0919742888933"),
    ("phone_number", "+12345"),
    ("phone_number", "+123456789012345"),
    ("phone_number", 919742888933),
    ("gender", 1),
    ("locale", "not a tag"),
    ("locale", 5),
    ("joined_at", "yesterday"),
    ("joined_at", True),
    ("joined_at", 10**15),
    ("unsubscribed", "perhaps"),
    ("unsubscribed", 2),
    ("data", ["not", "an", "object"]),
    ("data", 3),
    ("groups", "grp_a"),
    ("groups", {"grp_a": True}),
    ("subscription_groups", {"id": "weekly", "subscribed": True}),
    ("predictive_engagement_percentile", 101),
    ("predictive_engagement_percentile", "high"),
    ("_bsft_anything", 1),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_field_that_breaks_its_rule_is_refused_with_its_name(
    app: InProcess, api: Client, field: str, value: Any
) -> None:
    before = app.contents()
    body = refused(api.post("customers?strict=true", {"email": fresh(), field: value}), "invalid", field)
    assert field in body["error"]
    assert app.contents() == before


@pytest.mark.parametrize("door", ["customers", "customers/bulk", "event"])
def test_a_soft_field_loses_nobody_on_any_door(api: Client, door: str) -> None:
    email, given = fresh(), {"phone_number": "12", "predictive_engagement_percentile": 55.6}
    body = {"email": email, "firstname": "Kim", **given}
    if door == "customers/bulk":
        (reply,) = done(api.post(door, {"customers": [body]}))["results"]
    else:
        reply = done(api.post(door, {"event": "identify", **body} if door == "event" else body))
    told = [(each["field"], each["given"], each["taken"]) for each in reply["warnings"]]
    assert told == [("phone_number", "12", None), ("predictive_engagement_percentile", 55.6, 56)]
    made = upsert(api, email=email)
    assert (made["firstname"], made["phone_number"], made["data"]) == ("Kim", None, given)
    assert made["predictive_engagement_percentile"] == 56


def test_strict_is_true_or_false(api: Client) -> None:
    refused(api.post("customers?strict=perhaps", {"email": fresh()}), "invalid", "strict")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"email": "nonsense", "customer_id": True, "_bsft_x": 1}, ["email", "customer_id", "_bsft_x"]),
        ({"subscription_groups": [{"id": "weekly"}]}, ["subscription_groups.0.subscribed"]),
        ({"subscription_groups": [{"subscribed": True}]}, ["subscription_groups.0.id"]),
        ({"subscription_groups": ["weekly"]}, ["subscription_groups.0"]),
        ({"groups": ["grp_a", None, {}]}, ["groups.1", "groups.2"]),
        ({"data": {"_bsft_x": 1}}, ["_bsft_x"]),
        ({"data": {"": 1}}, ["data"]),
        ({"data": {"x" * 129: 1}}, ["data"]),
        ({"data": {"big": 2**63}}, ["big"]),
        ({"data": {"text": "x" * 70_000}}, ["data"]),
    ],
)
def test_all_faults_are_listed_at_once_by_their_path(api: Client, body: dict[str, Any], fields: list[str]) -> None:
    refused(api.post("customers", {"customer_id": "faulty", **body}), "invalid", *fields)


@pytest.mark.parametrize(
    ("calls", "names"),
    [
        ([{"firstname": "Anna", "lastname": "Lee"}], ("Anna Lee", "Anna", "Lee")),
        ([{"name": "Anna van Lee"}], ("Anna van Lee", "Anna", "van Lee")),
        ([{"name": "Cher"}], ("Cher", "Cher", None)),
        ([{"firstname": "Anna", "lastname": "Lee"}, {"lastname": "Roe"}], ("Anna Roe", "Anna", "Roe")),
        ([{"firstname": "Anna", "lastname": "Lee"}, {"name": "Bo Roe"}], ("Bo Roe", "Bo", "Roe")),
        ([{"name": "The Lees", "firstname": "Anna", "lastname": "Lee"}], ("The Lees", "Anna", "Lee")),
        ([{"data": {"first_name": "Anna", "lname": "Lee"}}], ("Anna Lee", "Anna", "Lee")),
        ([{"full_name": "Anna Lee"}], ("Anna Lee", "Anna", "Lee")),
    ],
)
def test_a_name_and_its_parts_stay_in_step(
    api: Client, calls: list[dict[str, Any]], names: tuple[str | None, ...]
) -> None:
    address = fresh()
    for body in calls:
        made = upsert(api, email=address, **body)
    assert (made["name"], made["firstname"], made["lastname"]) == names


def test_attributes_are_merged_key_by_key_and_null_clears_one(api: Client) -> None:
    address = fresh()
    upsert(api, email=address, data={"plan": "pro", "seats": 3}, color="red")
    made = upsert(api, email=address, data={"seats": 4, "plan": None})
    assert made["data"] == made["custom_attributes"] == {"seats": 4, "color": "red"}
    assert upsert(api, email=address)["data"] == made["data"]


def test_unknown_top_level_keys_are_attributes(api: Client) -> None:
    made = upsert(api, email=fresh(), color="red", sizes=[1, 2], nested={"a": {"b": True}}, _private=1)
    assert made["custom_attributes"] == {"color": "red", "sizes": [1, 2], "nested": {"a": {"b": True}}, "_private": 1}


def test_an_attribute_that_spells_a_field_fills_it_where_the_value_allows(api: Client) -> None:
    made = upsert(api, email=fresh(), data={"phone": "+4930123456", "gender": "robot", "language": "de"})
    assert (made["phone_number"], made["gender"], made["locale"]) == ("+4930123456", "robot", "de")
    assert made["data"] == {"phone": "+4930123456", "gender": "robot", "language": "de"}


def test_groups_are_added_to_those_there_are(api: Client) -> None:
    address = fresh()
    upsert(api, email=address, groups=["grp_one"])
    assert upsert(api, email=address, groups=["grp_two"])["groups"] == ["grp_one", "grp_two"]
    assert upsert(api, email=address, groups=[])["groups"] == ["grp_one", "grp_two"]


def test_subscription_groups_that_are_not_named_stay(api: Client) -> None:
    address = fresh()
    upsert(
        api,
        email=address,
        subscription_groups=[{"id": "daily", "subscribed": True}, {"id": "promo", "subscribed": True}],
    )
    made = upsert(api, email=address, subscription_groups=[{"id": "promo", "subscribed": False}])
    assert made["subscription_groups"] == [{"id": "daily", "subscribed": True}, {"id": "promo", "subscribed": False}]
    assert made["unsubscribed"] is False


def test_consent_ends_and_starts_again_at_the_callers_word(api: Client) -> None:
    address = fresh()
    assert upsert(api, email=address)["unsubscribed_at"] is None
    out = upsert(api, email=address, unsubscribed=True)
    assert out["unsubscribed"] is True
    assert out["unsubscribed_at"] >= out["created_at"]
    assert upsert(api, email=address, unsubscribed="0")["unsubscribed"] is False


# -- in bulk ----------------------------------------------------------------------------------------------------


def test_a_bulk_call_checks_each_customer_by_itself(api: Client) -> None:
    good, also_good = fresh(), fresh()
    inputs: list[Any] = [
        {"email": good},
        {"firstname": "nobody"},
        {"email": also_good, "customer_id": "bulk-1"},
        "not an object",
        {"email": "nonsense", "customer_id": True},
        {"email": good, "customer_id": "bulk-1"},
    ]
    reply = done(api.post("customers/bulk", {"customers": inputs}))
    assert reply["customers"] == [inputs[1], inputs[3], inputs[4], inputs[5]]
    assert [error["status"] for error in reply["errors"]] == [400, 400, 400, 409]
    assert reply["errors"][0]["error_data"] == {"user_identifier_missing": ["No valid identifier found"]}
    assert reply["errors"][2]["error_data"].keys() == {"email", "customer_id"}
    assert [result["result"] for result in reply["results"]] == [
        "created",
        "failed",
        "created",
        "failed",
        "failed",
        "failed",
    ]
    assert reply["results"][0] == {"result": "created", "uuid": show(api, good)["uuid"], "email": good}
    assert show(api, also_good)["customer_id"] == "bulk-1"


def test_duplicates_within_a_bulk_call_apply_in_order(api: Client) -> None:
    address = fresh()
    inputs = [{"email": address, "data": {"n": n, f"key{n}": n}} for n in (1, 2, 3)] + [{"email": address}]
    reply = done(api.post("customers/bulk", {"customers": inputs}))
    assert [result["result"] for result in reply["results"]] == ["created", "updated", "updated", "unchanged"]
    assert show(api, address)["data"] == {"n": 3, "key1": 1, "key2": 2, "key3": 3}


def test_customers_of_a_bulk_call_hand_on_and_swap_addresses(api: Client) -> None:
    ids = [fresh() for _ in range(4)]
    done(api.post("customers/bulk", {"customers": [{"customer_id": one, "email": f"x{one}"} for one in ids]}))
    a, b, c, d = ids
    inputs = [
        {"customer_id": b, "email": f"x{a}"},
        {"customer_id": c, "email": f"x{d}", "data": {"n": 1}},
        {"customer_id": a, "email": fresh()},
        {"customer_id": d, "email": f"x{c}"},
        {"customer_id": c, "data": {"n": 2}},
    ]
    for verdict in ("updated", "unchanged"):
        reply = done(api.post("customers/bulk", {"customers": inputs}))
        assert [result["result"] for result in reply["results"]] == [verdict] * 5
    assert show(api, f"x{a}")["customer_id"] == b
    assert (show(api, f"x{d}")["customer_id"], show(api, f"x{d}")["data"]) == (c, {"n": 2})
    assert show(api, f"x{c}")["customer_id"] == d


def test_a_bulk_call_takes_fifty_and_not_one_more(app: InProcess, api: Client) -> None:
    inputs = [{"email": fresh()} for _ in range(51)]
    before = app.contents()
    body = refused(api.post("customers/bulk", {"customers": inputs}), "too_many")
    assert body["message"] == "You can upload up to 50 users in an API call."
    assert app.contents() == before
    reply = done(api.post("customers/bulk", {"customers": inputs[:50]}))
    assert (reply["customers"], reply["errors"]) == ([], [])
    assert [result["email"] for result in reply["results"]] == [item["email"] for item in inputs[:50]]
    assert app.contents().rows["customers"] == before.rows["customers"] + 50
    assert app.contents().heads == {site: head + 1 for site, head in before.heads.items()}, "one commit for all"


def test_an_empty_bulk_call_does_nothing(app: InProcess, api: Client) -> None:
    before = app.contents()
    reply = done(api.post("customers/bulk", {"customers": []}))
    assert (reply["customers"], reply["errors"], reply["results"]) == ([], [], [])
    [result] = done(api.post("customers/bulk", {"customers": [{}]}))["results"]
    assert (result["result"], result["code"]) == ("failed", "user_identifier_missing")
    assert app.contents() == before


@pytest.mark.parametrize("body", [{}, {"customers": {}}, {"customers": None}, {"users": []}])
def test_a_bulk_call_without_a_list_is_refused(api: Client, body: Any) -> None:
    refused(api.post("customers/bulk", body), "malformed", "customers")


# -- delete -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["path", "uuid in path", "posted email", "posted customer_id"])
def test_a_deleted_customer_is_gone_and_deleting_again_is_no_error(app: InProcess, api: Client, way: str) -> None:
    made = upsert(api, email=fresh(), customer_id=f"gone {way}")

    def delete() -> httpx.Response:
        match way:
            case "path":
                return api.delete(f"customers/{made['email']}")
            case "uuid in path":
                return api.delete(f"customers/{made['uuid']}")
            case "posted email":
                return api.post("customers/delete", {"email": made["email"].upper()})
            case _:
                return api.post("customers/delete", {"customer_id": made["customer_id"]})

    assert done(delete())["result"] == "deleted"
    for who in (made["email"], made["uuid"]):
        refused(api.get(f"customers/{who}"), "customer_not_found")
    before = app.contents()
    assert done(delete())["result"] == "unchanged"
    assert app.contents() == before


def test_created_again_a_customer_is_a_new_one_whose_mails_are_still_there(api: Client) -> None:
    address = fresh()
    old = upsert(api, email=address, customer_id="again", groups=["grp_left"], data={"plan": "pro"}, unsubscribed=True)
    done(api.post("event", {"event": "email_sent", "email": address, "broadcast_id": 1}))
    done(api.post("event", {"event": "purchase", "email": address, "revenue": 10}))
    done(api.delete(f"customers/{address}"))
    assert len(done(api.get(f"customers/{address}/logs"))["logs"]) == 1
    new = upsert(api, email=address)
    assert new["uuid"] != old["uuid"]
    # The end of consent belongs to the address and survives (decision 0039).
    assert (new["groups"], new["data"], new["customer_id"], new["unsubscribed"]) == ([], {}, None, True)
    assert (new["lifetime_orders"], new["lifetime_revenue"]) == (0, 0)
    assert len(done(api.get(f"customers/{address}/logs"))["logs"]) == 1


def test_deleting_nobody_in_particular_is_refused(api: Client) -> None:
    refused(api.post("customers/delete", {}), "user_identifier_missing")
    refused(api.post("customers/delete", {"email": "nonsense"}), "invalid", "email")
    refused(api.delete("customers/nonsense"), "invalid")


FULL: dict[str, Any] = {
    "email": "echo@example.com",
    "customer_id": "echo-1",
    "firstname": "Eve",
    "data": {"plan": "pro", "nested": {"a": [1]}},
    "groups": ["grp_echo"],
    "subscription_groups": [{"id": "echo_news", "subscribed": True}],
}


def written(api: Client, door: str, shown: dict[str, Any]) -> None:
    """Send a customer back as it was shown, through one of the doors."""
    match door:
        case "upsert":
            assert done(api.post("customers", shown))["result"] == "unchanged"
        case "bulk":
            (result,) = done(api.post("customers/bulk", {"customers": [shown]}))["results"]
            assert result["result"] == "unchanged"
        case "batch":
            (reply,) = api.post("batch", [{"path": "customers", "method": "POST", "body": shown}]).json()
            assert reply["body"]["result"] == "unchanged"
        case _:
            assert done(api.post("event", {**shown, "event": "identify"}))["result"] == "unchanged"


@pytest.mark.parametrize("door", ["upsert", "bulk", "batch", "identify"])
@pytest.mark.parametrize("person", [FULL, {"email": "bare-echo@example.com"}], ids=["full", "bare"])
def test_what_is_shown_can_be_sent_back(api: Client, door: str, person: dict[str, Any]) -> None:
    done(api.post("customers", person))
    shown = done(api.get(f"customers/{person['email']}"))["customer"]
    written(api, door, shown)
    again = done(api.get(f"customers/{person['email']}"))["customer"]
    assert again == shown
    assert again["data"] == person.get("data", {})


def test_what_was_shown_before_an_opt_out_does_not_end_it(api: Client) -> None:
    done(api.post("customers", {"email": "stale-echo@example.com"}))
    shown = done(api.get("customers/stale-echo@example.com"))["customer"]
    done(api.post("event", {"event": "unsubscribed", "email": "stale-echo@example.com"}))
    written(api, "upsert", shown)
    assert done(api.get("customers/stale-echo@example.com"))["customer"]["unsubscribed"] is True
    changed = done(api.get("customers/stale-echo@example.com"))["customer"]
    done(api.post("customers", {**changed, "unsubscribed": False}))
    assert done(api.get("customers/stale-echo@example.com"))["customer"]["unsubscribed"] is False
