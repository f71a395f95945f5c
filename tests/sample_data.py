"""Two data sets of our own, in the form and with the traps of two public ones: a mail campaign and a purchase log.

Each is a list of (customer, activity): what one line of the source makes of the import files. `campaign`: three groups,
one of which got no mail; many rows share a moment, and many the smallest amount. `purchases`: a customer comes again
and again, at times twice a day for the same amount, or for nothing.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Lines = Iterator[tuple[dict[str, Any] | None, list[dict[str, Any]]]]

MAILED = datetime(2008, 3, 1, tzinfo=UTC)
_CUSTOMERS = {"campaign": 300, "purchases": 150}


def campaign() -> Lines:
    """A purchase and its tags, maybe a mail, maybe a visit after it, maybe another purchase."""
    chance = random.Random(2008)
    for number in range(1001, 1001 + _CUSTOMERS["campaign"]):
        bought = MAILED - timedelta(days=30 * chance.randint(1, 12))
        email = f"h{number}@campaign.example"
        joined = bought if chance.random() < 0.5 else MAILED - timedelta(days=800)
        amount = "29.99" if chance.random() < 0.15 else _amount(chance, 3_000, 120_000)
        activity = [_event("purchase", email, bought, revenue=amount)]
        for tag in chance.choice((("1",), ("2",), ("1", "2"), ("1",), ("2",))):
            activity.append(_event("tag_added", email, bought, tag_id=tag))
        if (broadcast := chance.choice(("1", "2", None))) is not None:
            for event in ("email_sent", "email_delivered"):
                activity.append(_event(event, email, MAILED, broadcast_id=broadcast))
        if chance.random() < 0.15:
            activity.append(_event("visit", email, MAILED + timedelta(days=3)))
            if chance.random() < 0.3:
                amount = _amount(chance, 1_000, 20_000)
                activity.append(_event("purchase", email, MAILED + timedelta(days=4), revenue=amount))
        for place, each in enumerate(activity):
            each["event_uuid"] = f"00000000-0000-4000-8000-{number:08d}{place:04d}"
        data = {"segment": f"{number % 7 + 1}) $ {number % 5}00", "zip_code": chance.choice(("Urban", "Rural"))}
        yield {"email": email, "customer_id": f"H{number}", "joined_at": _iso(joined), "data": data}, activity


def purchases() -> Lines:
    """One purchase a line; the customer is told with the first one."""
    chance = random.Random(1997)
    line = 0
    for number in range(1, _CUSTOMERS["purchases"] + 1):
        first = day = datetime(1997, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(90))
        email = f"c{number:05d}@purchases.example"
        amount = "0.00"
        for place in range(chance.choice((1, 1, 1, 2, 3, 8))):
            line += 1
            if chance.random() < 0.9:
                day += timedelta(days=chance.randrange(150))
                amount = "0.00" if chance.random() < 0.02 else _amount(chance, 500, 9_000)
            customer = {"email": email, "customer_id": f"C{number}", "joined_at": _iso(first)}
            purchase = _event("purchase", email, day, revenue=amount, discs=chance.randint(1, 4))
            purchase["event_uuid"] = f"00000000-0000-4000-9000-{line:012d}"
            yield customer if place == 0 else None, [purchase]


def _amount(chance: random.Random, least: int, most: int) -> str:
    cents = chance.randint(least, most)
    return f"{cents // 100}.{cents % 100:02}"


def _event(name: str, email: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"event": name, "email": email, "timestamp": _iso(at), **more}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
