"""A site with something of everything that an export has to carry, traps included."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from regulars.cli import sample
from regulars.domain.commands import (
    ActivateDripCampaign,
    ChangeListMember,
    ConfirmConsent,
    DeleteCustomer,
    DeleteObject,
    MergeCustomers,
    Relate,
    RequestConsent,
    SaveObject,
    Upsert,
)
from regulars.domain.identity import Who
from regulars.domain.limits import DEFAULT
from regulars.domain.profile import parse_profile
from regulars.importing.parsing import line_parser
from regulars.store.store import Store

from ..databases import empty_database, url_of
from ..store.running import Running, audience, campaign, prepare

CUSTOMERS = 40
NOW = 1_780_000_000_000


@asynccontextmanager
async def open_store(folder: Path, engine: str) -> AsyncIterator[Running]:
    """A new store with a site, which tells the time."""
    with empty_database(folder, engine) as path:
        store = await Store.open(url_of(path))
        try:
            await prepare(store)
            yield Running(store, path)
        finally:
            await store.close()


async def fill(at: Running, site: int = 1) -> None:
    """Fill a site by every door: lines, events, calls and relationship calls."""
    for kind, lines in (("customers", _people()), ("activity", _activity())):
        parser = line_parser(kind, DEFAULT)  # type: ignore[arg-type]
        commands = [parser.parse(msgspec.json.encode(line), NOW) for line in lines]
        await at.store.ledger.submit_all(site, commands)
    vip = await at.store.ledger.submit(site, SaveObject(kind="tag", name="Very important"))
    offer = await at.store.ledger.submit(site, SaveObject(kind="offer", key="box", name="The box"))
    assert vip.object is not None
    assert offer.object is not None
    anna = Who(email_key="anna@example.com")
    await at.store.ledger.submit(site, Relate(anna, "tag.has", (vip.object.number,), "add"))
    await at.store.ledger.submit(site, Relate(anna, "offer.granted", ("box",), "add"))
    await at.store.ledger.submit(site, Relate(anna, "tag.has", ("press",), "add"))
    await at.store.ledger.submit(site, Relate(anna, "tag.has", ("press",), "remove"))
    await at.store.ledger.submit(site, audience("friends"))
    await at.store.ledger.submit(site, ChangeListMember(anna, "friends", True))
    await at.store.ledger.submit(site, campaign("welcome", 60, 3600))
    await at.store.ledger.submit(site, ActivateDripCampaign("welcome", parse_profile({"email": "bo@example.com"})))
    await at.store.ledger.submit(site, Upsert(parse_profile({"customer_id": "anna", "email": "anna.new@example.com"})))
    await at.store.ledger.submit_all(site, [parser.parse(msgspec.json.encode(each), NOW) for each in _twin()])
    twin = Who(email_key="anna.twin@example.com")
    await at.store.ledger.submit(site, MergeCustomers(Who(customer_id="anna"), (twin,)))
    await at.record("email_opened", site, email="anna.twin@example.com", message_id="m9", timestamp="2026-03-09")
    await _ask_for_consent(at, site)
    await at.store.ledger.submit(site, DeleteObject("form", "gone"))
    await at.store.ledger.submit(site, DeleteObject("newsletter", "stopped"))
    await at.store.ledger.submit(site, DeleteCustomer(Who(email_key="gone@example.com")))


async def _ask_for_consent(at: Running, site: int) -> None:
    """Requests that were confirmed and that are open, to marketing email and newsletters of every kind of name."""
    named = await at.store.ledger.submit(site, SaveObject(kind="newsletter", name="Tips & tricks"))
    assert named.object is not None
    anna, bo = Who(customer_id="anna"), Who(email_key="bo@example.com")
    week, tips = 604_800, named.object.number
    for number, who, newsletter in (
        (11, anna, None),
        (12, anna, tips),
        (13, bo, "old"),
        (14, bo, None),
        (15, bo, "stopped"),
    ):
        if newsletter == "stopped":
            await at.record("newsletter_subscribed", site, email="bo@example.com", newsletter_id=newsletter)
        asked = await at.store.ledger.submit(site, RequestConsent(number, who, newsletter, f"Yes {number}", week))
        assert asked.person is not None
        if number in (12, 14):
            about = tips if number == 12 else 0
            await at.store.ledger.submit(
                site, ConfirmConsent(number, asked.person.customer.number, about, "ip 1.2.3.4")
            )


def _people() -> list[dict[str, Any]]:
    people = [sample.customer(number, now=NOW) for number in range(CUSTOMERS)]
    return [
        *people,
        {
            "email": "anna@example.com",
            "customer_id": "anna",
            "name": "Anna-Ø Ünlü",
            "phone_number": "+4915112345678",
            "mobile_phone_number": "+4915112345679",
            "gender": "female",
            "locale": "de-DE",
            "joined_at": "2019-02-03",
            "groups": ["g1", "7"],
            "subscription_groups": [{"id": "news", "subscribed": True}, {"id": "old", "subscribed": False}],
            "data": {"plan": "=cmd", "n": 1.5, "deep": {"a": [1, None]}, "city": "Köln", "zip": "01234", "flag": True},
            "predictive_engagement_percentile": 70,
        },
        {"email": "bo@example.com", "firstname": "Bo", "unsubscribed": False},
        {"customer_id": "nobody-knows-an-address", "data": {"language": "nonsense"}},
        {"email": "gone@example.com"},
        {"email": "ünï@example.com", "unsubscribed": True},
    ]


def _twin() -> list[dict[str, Any]]:
    """What is told of somebody who turns out to be Anna."""
    twin, day = {"email": "anna.twin@example.com"}, {"timestamp": "2026-03-01T10:00:00.123Z"}
    return [
        {"event": "subscribed", "proof": "twin", **twin, **day},
        {"event": "purchase", "order_id": "o1", "revenue": 10, "currency": "EUR", "product_ids": ["p1", 2], **twin},
        {"event": "purchase", "order_id": "o7", "revenue": 2, "currency": "USD", **twin, **day},
        {"event": "email_sent", "message_id": "m9", **twin, **day},
        {"event": "email_sent", "broadcast_id": 3, **twin, **day},
        {"event": "email_sent", "broadcast_id": 3, "email": "anna.new@example.com", **day},
        {"event": "tag_added", "tag_id": "press", **twin, **day},
    ]


def _activity() -> list[dict[str, Any]]:
    chance = random.Random(14)
    events = [event for number in range(CUSTOMERS) for event in sample.activity(number, now=NOW)]
    anna = {"email": "anna@example.com"}
    gone = {"email": "gone@example.com", "timestamp": "2026-05-01T10:00:00Z"}
    day = {"timestamp": "2026-03-01T10:00:00.123Z"}
    events += [
        {"event": "subscribed", "wording": "Yes, please", "proof": "ip 1.2.3.4", **anna, **day},
        {"event": "unsubscribed", "cause": "opt_out", **anna, "timestamp": "2026-03-02"},
        {"event": "subscribed", "proof": "again", **anna, "timestamp": "2026-03-03"},
        {"event": "email_sent", "message_id": "m1", "template_id": "tem_1", "email_name": "Hi", **anna, **day},
        {"event": "email_opened", "message_id": "m1", **anna, "timestamp": "2026-03-04"},
        {"event": "email_opened", "message_id": "m1", **anna, "timestamp": "2026-03-05"},
        {"event": "email_bounced", "message_id": "m1", "bounce_type": "hard", **anna, "timestamp": "2026-03-06"},
        {"event": "email_sent", "template_id": "tem_2", **anna, **day},
        {"event": "email_clicked", "template_id": "tem_2", "url": "/", **anna, **day},
        {
            "event": "newsletter_subscribed",
            "newsletter_id": "news",
            "wording": "Weekly",
            "proof": "form 7",
            **anna,
            **day,
        },
        {"event": "newsletter_subscribed", "newsletter_id": "news", **anna, "timestamp": "2026-03-09"},
        {"event": "email_unsubscribed", "newsletter_id": "news", **anna, "timestamp": "2026-03-05"},
        {"event": "newsletter_subscribed", "newsletter_id": "stopped", **anna, **day},
        {"event": "email_complained", "broadcast_id": 8, "email": "bo@example.com", "timestamp": "2026-03-06"},
        {"event": "suppressed", "email": "bo@example.com"},
        {"event": "hidden", "customer_id": "nobody-knows-an-address"},
        {"event": "purchase", "order_id": "o1", "revenue": 10, "currency": "EUR", "product_ids": ["p1", 2], **anna},
        {"event": "purchase", "order_id": "o1", "revenue": 12, "currency": "EUR", "product_ids": ["p1", 2], **anna},
        {"event": "purchase", "order_id": "o2", "event_uuid": "mine", **anna, **day},
        {"event": "purchase", "order_id": "o2", "event_uuid": "mine", "revenue": "5.55", **anna, **day},
        {"event": "purchase", "revenue": 3, "currency": "USD", **anna, **day},
        {"event": "refund", "order_id": "o1", "revenue": "1.05", **anna, **day},
        {"event": "form_submitted", "form_id": "gone", **anna, **day},
        {"event": "visit", "cookie": "c1", **anna},
        {"event": "identify", "lastname": "Late", **anna, "timestamp": "2001-01-01"},
        {"event": "own_event", "_regulars": 1, "regulars_id": "x", "score": 3, **anna, **day},
        {"event": "email_sent", "message_id": "g1", **gone},
        {"event": "email_opened", "message_id": "g1", **gone},
        {"event": "email_sent", "broadcast_id": 3, **gone},
    ]
    chance.shuffle(events)
    return events
