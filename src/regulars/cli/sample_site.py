"""What the demo's site has besides sample customers: names, audiences with a history, and an import."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from regulars.audience.questions.expanding import canonical
from regulars.audience.questions.json_form import write_question
from regulars.audience.questions.text_form import parse_question
from regulars.cli import sample
from regulars.domain.audience_watches import NOT_KEPT, AudiencePoint, Watch
from regulars.domain.audiences import KIND
from regulars.domain.commands import ChangeListMember, Command, DefinitionChange, SaveAudience, SaveObject
from regulars.domain.faults import RefusedError
from regulars.domain.limits import Limits
from regulars.domain.moments import DAY, parse_moment
from regulars.domain.profile import parse_who
from regulars.exporting.export import ExportRequest
from regulars.jobs.exports import EXPORT, ExportArguments
from regulars.jobs.file_imports import ATTEMPTS, IMPORT_FILE, ImportArguments
from regulars.store import jobs
from regulars.store.audience_watches import save_points, save_watch
from regulars.store.store import Store
from regulars.stored_files import StoredFiles

_NAMES: Final = {
    "broadcast": (
        "A new year of roasting",
        "Meet the growers",
        "Spring collection",
        "Brew better at home",
        "Summer hours",
        "Cold brew week",
        "The autumn box",
        "Gifts for coffee lovers",
    ),
    "offer": ("Monthly box", "Home barista course", "Gift card"),
    "product": (
        "House espresso",
        "Decaf",
        "Single origin: Huila",
        "Hand grinder",
        "Paper filters",
        "Kettle",
        "Cup, blue",
        "Cup, white",
    ),
}
"""The objects that the activity of the sample names, in the order of their numbers."""

VIPS: Final = "VIPs"
READERS: Final = "Newsletter readers"
WATCHED: Final = READERS
_AUDIENCES: Final = {
    VIPS: "tag:vip",
    READERS: "is subscribed",
    "Best customers": "revenue > 100",
    "Quiet for 90 days": "is subscribed and not opened in last 90d",
    "VIPs in Germany": "tag:vip and address_country = Germany",
}
_LIST: Final = "Guests of the spring fair"
_MEMBERS: Final = 60
"""How many customers are on the list, at most; they are spread over the sample."""

_DAYS: Final = 60
"""How far the history of the audiences goes back."""

_FILE: Final = "spring-fair.csv"
_TABLE: Final = """\
Email,First name,Last name,City,Visited our stand,Accepts marketing
{}nobody at example,Without,Address,Berlin,yes,no
ana@@example.com,Ana,Twice,Lisbon,no,yes
,,,,,
tom@example.,Tom,Dot,Leeds,yes,no
"""
_GUESTS: Final = 24


class _Period(NamedTuple):
    """When somebody was in an audience: from a day on, until another."""

    audience: str
    reached: bool
    first: int
    end: int


class Trend:
    """Who was a VIP or a reader on each of the last days, counted as the activity goes by."""

    def __init__(self, now: int) -> None:
        self._today = now // DAY
        self._changes: Counter[tuple[str, bool, int]] = Counter()
        self._moves: Counter[tuple[str, bool, int]] = Counter()

    def count(self, events: list[dict[str, Any]]) -> None:
        """Take in the events of one customer."""
        first: dict[str, int] = {}
        for event in events:
            name = f"{event['event']} {event.get('tag_id') or event.get('bounce_type') or ''}".strip()
            first.setdefault(name, parse_moment(event["timestamp"]) // DAY)
        for period in self._periods(first):
            if period.first < period.end:
                self._changes[period.audience, period.reached, period.first] += 1
                self._changes[period.audience, period.reached, period.end] -= 1
                if not period.reached:
                    self._moves[period.audience, True, period.first] += 1
                    self._moves[period.audience, False, period.end] += 1

    def _periods(self, first: dict[str, int]) -> Iterator[_Period]:
        ever = self._today + 1
        tagged, agreed = first.get("tag_added vip", ever), first.get("subscribed", ever)
        left = min(first.get("email_unsubscribed", ever), first.get("email_complained", ever))
        reached = min(left, first.get("email_bounced hard", ever))
        yield _Period(VIPS, False, tagged, ever)
        yield _Period(VIPS, True, max(tagged, agreed), reached)
        yield _Period(READERS, False, agreed, left)
        yield _Period(READERS, True, agreed, reached)

    def points(self, audience: str, number: int) -> list[AudiencePoint]:
        """The figures of an audience on each of the last days but today; with who entered and left if it is watched."""
        found = []
        for day in range(self._today - _DAYS, self._today):
            matched, reachable = (
                sum(each for (name, kind, at), each in self._changes.items() if (name, kind) == key and at <= day)
                for key in ((audience, False), (audience, True))
            )
            moved = self._moved(audience, day) if audience == WATCHED else (None, None)
            found.append(AudiencePoint(number, day * DAY + DAY // 2, 0, matched, reachable, *moved))
        return found

    def watch(self, number: int) -> Watch:
        """What was counted of the watched audience until today."""
        return Watch(number, 0, 0, 0, NOT_KEPT, 0, *self._moved(WATCHED, self._today - 1))

    def _moved(self, audience: str, day: int) -> tuple[int, int]:
        """How many entered an audience and left it, from the first of the last days to another."""
        since = self._today - _DAYS
        entered, left = (
            sum(each for (name, way, at), each in self._moves.items() if (name, way) == key and since < at <= day)
            for key in ((audience, True), (audience, False))
        )
        return entered, left


def activity(customers: int, trend: Trend, *, now: int) -> Iterator[dict[str, Any]]:
    """The activity of the sample's customers, with some who complain or unsubscribe after they have read an email."""
    for number in range(customers):
        events = list(sample.activity(number, now=now))
        events += [
            {**event, "event": name, "event_uuid": str(UUID(int=UUID(event["event_uuid"]).int ^ 1 << 76))}
            for event in events
            if event["event"] == "email_opened"
            for name, often in (("email_complained", 1201), ("email_unsubscribed", 83))
            if (7 * number + event["broadcast_id"]) % often == 0
        ]
        trend.count(events)
        yield from events


async def furnish(store: Store, site: int, trend: Trend, folder: Path | None, *, customers: int, now: int) -> None:
    """Name the objects, save audiences with their history and a list, and leave an import and an export to the server.

    customers: how many there are of the sample. folder: of the server's files; None: it imports nothing.
    """
    await store.ledger.submit_all(site, list(_names()))
    for name, text in _AUDIENCES.items():
        question = canonical(parse_question(text))
        change = DefinitionChange(kind="dynamic", question=question, watched=name == WATCHED)
        await _audience(store, site, name, change, trend)
    guests = await _audience(store, site, _LIST, DefinitionChange(kind="list"), trend)
    if guests is not None:
        await store.ledger.submit_all(site, list(_joining(guests, customers, store.limits)))
    if folder is None:
        return
    stored, written = StoredFiles(folder).upload()
    with written:
        written.write(_table(now).encode())
    arguments = msgspec.to_builtins(ImportArguments(file=stored, name=_FILE, tags=("spring-fair",)))
    await jobs.enqueue(store.engine, IMPORT_FILE, now=now, attempts=ATTEMPTS, site=site, arguments=arguments)
    asked = write_question(parse_question(_AUDIENCES[VIPS]))
    export = ExportArguments(request=ExportRequest(format="csv"), question=asked)
    await jobs.enqueue(
        store.engine, EXPORT, now=now, attempts=ATTEMPTS, site=site, arguments=msgspec.to_builtins(export)
    )


async def _audience(store: Store, site: int, name: str, change: DefinitionChange, trend: Trend) -> int | None:
    """Save an audience; returns its number, or None if it was there."""
    try:
        outcome = await store.ledger.submit(site, SaveAudience(SaveObject(kind=KIND, name=name), change))
    except RefusedError:  # a demo of before that grows has it
        return None
    assert outcome.object is not None
    number = outcome.object.number
    if name in (VIPS, READERS):
        await save_points(store.engine, site, trend.points(name, number))
    if name == WATCHED:
        await save_watch(store.engine, site, trend.watch(number))
    return number


def _joining(number: int, customers: int, limits: Limits) -> Iterator[Command]:
    """The commands that put customers of the sample on a list."""
    for place in range(0, customers, -(-customers // _MEMBERS)):
        yield ChangeListMember(parse_who({"email": sample.email_of(place)}, limits=limits), number, True)


def _names() -> Iterator[Command]:
    for kind, names in _NAMES.items():
        for number, name in enumerate(names, 1):
            yield SaveObject(kind=kind, reference=number, name=name)


def _table(now: int) -> str:
    rows = []
    for number in range(_GUESTS):
        guest = sample.customer(10_000_000 + number, now=now)
        agrees = "yes" if number % 3 else "no"
        cells = (guest["email"], guest["firstname"], guest["lastname"], guest["data"]["city"], "yes", agrees)
        rows.append(",".join(cells) + "\n")
    return _TABLE.format("".join(rows))
