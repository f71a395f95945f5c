"""What is kept of one customer: activity, emails, evidence of consent, and everything in one document."""

from typing import Any

import pytest

from regulars.store import customer_history

from .world import Api, World

PATHS = ("activity", "logs", "consents", "export")


def made(world: World, api: Api, email: str) -> str:
    """A customer with a few entries of each kind; its address below /v1."""
    world.save(api, {"email": email, "firstname": "Ida", "groups": ["vips"], "data": {"plan": "pro", "size": 3}})
    for number in range(5):
        event = {"event": "purchase" if number % 2 else "visit", "email": email, "timestamp": 1_700_000_000 + number}
        world.happens(api, {**event, "event_uuid": f"0197a1c4-1f00-7000-8000-{abs(hash(email)) % 10**11:011d}{number}"})
    world.happens(api, {"event": "email_sent", "email": email, "template_id": "tem_1", "timestamp": 1_700_000_100})
    world.save(api, {"email": email, "lastname": "Berg", "data": {"plan": None}, "unsubscribed": True})
    (found,) = api.document(f"/v1/customers?filter[email_contains]={email}")["data"]
    return f"/v1/customers/{found['id']}"


def pages(api: Api, path: str) -> list[dict[str, Any]]:
    """Every entry of a feed, by its links."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following is not None:
        document = api.document(following)
        found += document["data"]
        following = document["links"]["next"]
    return found


def test_a_customer_s_activity(own_world: World) -> None:
    world = own_world
    api = world.one
    home = made(world, api, "ida@activity.example")
    entries = pages(api, f"{home}/activity")
    shown = [(each["attributes"]["kind"], each["attributes"]["name"]) for each in entries]
    assert shown[:3] == [("consent", "ended"), ("profile", "updated"), ("profile", "created")]
    assert shown[3:] == [("event", name) for name in ("email_sent", "visit", "purchase", "visit", "purchase", "visit")]
    assert all(each["attributes"]["actor"] == {"type": "key", "id": str(world.key)} for each in entries)
    assert {each["attributes"]["channel"] for each in entries} == {"classic"}
    assert all(each["attributes"]["received_at"] for each in entries)
    _, updated, created, mail, *_ = (each["attributes"] for each in entries)
    assert set(updated["fields"]) == {
        "name",
        "lastname",
        "attributes.plan",
    }
    assert {"firstname", "email", "attributes.plan", "attributes.size"} <= set(created["fields"])
    (tie,) = created["ties"]
    assert (tie["relation"], tie["holds"], tie["object"]["key"]) == ("group.member", True, "vips")
    assert mail["log_id"].startswith("log_")
    assert "Ida" not in str(entries) and "Berg" not in str(entries)

    unchanged = len(entries)
    world.save(api, {"email": "ida@activity.example", "lastname": "Berg"})
    assert len(pages(api, f"{home}/activity")) == unchanged

    for size in (1, 2, 4):
        assert pages(api, f"{home}/activity?page[size]={size}") == entries
    assert [each["attributes"]["kind"] for each in pages(api, f"{home}/activity?filter[kind]=consent,profile")] == [
        *("consent", "profile", "profile")
    ]
    named = pages(api, f"{home}/activity?filter[event]=purchase&page[size]=1")
    assert [each["attributes"]["at"][:19] for each in named] == ["2023-11-14T22:13:23", "2023-11-14T22:13:21"]
    since = pages(api, f"{home}/activity?filter[kind]=event&filter[since]=1700000002&filter[until]=1700000003")
    assert len(since) == 2
    (only,) = api.document(f"{home}/activity?page[size]=1&fields[activities]=name")["data"]
    assert only["attributes"] == {"name": "ended"}


def test_a_search_for_a_rare_event_ends(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks at so many events only, and its link goes on behind them."""
    monkeypatch.setattr(customer_history, "LOOKED_AT", 2)
    home = made(own_world, own_world.one, "rare@activity.example")
    first = own_world.one.document(f"{home}/activity?filter[event]=purchase")
    assert (len(first["data"]), first["links"]["next"] is not None) == (0, True)
    assert len(pages(own_world.one, f"{home}/activity?filter[event]=purchase")) == 2


def test_emails_and_consents(own_world: World) -> None:
    world, api = own_world, own_world.one
    home = made(world, api, "una@activity.example")
    proven = {"event": "subscribed", "email": "una@activity.example", "proof": "p-1", "wording": "Yes, mail me"}
    world.happens(api, proven)
    (log,) = pages(api, f"{home}/logs")
    assert (log["attributes"]["status"], log["attributes"]["recipient_address"]) == ("sent", "una@activity.example")
    assert log["attributes"]["email_id"] == "tem_1"
    evidence = [each["attributes"] for each in pages(api, f"{home}/consents?page[size]=1")]
    assert [(each["granted"], each["cause"], each["source"]) for each in evidence] == [
        (True, None, "event"),
        (False, "manual", "api"),
    ]
    assert (evidence[0]["wording"], evidence[0]["proof"], evidence[0]["purpose"]) == (
        "Yes, mail me",
        "p-1",
        "marketing",
    )
    assert all(each["actor"] == {"type": "key", "id": str(world.key)} for each in evidence)


def test_everything_about_a_customer(own_world: World) -> None:
    world, api = own_world, own_world.one
    home = made(world, api, "all@activity.example")
    reply = api.get(f"{home}/export")
    assert "attachment" in reply.headers["content-disposition"]
    found = reply.json()
    assert found["customer"]["email"] == "all@activity.example"
    assert [each["created"] for each in found["profile_changes"]] == [False, True]
    assert sorted(each["event"] for each in found["events"]) == ["email_sent", *["purchase"] * 2, *["visit"] * 3]
    (mail,) = found["emails"]
    assert [each["event"] for each in mail["events"]] == ["email_sent"]
    assert found["audiences"] == []
    buyers = {"type": "audiences", "attributes": {"name": "Buyers", "key": "buyers", "q": "did purchase"}}
    assert api.send("POST", "/v1/audiences", json={"data": buyers}).status_code == 201
    (audience,) = api.get(f"{home}/export").json()["audiences"]
    assert (audience["key"], audience["name"]) == ("buyers", "Buyers")
    admin = Api(world.app, world.app.secret("one", "main", scopes=("read", "write", "admin"))[1])
    entries = [each["attributes"] for each in admin.document("/v1/audit_events?filter[kind]=account")["data"]]
    entry = next(each for each in entries if each["operation"] == "customers.export")
    assert (entry["target"], entry["results"]) == (home.removeprefix("/v1/"), {"exported": 1})


@pytest.mark.parametrize("part", PATHS)
def test_a_customer_of_another_account_is_answered_like_none(own_world: World, part: str) -> None:
    world = own_world
    (first, *_) = world.one.document("/v1/customers")["data"]
    address = f"/v1/customers/{first['id']}/{part}"
    for api in (world.other, world.many):
        assert api.get(address).json() == api.get(f"/v1/customers/1/{part}").json()
        assert api.get(address).status_code == 404
    assert world.nobody.get(address).status_code == 401


def test_bad_parameters_are_named(own_world: World) -> None:
    world = own_world
    home = made(world, world.one, "bad@activity.example")
    others = made(world, world.one, "others@activity.example")
    cursor = world.one.document(f"{others}/activity?page[size]=1")["links"]["next"].partition("page[after]=")[2]
    for query, parameter in (
        ("filter[kind]=mail", "filter[kind]"),
        ("filter[kind]=", "filter[kind]"),
        ("filter[kind]=consent&filter[event]=visit", "filter[event]"),
        ("filter[event]=a&filter[event]=b", "filter[event]"),
        ("filter[since]=yesterday", "filter[since]"),
        ("filter[name]=x", "filter[name]"),
        ("page[after]=x", "page[after]"),
        (f"page[after]={cursor}", "page[after]"),
        ("page[before]=", "page[before]"),
        ("page[size]=0", "page[size]"),
        ("fields[activities]=x", "fields[activities]"),
    ):
        status, error = world.one.error(f"{home}/activity?{query}")
        assert (status, error["source"]["parameter"]) == (400, parameter), query
