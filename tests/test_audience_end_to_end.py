"""The audience on the real store against brute force over its tables: any history, any question, whatever happens.

REGULARS_EXAMPLES says how many random histories are tried; `make test-long` tries thousands.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.audience import Audience, Sort
from regulars.audience.archive import _HEADER
from regulars.audience.catalogue import BY_NAME, FILTERS, audience_of, parse
from regulars.audience.difference import differences
from regulars.audience.index import Tuning
from regulars.audience.shelf import Shelf
from regulars.domain.commands import Command, DeleteCustomer, DeleteObject, Relate
from regulars.domain.faults import RefusedError
from regulars.domain.identity import Who
from regulars.store.pruning import prune_changes
from regulars.store.store import Store

from .audience.strategies import PIECES
from .audience_truth import DAY, Asked, Record, answer, records
from .databases import url_of
from .domain.disorder import histories
from .store.running import NOW, activity, prepare, upsert

EXAMPLES = int(os.environ.get("REGULARS_EXAMPLES", "60"))
SORTS = [
    f"{sign}{name}" for sign in ("", "-") for name in ("created_at", "name", "email", "net_revenue", "last_request_at")
]
PEOPLE = ("anna@example.com", "bo@example.com", "Änne.Smith@gmail.com", "i%_x@mail.example", "ssi@gmail.com", "x@x.org")
DAYS = ("0", "1", "30", "90", "180", "365", "400")
EVERYTHING = [each.name for each in FILTERS if each.predicate is not None]


class World:
    """One database, a clock, and several audiences that must all tell the same truth."""

    def __init__(self, folder: Path, tuning: Tuning | None = None) -> None:
        self.folder = folder
        self.path = folder / "world.db"
        self.now = NOW
        self.tuning = tuning
        self.shelf = Shelf(folder / "shelf")
        self.audiences: list[Audience] = []
        self._stores: list[Store] = []

    async def open(self) -> "World":
        self.store = await self.open_store()
        await prepare(self.store)
        return self

    async def open_store(self) -> Store:
        """The database as one more process opens it."""
        store = await Store.open(url_of(self.path), clock=lambda: self.now)
        self._stores.append(store)
        return store

    async def close(self) -> None:
        for audience in self.audiences:
            await audience.close()
        for store in self._stores:
            await store.close()

    async def audience(self, *, shelf: bool = False, **more: Any) -> Audience:
        """An audience of a process of its own."""
        store = await self.open_store()
        given = {"tuning": self.tuning, "large": 0, "shelf": self.shelf if shelf else None, "load_wait": 30, **more}
        self.audiences.append(Audience(store.changes, **given))
        return self.audiences[-1]

    async def do(self, *commands: Command) -> None:
        for command in commands:
            await self.store.ledger.submit(1, command)

    async def save(self, audience: Audience) -> None:
        """Write the snapshot of what an audience has loaded."""
        await self.ask(audience, [])
        await audience.upkeep.save(1, audience._sites[1], self.shelf)

    async def ask(
        self, audience: Audience, asked: Asked, sort: str = "created_at", skip: int = 0, take: int = 1000
    ) -> tuple[int, list[int]]:
        parts = [parse(BY_NAME[name], value, self.now) for name, value in asked]
        predicate = audience_of(parts, hidden_asked=any(name == "is_hidden" for name, _ in asked))
        order = Sort(sort.removeprefix("-"), sort.startswith("-"))
        async with audience.ask(1, predicate, sort=order, skip=skip, take=take) as found:
            return found.total, found.numbers

    async def check(self, asked: Asked, sort: str = "created_at", skip: int = 0, take: int = 1000) -> list[int]:
        """All audiences say what the tables say; returns the page."""
        everybody = answer(records(self.path), asked, sort, self.now)
        expected = (len(everybody), everybody[skip : skip + take])
        for audience in self.audiences:
            assert await self.ask(audience, asked, sort, skip, take) == expected, (asked, sort, skip, take)
        return expected[1]


@asynccontextmanager
async def world(tuning: Tuning | None = None) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        made = await World(Path(folder), tuning).open()
        try:
            yield made
        finally:
            await made.close()


def in_a_world(test: Any) -> Any:
    """An async test that gets a world."""

    def run() -> None:
        async def body() -> None:
            async with world() as made:
                await test(made)

        asyncio.run(asyncio.wait_for(body(), 60))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


# -- random histories and questions ---------------------------------------------------------------------------

words = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
ids = st.lists(st.sampled_from(["1", "2", "3", "t", "save"]), min_size=1, max_size=2, unique=True).map(",".join)
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "days": st.sampled_from(DAYS),
    "flag": st.sampled_from(["true", "false", "1", "0"]),
    "id": ids,
    "money": st.sampled_from(["0", "1", "2.00", "-1", "5.5"]),
    "text": words | st.sampled_from([*PEOPLE, "gmail", "a", "nn", "SAVE", "%", "_", "i"]),
}


@st.composite
def questions(draw: st.DrawFn) -> tuple[Asked, str, int, int]:
    asked = []
    for name in draw(st.lists(st.sampled_from(EVERYTHING), min_size=0, max_size=4)):
        value = draw(_VALUES[BY_NAME[name].kind.name])
        if name == "search":
            value = value.strip() or "anna"
        asked.append((name, value))
    return asked, draw(st.sampled_from(SORTS)), draw(st.integers(0, 4)), draw(st.sampled_from([1, 2, 25]))


@st.composite
def late(draw: st.DrawFn) -> list[Command]:
    """Activity with times at and around the borders of every window, late, early and repeated."""
    found: list[Command] = []
    for body in draw(histories(4)):
        seconds = NOW // 1000 - int(draw(st.sampled_from(DAYS))) * 86_400 + draw(st.integers(-1, 1))
        body = {**body, "email": draw(st.sampled_from(PEOPLE)), "timestamp": min(seconds, NOW // 1000)}
        if "log_id" in body:
            body["log_id"] = body["email"]
        try:
            found.append(activity(**body))
        except RefusedError:
            continue
    return found


@st.composite
def profiles(draw: st.DrawFn) -> list[Command]:
    body: dict[str, Any] = {"email": draw(st.sampled_from(PEOPLE))}
    for field in ("name", "firstname", "lastname", "phone_number", "address_line_1", "address_city", "address_zip"):
        if draw(st.integers(0, 3)) == 0:
            body[field] = draw(words | st.none())
    for field in ("hidden", "suppressed", "unsubscribed"):
        if draw(st.integers(0, 5)) == 0:
            body[field] = draw(st.booleans())
    try:
        return [upsert(**body)]
    except RefusedError:
        return [upsert(email=body["email"])]


who = st.sampled_from(PEOPLE).map(lambda email: Who(email_key=email.casefold()))
deeds = st.one_of(
    late(),
    profiles(),
    profiles(),
    st.builds(DeleteCustomer, who).map(lambda each: [each]),
    st.builds(DeleteObject, st.sampled_from(["tag", "offer"]), st.sampled_from(["1", "2"])).map(lambda each: [each]),
    st.builds(Relate, who, st.sampled_from(["tag.has"]), st.just(("1",)), st.sampled_from(("add", "remove"))).map(
        lambda each: [each]
    ),
)
events = st.one_of(
    deeds,
    deeds,
    deeds,
    st.sampled_from([1, 1_000, DAY - 1_000, DAY, 90 * DAY]),  # the clock moves on
    st.sampled_from(["save", "restart", "prune", "follow"]),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(events, min_size=2, max_size=14),
    st.lists(questions(), min_size=6, max_size=12),
    st.sampled_from([Tuning(), Tuning(1, 1, 2), Tuning(3, 4, 1)]),
)
def test_every_answer_is_what_the_tables_say(
    happening: list[Any], asked: list[tuple[Asked, str, int, int]], tuning: Tuning
) -> None:
    async def run() -> None:
        async with world(tuning) as made:
            await made.audience()
            await made.audience(pool_above=0, slice_changes=1)
            for at, event in enumerate(happening):
                match event:
                    case int():
                        made.now += event
                    case "save":
                        await made.save(made.audiences[0])
                    case "restart":
                        await made.audience(shelf=True)
                    case "prune":
                        saved = made.shelf.head(1)
                        await prune_changes(
                            made.store.engine, 1, before=made.now + 1, until=saved.number if saved else None
                        )
                    case "follow":
                        await made.audiences[1]._tail(1, made.audiences[1]._sites[1]) if made.audiences[
                            1
                        ]._sites else None
                    case _:
                        await made.do(*event)
                if at % 3 == 0:
                    await made.check(*asked[at % len(asked)])
            for question in asked:
                await made.check(*question)
            first, *others = [audience._sites[1].index for audience in made.audiences]
            for other in others:
                assert differences(first, other) == []

    asyncio.run(asyncio.wait_for(run(), 120))


def test_the_truth_knows_every_filter() -> None:
    record: Record = {**dict.fromkeys(("email", "phone_number"), "x"), "ties": set()}
    from . import audience_truth as truth

    known = {*truth.ANY_OF, *truth.NONE_OF, *truth.FLAGS, *truth._OTHERS}
    for name in set(EVERYTHING) - known:
        assert name.endswith(("_in_last", "_contains", "_contacts_with_open_data")), name
    assert truth.fits("email_contains", "X", record, NOW)


# -- named edge cases -----------------------------------------------------------------------------------------


@in_a_world
async def test_the_borders_of_a_window_to_the_second(made: World) -> None:
    await made.audience()
    for place, seconds in enumerate((30 * 86_400 + 1, 30 * 86_400, 30 * 86_400 - 1, 0), 1):
        await made.do(activity("visit", email=f"p{place}@example.com", timestamp=NOW // 1000 - seconds))
    assert await made.check([("active_in_last", "30")]) == [2, 3, 4]
    assert await made.check([("inactive_in_last", "30")]) == [1]
    assert await made.check([("active_in_last", "0")]) == [4]
    made.now += 1
    assert await made.check([("active_in_last", "30")]) == [3, 4]
    assert await made.check([("active_in_last", "0")]) == []


@pytest.mark.parametrize("moment", ["2028-02-29T00:00:00Z", "2028-03-01T00:00:00+14:00", "2027-12-31T23:59:60Z"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/St_Johns"])
def test_midnight_leap_days_and_other_zones(moment: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time
    from datetime import datetime

    monkeypatch.setenv("TZ", zone)
    time.tzset()

    async def run() -> None:
        async with world() as made:
            made.now = int(datetime.fromisoformat(moment.replace(":60Z", ":59Z")).timestamp() * 1000)
            await made.audience()
            await made.do(upsert(email="a@example.com"), upsert(email="b@example.com"))
            for moved in (0, DAY, 1):
                made.now += moved
                for days in ("0", "1", "365", "366"):
                    await made.check([("created_in_last", days)])
                    await made.check([("not_created_in_last", days)])

    try:
        asyncio.run(run())
    finally:
        monkeypatch.undo()
        time.tzset()


@in_a_world
async def test_equal_sort_keys_across_the_borders_of_pages(made: World) -> None:
    await made.audience()
    await made.do(*(upsert(email=f"p{each}@example.com", name="Same") for each in range(7)))
    for sort in SORTS:
        seen: list[int] = []
        for skip in range(0, 8, 2):
            seen += await made.check([], sort, skip, 2)
        assert sorted(seen) == list(range(1, 8))


@in_a_world
async def test_texts_of_every_kind(made: World) -> None:
    await made.audience()
    names = [
        "Zoë 👩‍👧",
        "Zoe\u0308 😀",
        "ISPARTA ılıca",
        "Straße",
        "STRASSE",
        "100% _under_",
        "İpek",
        "ﬁn",
        "a\u0301",
        "á",
    ]
    await made.do(*(upsert(email=f"p{at}@example.com", name=name) for at, name in enumerate(names)))
    for needle in [
        "zoë",
        "ZOE\u0308",
        "👧",
        "😀",
        "\u0308",
        "ı",
        "I",
        "i",
        "ß",
        "ss",
        "%",
        "_",
        "100%",
        "fin",
        "á",
        "a",
        "*",
    ]:
        for sort in ("name", "-name"):
            await made.check([("name_contains", needle)], sort)
            if needle.strip("%_*"):
                await made.check([("search", needle)], sort)
    assert await made.check([("name_contains", "%")]) == [6]


@in_a_world
async def test_unset_keys_stand_last_in_both_directions(made: World) -> None:
    await made.audience()
    await made.do(upsert(customer_id="1"), upsert(email="b@example.com"), activity("visit", customer_id="1"))
    for sort in SORTS:
        await made.check([], sort)
    assert await made.check([], "email") == await made.check([], "-email") == [2, 1]


@in_a_world
async def test_a_customer_deleted_between_two_pages(made: World) -> None:
    await made.audience()
    await made.do(*(upsert(email=f"p{each}@example.com") for each in range(6)))
    assert await made.check([], "email", 0, 3) == [1, 2, 3]
    await made.do(DeleteCustomer(Who(email_key="p1@example.com")))
    assert await made.check([], "email", 2, 3) == [4, 5, 6]
    await made.do(upsert(email="p1@example.com"))
    assert await made.check([("email", "P1@example.com")]) == [7]


@in_a_world
async def test_large_numbers_of_objects(made: World) -> None:
    await made.audience()
    for number in (2**31 - 1, 2**31, 2**32 + 1, 2**53 - 1):
        await made.do(activity("tag_added", email=f"p{number}@example.com", tag_id=number))
    await made.audience()
    for number in (2**31 - 1, 2**31, 2**32 + 1, 2**53 - 1):
        assert len(await made.check([("has_tag_id", str(number))])) == 1


# -- snapshots ------------------------------------------------------------------------------------------------


async def _saved_world(made: World) -> None:
    audience = await made.audience(shelf=True)
    await made.do(*(upsert(email=f"p{each}@example.com", name=f"Anna {each}") for each in range(20)))
    await made.do(activity("tag_added", email="p3@example.com", tag_id="t"))
    await made.check([("search", "anna")], "name")
    await made.save(audience)


@in_a_world
async def test_a_restart_goes_on_from_the_snapshot(made: World) -> None:
    await _saved_world(made)
    await made.do(upsert(email="p3@example.com", name="Berta"), DeleteCustomer(Who(email_key="p4@example.com")))
    again = await made.audience(shelf=True)
    await made.check([("search", "anna")], "-name")
    await made.check([("has_tag_id", "t")])
    assert (again.restored, again.rebuilds) == (1, 0)


@in_a_world
async def test_a_snapshot_outlives_pruning_and_a_gap_is_rebuilt(made: World) -> None:
    await _saved_world(made)
    await made.do(upsert(email="new@example.com"))
    saved = made.shelf.head(1)
    assert saved is not None
    assert await prune_changes(made.store.engine, 1, before=made.now + 1, until=saved.number) > 0
    again = await made.audience(shelf=True)
    assert len(await made.check([])) == 21
    assert again.restored == 1
    await made.do(upsert(email="newer@example.com"), upsert(email="newest@example.com"))
    await prune_changes(made.store.engine, 1, before=made.now + 1)
    late = await made.audience(shelf=True)
    await made.check([])
    assert (late.restored, again.rebuilds) == (0, 1)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _half_written(content: bytes) -> bytes:
    return bytes(_HEADER.size) + content[_HEADER.size :]


def _of_another_format(content: bytes) -> bytes:
    return content[:20] + b"\x63" + content[21:]


def _without_table(content: bytes) -> bytes:
    return content[:-20] + bytes(20)


def _damaged_everywhere(content: bytes) -> bytes:
    _, _, offset, _, _ = _HEADER.unpack(content[: _HEADER.size])
    body = bytes(each ^ 0x55 for each in content[_HEADER.size : offset])
    return content[: _HEADER.size] + body + content[offset:]


def _no_snapshot(_: bytes) -> bytes:
    return b"something else"


@pytest.mark.parametrize(
    "spoil", [_cut, _half_written, _of_another_format, _without_table, _damaged_everywhere, _no_snapshot]
)
def test_a_snapshot_that_cannot_be_used_is_ignored(spoil: Any) -> None:
    async def run() -> None:
        async with world() as made:
            await _saved_world(made)
            path = made.shelf.path(1)
            path.write_bytes(spoil(path.read_bytes()))
            again = await made.audience(shelf=True)
            await made.check([("search", "anna")], "name")
            assert again.restored == 0
            assert not path.exists()

    asyncio.run(run())


@pytest.mark.parametrize(
    "part", ["ties/bodies", "texts/name/0/content", "texts/name/0/words/owners", "orders/name/labels"]
)
def test_damage_that_shows_later_is_noticed_before_it_is_told(part: str) -> None:
    async def run() -> None:
        async with world(Tuning(1, 1, 2)) as made:
            await _saved_world(made)
            path = made.shelf.path(1)
            content = bytearray(path.read_bytes())
            _, _, offset, length, _ = _HEADER.unpack(content[: _HEADER.size])
            from regulars.audience.archive import Reader

            section = Reader(path)._sections[part]
            assert offset + length == len(content)
            content[section.offset] ^= 0xFF
            path.unlink()
            path.write_bytes(content)
            again = await made.audience(shelf=True)
            await made.check([("has_tag_id", "t")])
            await made.check([("name_contains", "anna 1")])
            await made.check([("search", "anna")], "name")
            assert (again.restored, again.rebuilds) == (1, 1)

    asyncio.run(run())


@in_a_world
async def test_an_older_file_is_restored_under_a_running_server(made: World) -> None:
    """The store goes back in time and takes another way from there; snapshots of the first way are foreign."""
    await _saved_world(made)
    copy = made.folder / "copy.db"
    await made.store.engine.backup(str(copy))
    await made.do(*(upsert(email=f"lost{each}@example.com") for each in range(3)))
    await made.check([])
    await made.save(made.audiences[0])
    for store in made._stores:
        await store.close()
    made._stores.clear()
    for suffix in ("", "-wal", "-shm"):
        made.path.with_name(made.path.name + suffix).unlink(missing_ok=True)
    copy.rename(made.path)
    made.store = await made.open_store()
    await made.do(*(upsert(email=f"other{each}@example.com") for each in range(5)))
    running = made.audiences[0]
    running._source = running._loader._source = made.store.changes
    again = await made.audience(shelf=True)
    assert len(await made.check([])) == 25
    assert (again.restored, running.rebuilds) == (0, 1)


@in_a_world
async def test_a_snapshot_is_captured_while_everything_changes(made: World) -> None:
    writer = await made.audience(shelf=True)
    await made.do(*(upsert(email=f"p{each}@example.com", name=f"Anna {each}") for each in range(40)))
    await made.ask(writer, [], "name")

    async def write() -> None:
        for each in range(60):
            await made.do(upsert(email=f"q{each}@example.com", name=f"Zoe {each}", phone_number=f"+4930{each:06}"))
            await made.do(activity("tag_added", email=f"p{each % 40}@example.com", tag_id=str(each % 5 + 1)))
            if each % 7 == 0:
                await made.do(DeleteCustomer(Who(email_key=f"p{each}@example.com")))
                await made.do(DeleteObject("tag", str(each % 5 + 1)))
            await made.ask(writer, [("has_tag_id", "1")], "name")

    async def save() -> None:
        for _ in range(5):
            await writer.upkeep.save(1, writer._sites[1], made.shelf)
            again = await made.audience(shelf=True)
            await made.ask(again, [("search", "anna")], "name")
            assert (again.restored, again.rebuilds) == (1, 0)

    await asyncio.gather(write(), save())
    for asked in ([("has_tag_id", "1,2")], [("search", "anna zoe")], [("name_contains", "zoe 1")], []):
        for sort in SORTS:
            await made.check(asked, sort)
    first, *others = [audience._sites[1].index for audience in made.audiences]
    assert all(differences(first, other) == [] for other in others)


@in_a_world
async def test_only_one_process_writes_a_snapshot(made: World) -> None:
    with made.shelf.writing(1) as first, Shelf(made.folder / "shelf").writing(1) as second:
        assert first is not None
        assert second is None
    with pytest.raises(OSError, match="full"), made.shelf.writing(1):
        raise OSError("full")
    assert made.shelf.read(1) is None
    assert not list((made.folder / "shelf").glob("*.partial"))
