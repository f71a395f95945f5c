"""A copy kept by `sort=updated_at` and `filter[updated_since]` ends equal to the store, whatever is written."""

import random
import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.effort import examples
from tests.in_process import Client

from .world import World

DAY = 86_400
PEOPLE = [f"p{number}@example.com" for number in range(7)]
MOMENTS = (1_000_000_000, -3 * DAY, -1, 1, 3 * DAY)
"""Unix seconds that callers give as their times: long ago, and around now."""


class Copy:
    """A copy of all contacts, a page at a time, in rounds that begin at the newest moment seen so far."""

    def __init__(self, client: Client, size: int) -> None:
        self.client = client
        self.size = size
        self.contacts: dict[str, Any] = {}
        self.since = "1970-01-01"
        self.next = ""

    def step(self) -> bool:
        """Read one page; False if it was the last of its round."""
        start = f"/v1/contacts?sort=updated_at&filter[updated_since]={quote(self.since)}&page[after]=&include=tags"
        reply = self.client.get(self.next or f"{start}&page[size]={self.size}")
        assert reply.status_code == 200, reply.text
        document = reply.json()
        for contact in document["data"]:
            self.contacts[contact["id"]] = contact
            assert contact["attributes"]["updated_at"] >= self.since
        self.next = (document["links"]["next"] or "").removeprefix("http://regulars.example")
        if not self.next:
            self.since = max((each["attributes"]["updated_at"] for each in self.contacts.values()), default=self.since)
        return bool(self.next)


def write(client: Client, rng: random.Random) -> None:
    """One random write, with a random time of its own where a caller can give one."""
    email, moment = rng.choice(PEOPLE), rng.choice(MOMENTS)
    at = moment if moment > 4 * DAY else int(time.time()) + moment
    tag = rng.choice(["a", "b"])
    match rng.randrange(9):
        case 0:
            client.post("customers", {"email": email, "firstname": rng.choice("xyz"), "plan": rng.choice([1, 2])})
        case 1:
            client.post("event", {"event": "identify", "email": email, "name": rng.choice("xyz"), "timestamp": at})
        case 2:
            event = rng.choice(["email_opened", "email_delivered", "pageload", "unsubscribed", "subscribed"])
            client.post("event", {"event": event, "email": email, "timestamp": at, "broadcast_id": "b"})
        case 3 | 4:
            event = rng.choice(["tag_added", "tag_removed"])
            client.post("event", {"event": event, "email": email, "tag_id": tag, "timestamp": at})
        case 5:
            client.delete(f"/v1/contact_tags/{tag}", headers={"Accept": "application/vnd.api+json"})
        case 6:
            body = {"event": "tag_added", "tag_id": tag, "timestamp": at}
            client.post("bulkevents", {"event": [{**body, "email": each} for each in PEOPLE[:3]]})
        case 7:
            client.post("event", {"event": "purchase", "email": email, "order_id": str(at), "revenue": 1.5})
        case _:
            client.post("customers", {"email": email, "address_city": rng.choice(["Rome", None]), "groups": [tag]})


@pytest.mark.parametrize("number", range(examples(8, 200)))
def test_a_copy_ends_equal_to_the_store(own_world: World, number: int) -> None:
    rng = random.Random(number)
    client = own_world.one.app.client(site=f"sync-{number}")
    copy = Copy(client, rng.choice([1, 2, 3]))
    for _ in range(60):
        if rng.random() < 0.6:
            write(client, rng)
        else:
            copy.step()
    for _ in range(2):
        while copy.step():
            pass
    everybody = client.get("/v1/contacts?page[size]=100&include=tags").json()["data"]
    assert copy.contacts == {each["id"]: each for each in everybody}
    assert everybody


def test_the_orders_by_updated_at_are_each_others_reverse(own_world: World) -> None:
    client = own_world.one.app.client(site="orders-of-changes")
    for email in PEOPLE:
        client.post("customers", {"email": email})
    client.post("customers", {"email": PEOPLE[2], "firstname": "Later"})
    client.post("event", {"event": "tag_added", "email": PEOPLE[1], "tag_id": "vip", "timestamp": 1_000_000_000})
    order = [*(PEOPLE[at] for at in (0, 3, 4, 5, 6)), PEOPLE[2], PEOPLE[1]]
    for path, expected in (("sort=updated_at", order), ("sort=-updated_at", order[::-1])):
        found = client.get(f"/v1/customers?{path}").json()["data"]
        assert [each["attributes"]["email"] for each in found] == expected
    moments = [each["attributes"]["updated_at"] for each in client.get("/v1/customers?sort=updated_at").json()["data"]]
    assert moments == sorted(set(moments))


def test_what_replies_do_not_show_leaves_updated_at_alone(own_world: World) -> None:
    client = own_world.one.app.client(site="not-shown")
    client.post("customers", {"email": "a@example.com"})
    (before,) = client.get("/v1/customers").json()["data"]
    client.post("event", {"event": "email_delivered", "email": "a@example.com", "broadcast_id": "b"})
    assert client.get("/v1/customers?filter[delivered_email_broadcast_id]=b").json()["data"] == [before]


def test_an_import_of_the_past_moves_updated_at_to_now(own_world: World) -> None:
    client = own_world.one.app.client(site="the-past")
    client.post("customers", {"email": "a@example.com"})
    (first,) = client.get("/v1/customers").json()["data"]
    reply = client.post("event", {"event": "identify", "email": "a@example.com", "name": "A", "timestamp": 10**9})
    assert reply.status_code < 300
    (second,) = client.get("/v1/customers").json()["data"]
    assert second["attributes"]["name"] == "A"
    assert second["attributes"]["updated_at"] > first["attributes"]["updated_at"]
