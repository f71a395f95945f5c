"""Sample customers and their activity, for the demo and the benchmarks: the same for the same seed.

Each customer depends only on its number, so a longer sample starts with the shorter one.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, Final
from uuid import UUID

from regulars.domain.moments import DAY, SECOND, iso

SEED: Final = 2026


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST: Final = _words(
    "Amelia Anna Aoife Beatriz Camille Carlos Chloé Clara Daniel David Elena Elif Emil Emma Erik Fatima Felix "
    "Freya Gabriel Giulia Grace Hannah Hugo Ida Ines Isaac Ivan Jakub Jan Joana Jonas Julia Kai Karin Katarzyna "
    "Lars Laura Léa Leon Linnea Louis Lucía Luca Maja Marco Maria Marta Mateo Mia Milan Nadia Niamh Nina Noah "
    "Nora Olivia Omar Oscar Paul Petra Rafael Robin Rosa Samuel Sara Sofia Søren Theo Tomás Uma Viktor Yara Zoe"
)
_LAST: Final = _words(
    "Andersson Bakker Becker Bernard Brown Castro Clarke Costa Dubois Eriksen Evans Fernández Ferrari Fischer "
    "Fontaine García Gómez Haas Hansen Horvat Hughes Jansen Jensen Johnson Kelly King Kowalski Laurent Lindqvist "
    "López Marino Martin Meyer Moreau Müller Murphy Nielsen Novák Nowak O'Brien Olsen Pereira Petrov Ricci Rossi "
    "Roux Ryan Santos Schmidt Silva Smith Sørensen Svensson Taylor Thomas Urban Vermeer Virtanen Wagner Walsh "
    "Weber Wilson Wood Young"
)
_PLACES: Final = (
    ("Berlin", "Berlin", "Germany", "10{:03d}", "de-DE"),
    ("Hamburg", "Hamburg", "Germany", "20{:03d}", "de-DE"),
    ("Munich", "Bavaria", "Germany", "80{:03d}", "de-DE"),
    ("Paris", "Île-de-France", "France", "75{:03d}", "fr-FR"),
    ("Lyon", "Rhône", "France", "69{:03d}", "fr-FR"),
    ("London", "England", "United Kingdom", "E{} 4QA", "en-GB"),
    ("Leeds", "England", "United Kingdom", "LS{} 2AB", "en-GB"),
    ("Edinburgh", "Scotland", "United Kingdom", "EH{} 1YZ", "en-GB"),
    ("Dublin", "Leinster", "Ireland", "D{:02d} X285", "en-IE"),
    ("Madrid", "Madrid", "Spain", "28{:03d}", "es-ES"),
    ("Valencia", "Valencia", "Spain", "46{:03d}", "es-ES"),
    ("Lisbon", "Lisbon", "Portugal", "1{:03d}-101", "pt-PT"),
    ("Rome", "Lazio", "Italy", "00{:03d}", "it-IT"),
    ("Milan", "Lombardy", "Italy", "20{:03d}", "it-IT"),
    ("Amsterdam", "North Holland", "Netherlands", "1{:03d} AB", "nl-NL"),
    ("Copenhagen", "Hovedstaden", "Denmark", "1{:03d}", "da-DK"),
    ("Stockholm", "Stockholm", "Sweden", "11{:03d}", "sv-SE"),
    ("Warsaw", "Mazovia", "Poland", "00-{:03d}", "pl-PL"),
    ("Prague", "Prague", "Czechia", "11{:03d}", "cs-CZ"),
    ("Austin", "Texas", "United States", "78{:03d}", "en-US"),
    ("Portland", "Oregon", "United States", "97{:03d}", "en-US"),
    ("Brooklyn", "New York", "United States", "11{:03d}", "en-US"),
)
_HOSTS: Final = ("example.com", "example.com", "example.org", "example.net", "mail.example", "post.example")
_TAGS: Final = ("vip", "workshop", "wholesale", "press", "student", "early-bird")
_BROADCAST_DAYS: Final = (330, 250, 170, 110, 75, 45, 20, 6)
"""How long ago each broadcast was sent; the oldest is number 1."""

_OLDEST: Final = 730
_EVENTS: Final = 1_000
"""More than any customer has events."""


def email_of(number: int) -> str:
    """The address of a customer of the sample, counted from 0."""
    return str(_person(number)[0]["email"])


def customer(number: int, *, now: int) -> dict[str, Any]:
    """A customer as an import line; its history is counted back from `now` (ms)."""
    body, _, joined = _person(number)
    since = iso(_moment(now, joined))
    return {**body, "joined_at": since, "created_at": since}


def activity(number: int, *, now: int) -> Iterator[dict[str, Any]]:
    """A customer's activity since it joined, as import lines with a uuid each."""
    body, random, joined = _person(number)
    for place, (days, event) in enumerate(_story(random, joined)):
        yield {
            "event": event.pop("event"),
            "email": body["email"],
            "timestamp": iso(_moment(now, days)),
            "event_uuid": str(UUID(int=(SEED << 96) | (number * _EVENTS + place), version=4)),
            **event,
        }


def _moment(now: int, days: float) -> int:
    """The time a number of days before `now` (ms), in full seconds."""
    return now - round(days * DAY / SECOND) * SECOND


def _person(number: int) -> tuple[dict[str, Any], Random, float]:
    """A customer's profile, its source of chance, and how many days ago it joined."""
    random = Random(SEED << 40 | number)  # noqa: S311 - a sample, not a secret
    first, last = random.choice(_FIRST), random.choice(_LAST)
    city, state, country, code, locale = random.choice(_PLACES)
    local = f"{first}.{last}.{number}".lower().translate(_PLAIN)
    body = {
        "email": f"{local}@{random.choice(_HOSTS)}",
        "customer_id": f"demo-{number}",
        "firstname": first,
        "lastname": last,
        "locale": locale,
        "data": {
            "city": city,
            "state": state,
            "country": country,
            "zip": code.format(random.randrange(1, 100)),
            "plan": random.choice(("free", "free", "basic", "pro")),
        },
    }
    return body, random, random.uniform(0.02, 1) ** 2 * _OLDEST


_PLAIN: Final = str.maketrans("éíáúóñöüøč", "eiauonouoc", "'")


def _story(random: Random, joined: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """(days ago, event without who and when) of one customer."""
    reads, buys = random.betavariate(2, 3), random.betavariate(1, 4)
    wants_mail = random.random() < 0.8
    if wants_mail:
        yield joined, {"event": "subscribed", "wording": "Yes, send me the newsletter"}
        yield from _mails(random, joined, reads)
    for _ in range(int(random.expovariate(0.6))):
        yield random.uniform(0, joined), {"event": random.choice(("visit", "view", "pageload"))}
    for order in range(int(random.expovariate(0.5) * buys * 3)):
        purchase: dict[str, Any] = {"event": "purchase", "revenue": f"{random.lognormvariate(3.5, 0.6):.2f}"}
        purchase.update(order_id=f"{order}", product_ids=[random.randrange(1, 9)])
        if random.random() < 0.2:
            purchase.update(offer_id=random.randrange(1, 4), coupon=random.choice(("SPRING10", "WELCOME")))
        yield random.uniform(0, joined), purchase
    for tag in random.sample(_TAGS, random.choice((0, 0, 0, 1, 1, 2))):
        yield random.uniform(0, joined), {"event": "tag_added", "tag_id": tag}
    if wants_mail and random.random() < 0.06:
        yield random.uniform(0, joined / 2), {"event": "email_unsubscribed"}


def _mails(random: Random, joined: float, reads: float) -> Iterator[tuple[float, dict[str, Any]]]:
    for broadcast, sent in enumerate(_BROADCAST_DAYS, 1):
        if sent >= joined or random.random() < 0.3:
            continue
        mail = {"broadcast_id": broadcast}
        yield sent, {"event": "email_sent", **mail}
        if random.random() < 0.02:
            yield sent - 0.01, {"event": "email_bounced", "bounce_type": random.choice(("soft", "hard")), **mail}
            continue
        yield sent - 0.01, {"event": "email_delivered", **mail}
        if random.random() < reads:
            read = sent - min(0.02 + random.expovariate(3), sent - 0.02)
            yield read, {"event": "email_opened", **mail}
            if random.random() < 0.3:
                yield read, {"event": "email_clicked", "url": "https://example.com/new", **mail}
