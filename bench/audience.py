"""Forty questions to a site of any size: whole requests, evaluation alone, and the same set operations bare."""

import asyncio
import http.client
import json
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
from msgspec import Struct
from pyroaring import BitMap
from rich.console import Console
from rich.table import Table

from bench import audience_data
from bench.report import Figure, machine
from bench.server import running
from regulars.audience.catalogue import BY_NAME, audience_of, parse
from regulars.audience.evaluate import Sort, evaluate, page
from regulars.audience.index import SiteIndex
from regulars.audience.predicates import Predicate
from regulars.audience.shelf import Shelf
from regulars.domain.relations import BY_NAME as RELATIONS
from regulars.store.store import Store

SIZES: Final = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
PAGE: Final = 25
_REPEATS: Final = 15


class Question(Struct, frozen=True):
    """One question: filters, an order, and a page; 0 is the last one."""

    filters: tuple[tuple[str, str], ...]
    sort: str = "-created_at"
    page: int = 1

    @property
    def text(self) -> str:
        """The question as a line of the table."""
        filters = " ".join(f"{name}={value}" for name, value in self.filters) or "everybody"
        shown = "last page" if not self.page else "" if self.page == 1 else f"page {self.page}"
        return f"{filters} {'' if self.sort == '-created_at' else self.sort} {shown}".strip()


def _q(text: str, sort: str = "-created_at", page: int = 1) -> Question:
    filters = tuple((name, value) for name, _, value in (part.partition("=") for part in text.split(";") if part))
    return Question(filters, sort, page)


QUESTIONS: Final = (
    _q("created_in_last=30"),
    _q("inactive_in_last=90"),
    _q("subscribed=true"),
    _q("never_subscribed=true"),
    _q("is_hidden=true"),
    _q("search=anna"),
    _q("search=olivia jnes"),
    _q("name_contains=taylor"),
    _q("email_contains=gmail.com"),
    _q("phone_number_contains=4930"),
    _q("address_line_1_contains=street 12"),
    _q("address_city_contains=ber"),
    _q("address_zip_contains=10"),
    _q("has_tag_id=7"),
    _q("has_all_tag_id=1,2,3"),
    _q("has_no_tag_id=7,8"),
    _q("net_revenue_greater_than=100", "-net_revenue"),
    _q("net_revenue_equal_to=0", "net_revenue"),
    _q("sent_email_broadcast_id=7"),
    _q("no_opened_email_broadcast_id=7"),
    _q("used_coupon_code=nothing"),
    _q("healthy_contacts_with_open_data=true"),
    _q("inactive_contacts_with_open_data=true"),
    _q("", "name", 100),
    _q("", "-net_revenue", 100),
    _q("sent_email_broadcast_id=7;no_opened_email_broadcast_id=7;has_tag_id=3", "-net_revenue"),
    _q("sent_email_broadcast_id=7;no_opened_email_broadcast_id=7;email_contains=gmail.com", "email"),
    _q("subscribed=true;opened_email_in_last=30;has_product_id=4", "last_request_at"),
    _q("subscribed=true;opened_email_in_last=30;has_product_id=4;net_revenue_greater_than=50", "-last_request_at", 100),
    _q("created_in_last=365;has_no_offer_id=1;is_hard_bouncing=false", "name", 100),
    _q("created_in_last=365;has_no_offer_id=1;is_hard_bouncing=false", "-name", 0),
    _q("address_country_contains=germany;subscribed=true;has_active_product_id=2", "email", 0),
    _q("search=smith;created_in_last=180;subscribed=true"),
    _q("name_contains=an;email_contains=company;active_in_last=60", "net_revenue", 100),
    _q("not_opened_email_in_last=90;not_clicked_email_in_last=90;sent_email_broadcast_id=1,2,3", "-created_at", 100),
    _q("clicked_email_broadcast_id=7;has_tag_id=1,2;address_city_contains=paris;subscribed=true"),
    _q("healthy_contacts_with_open_data=true;has_all_tag_id=1,2;net_revenue_greater_than=0", "-net_revenue"),
    _q("inactive_in_last=180;unsubscribed_in_last=365;has_product_id=1,2,3", "created_at", 0),
    _q("passive_contacts_with_open_data=true;no_sent_email_broadcast_id=50;address_zip_contains=10;is_suppressed=false"),
    _q("subscribed=true;not_in_group_id=1;delivered_email_in_last=30;no_bounced_email_broadcast_id=9;has_no_tag_id=5;"
       "created_in_last=600", "last_request_at", 0),
)  # fmt: skip


class Timing(Struct):
    """What one question took, in ms; `bare` is None where there is nothing to compare with."""

    question: Question
    total: int
    first: float
    again: float
    evaluation: float = 0.0
    bare: float | None = None


def measured(folder: Path, size: str) -> list[Figure]:
    """Ask everything; print the table of the questions and return the figures with a target."""
    count = SIZES[size]
    path = folder / f"audience-{size}.db"
    url, site, key = audience_data.database(path, count)
    shelf = Shelf(Path(f"{path}.audience"))
    shelf.discard(site)
    from_nothing, _ = _restarted(path)
    from_snapshot, resident = _restarted(path)
    with running(url) as server:
        timings, echo = _asked(server.removeprefix("http://"), key)
    _alone(path, site, timings)
    _show(size, timings)
    again = [each.again for each in timings]
    bare = [each.evaluation / each.bare for each in timings if each.bare]
    note = f"{count:,} customers"

    def most(name: str, figure: float, unit: str, target: float, note: str = note) -> Figure:
        return Figure(name, figure, unit, "the limit", target, 1, at_least=False, note=note)

    return [
        most("question, median", statistics.median(again), "ms", 3, f"{note}; echo {echo:.2f} ms"),
        most("question, slowest when asked again", max(again), "ms", 15),
        most("question, slowest when first asked", max(each.first for each in timings), "ms", 60),
        most("evaluation beside bare set operations, median", statistics.median(bare), "x", 2),
        most("first answer from a snapshot", from_snapshot, "s", 0.5),
        most("first answer from nothing", from_nothing, "s", 30),
        most("resident memory after loading a snapshot", resident, "MB", 600),
        most("upkeep of the index, an upsert", _upkeep(shelf, site), "us", 25),
    ]


def _restarted(path: Path) -> tuple[float, float]:
    """(seconds to the first answer, MB in memory after it) of a new process; it leaves a snapshot if there was none."""
    found = subprocess.run(
        [sys.executable, "-m", "bench.restart", str(path)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = json.loads(found.stdout)
    return seconds, megabytes


def _asked(address: str, key: str) -> tuple[list[Timing], float]:
    connection = http.client.HTTPConnection(address, timeout=120)
    headers = {"Authorization": f"Bearer {key}"}

    def ask(target: str) -> tuple[float, Any]:
        start = time.perf_counter()
        connection.request("GET", target, headers=headers)
        body = connection.getresponse().read()
        return (time.perf_counter() - start) * 1000, body

    ask("/v1/customers?filter[is_hidden]=true")
    time.sleep(2)  # what is warmed up behind the first answer
    echo = statistics.median(ask("/echo")[0] for _ in range(200))
    timings = []
    for question in QUESTIONS:
        filters = "".join(f"&filter[{name}]={quote(value)}" for name, value in question.filters)
        base = f"/v1/customers?sort={question.sort}&page[size]={PAGE}{filters}"
        number = question.page
        if not number:
            total = json.loads(ask(base)[1])["meta"]["total_count"]
            number = max(-(-total // PAGE), 1)
        target = f"{base}&page[number]={number}"
        first, body = ask(target)
        found = json.loads(body)
        if "meta" not in found:
            raise RuntimeError(f"{target}: {body[:300]!r}")
        again = statistics.median(ask(target)[0] for _ in range(_REPEATS))
        timings.append(Timing(question, found["meta"]["total_count"], first, again))
    return timings, echo


def _alone(path: Path, site: int, timings: list[Timing]) -> None:
    """Time the evaluation alone, in this process, and the bare set operations of those questions that are only that."""
    index = Shelf(Path(f"{path}.audience")).read(site)
    assert index is not None
    for timing in timings:
        question = timing.question
        order = Sort(question.sort.removeprefix("-"), question.sort.startswith("-"))
        predicate = _predicate(question, time.time_ns() // 1_000_000)
        skip = (question.page - 1) * PAGE if question.page else max(timing.total - 1, 0) // PAGE * PAGE
        timing.evaluation = _median(lambda: page(index, evaluate(predicate, index), order, skip=skip, take=PAGE))  # noqa: B023
        bare = _bare(question, index)
        if bare is not None:
            timing.bare = _median(bare)


def _predicate(question: Question, now: int) -> Predicate:
    parts = [parse(BY_NAME[name], value, now) for name, value in question.filters]
    return audience_of(parts, hidden_asked=any(name == "is_hidden" for name, _ in question.filters))


def _bare(question: Question, index: SiteIndex) -> Callable[[], object] | None:
    """The least that pyroaring and NumPy must do for a question of ties, windows and sums; None for other kinds."""
    relations = {
        "has_tag_id": "tag.has",
        "has_no_tag_id": "-tag.has",
        "sent_email_broadcast_id": "broadcast.sent",
        "no_opened_email_broadcast_id": "-broadcast.opened",
        "subscribed": "subscribed",
    }
    columns = {"inactive_in_last": "-last_request_at", "opened_email_in_last": "last_opened_at"}
    ties: list[tuple[bool, list[BitMap]]] = [(True, [index.ties[RELATIONS["hidden"].code, 0]])]
    windows = []
    for name, value in question.filters:
        if name in relations:
            relation = relations[name]
            ids = [0] if value == "true" else [int(part) for part in value.split(",")]
            code = RELATIONS[relation.removeprefix("-")].code
            ties.append((relation.startswith("-"), [index.ties[code, each] for each in ids]))
        elif name in columns:
            windows.append((columns[name], int(value)))
        else:
            return None
    column = index.columns.get(question.sort.removeprefix("-"))
    if column is None or question.page != 1:
        return None
    keys, sign = column.values, -1 if question.sort.startswith("-") else 1
    now = time.time_ns() // 1_000_000

    def work() -> object:
        found = index.alive
        for taken_away, bitmaps in ties:
            either = BitMap.union(*bitmaps)
            found = found - either if taken_away else found & either
        for name, days in windows:
            values = index.columns[name.removeprefix("-")].values
            mask = (values >= now - days * 86_400_000) & (values <= now)
            inside = BitMap(array("I", np.flatnonzero(mask).astype(np.uint32).tobytes()))
            found = found - inside if name.startswith("-") else found & inside
        ordinals = np.frombuffer(found.to_array(), dtype=np.uint32)
        values = sign * keys[ordinals]
        if values.size <= PAGE:
            return ordinals[np.argsort(values, kind="stable")]
        best = np.argpartition(values, PAGE)[:PAGE]
        return len(found), ordinals[best[np.argsort(values[best], kind="stable")]]

    return work


def _median(work: Callable[[], object]) -> float:
    work()
    took = []
    for _ in range(_REPEATS):
        start = time.process_time_ns()
        work()
        took.append((time.process_time_ns() - start) / 1e6)
    return statistics.median(took)


def _upkeep(shelf: Shelf, site: int) -> float:
    """Microseconds that the index of the snapshot takes for an upsert of four texts and three times."""
    from regulars.domain.changes import COLUMNS, TEXTS, Entry, Record

    index = shelf.read(site)
    assert index is not None
    count, codes = 20_000, [TEXTS.index(name) for name in ("name", "email", "phone_number", "address_city")]
    columns = [(COLUMNS.index(name), 1_800_000_000_000) for name in ("created_at", "joined_at", "last_request_at")]
    head = index.head
    index.apply([Record(1, [Entry(index.numbering.last + 1, columns=columns)])], {}, head)  # its arrays grow now
    start = time.process_time_ns()
    for place in range(count):
        number = index.numbering.last + 1 if place % 2 else place * 97 % index.size + 1
        texts = {
            number: (
                f"Anna Smith {place}",
                f"anna{place}@example.com",
                "+49301234567",
                *[None] * 3,
                "Berlin",
                *[None] * 3,
            )
        }
        index.apply([Record(1, [Entry(number, columns=columns, texts=codes)])], texts, head)
    return (time.process_time_ns() - start) / 1000 / count


def _show(size: str, timings: list[Timing]) -> None:
    table = Table(
        "question", "matches", "first ms", "again ms", "evaluation ms", "bare ms", title=f"{size}: {machine()}"
    )
    for each in timings:
        bare = "" if each.bare is None else f"{each.bare:.2f}"
        row = (
            each.question.text,
            f"{each.total:,}",
            f"{each.first:.2f}",
            f"{each.again:.2f}",
            f"{each.evaluation:.2f}",
            bare,
        )
        table.add_row(*row)
    Console(width=200).print(table)


def _resident() -> float:
    """MB of memory that this process has now."""
    with Path("/proc/self/status").open(encoding="ascii") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def restart(path: Path) -> tuple[float, float]:
    """Open the store, ask one question, and see to it that there is a snapshot."""
    from regulars.audience import Audience

    start = time.perf_counter()
    store = await Store.open(f"sqlite:///{path}")
    audience = Audience(store.changes, shelf=Shelf(Path(f"{path}.audience")), load_wait=600, index_memory=2**34)
    predicate = _predicate(QUESTIONS[25], time.time_ns() // 1_000_000)
    async with audience.ask(1, predicate, sort=Sort("net_revenue", True)) as found:
        assert found.numbers
    seconds = time.perf_counter() - start
    await asyncio.gather(*(each.reading for each in audience._sites.values() if each.reading is not None))
    resident = _resident()
    if not audience.restored:
        following = asyncio.create_task(audience.follow())
        while not audience.upkeep.saves:  # noqa: ASYNC110 -- a counter is what is looked at
            await asyncio.sleep(0.05)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    await audience.close()
    await store.close()
    return seconds, resident
