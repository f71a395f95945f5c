"""A store moved to another database: every row, restartable, and never onto something else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyroaring import BitMap

from regulars.audience.structures.membership import parts_of
from regulars.domain.audience_watches import AudiencePoint, Movement, Watch
from regulars.domain.commands import (
    ActivateDripCampaign,
    AddNote,
    DefinitionChange,
    DeleteCustomer,
    DeleteObject,
    EraseCustomer,
    MergeCustomers,
    RecordMovements,
    RequestConsent,
    SaveAudience,
    SaveObject,
)
from regulars.domain.duplicates import Pair
from regulars.domain.identity import Who
from regulars.domain.origin import Actor, Channel, ImportRun, Origin
from regulars.domain.profile import parse_profile
from regulars.store import control
from regulars.store import tokens as oauth
from regulars.store.audience_watches import save_points
from regulars.store.comparing import differences
from regulars.store.copying import OccupiedError, copy
from regulars.store.duplicates import dismiss, save_pairs
from regulars.store.engine import Engine
from regulars.store.imports import begin_import
from regulars.store.migrations import IncompatibleError, migrate, status
from regulars.store.schema import SITE_TABLES
from regulars.store.sign_in_failures import count_failure, subject
from regulars.store.store import Store, engine_for
from regulars.store.user_sessions import start_session
from regulars.store.users import create_link, create_user, set_password

from ..databases import ENGINES, drop_database, new_database, query, url_of
from .chain import assert_replay_gives_the_tables
from .running import NOW, Running, activity, audience, campaign, running, upsert

WAYS = [(one, other) for one in ENGINES for other in ENGINES]


async def fill_users(at: Running) -> None:
    """A user who is signed in, one who is invited, and a failed sign-in."""
    engine = at.store.engine
    anna = await create_user(engine, 1, name="Anna", address="anna@example.com", role="admin", now=NOW)
    await set_password(engine, anna.id, "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")
    async with engine.transaction() as transaction:
        await start_session(transaction, anna.id, agent="Firefox", now=NOW)
    ben = await create_user(engine, 1, name="Ben", address="ben@example.com", role="read", now=NOW)
    await create_link(engine, ben.id, now=NOW)
    await count_failure(engine, [subject("address", "anna@example.com")], now=NOW)


async def fill(at: Running, customers: int = 40) -> None:
    """Something in every table, in two sites of three."""
    await fill_users(at)
    for site in (1, 3):
        await at.store.ledger.submit_all(
            site,
            [
                upsert(
                    email=f"Ü{n}@example.com",
                    customer_id=f"c{n}",
                    groups=["g"],
                    data={"n": n},
                    unsubscribed=bool(n % 2),
                )
                for n in range(customers)
            ],
        )
        await at.record("newsletter_subscribed", site, email="ü0@example.com", newsletter_id="news", wording="Yes")
        await at.store.ledger.submit(site, RequestConsent(7, Who(customer_id="c1"), None, "Yes, write to me", 600))
        for event in ("email_opened", "purchase", "tag_added"):
            await at.record(
                event,
                site,
                email="ü1@example.com",
                event_uuid=event,
                order_id="o",
                tag_id="t",
                broadcast_id="b",
                revenue=1,
                currency="EUR",
            )
        origin = Origin(Actor(Channel.CLASSIC, 1), "customers.upsert", "r-1")
        await at.store.ledger.submit(site, upsert(customer_id="c0", email="moved@example.com"), origin)
        await at.store.ledger.submit(site, EraseCustomer(Who(email="gone@a.example", email_key="gone@a.example")))
        await at.store.ledger.submit(site, upsert(customer_id="c0", cookie="known"))
        await at.store.ledger.submit(site, AddNote(Who(number=1), "a note"))
        await at.record("visit", site, cookie="unknown", device_id="phone", event_uuid="waiting")
        await at.store.ledger.submit(site, campaign("drip", 60, 3600))
        await at.store.ledger.submit(site, audience("vips", '{"has":"tag","any_of":["vip"]}'))
        await at.store.ledger.submit(site, audience("both", '{"in":{"audience":"vips"}}', "vips"))
        watched = SaveAudience(SaveObject(kind="audience", reference="vips"), DefinitionChange(watched=True))
        number = (await at.store.ledger.submit(site, watched)).object.number  # type: ignore[union-attr]
        members = tuple(parts_of(BitMap([1]), BitMap([1])))
        watch, movement = Watch(number, 0, 1, 1, NOW, 1, 0, 0), Movement(1, True, "change")
        await at.store.ledger.submit(site, RecordMovements(number, None, 1, watch, (movement,), members))
        await save_points(at.store.engine, site, [AudiencePoint(number, NOW, 1, 1, 1, 1, 0)])
        await at.store.ledger.submit(site, ActivateDripCampaign("drip", parse_profile({"email": "ü2@example.com"})))
        begun = await begin_import(at.store.engine, site, kind="customers", file="a.csv", origin="a test", now=NOW)
        changed = upsert(customer_id="c1", firstname="Anna", groups=["h"])
        await at.store.ledger.submit_all(
            site, [changed], Origin(Actor(Channel.IMPORT, begun.number), import_run=ImportRun(site, begun.number))
        )
        merging = MergeCustomers(Who(customer_id="c1"), (Who(customer_id="c3"),))
        await at.store.ledger.submit(site, merging)
        await save_pairs(at.store.engine, site, [Pair(1, 2, ("phone",))], now=NOW)
        await dismiss(at.store.engine, site, 1, 4, now=NOW)
        await at.record("form_submitted", site, email="ü1@example.com", form_id="gone")
        await at.store.ledger.submit(site, DeleteObject("form", "gone"))
        await at.store.ledger.submit(site, DeleteCustomer(Who(email_key="ü2@example.com")))
    async with at.store.snapshot() as connection:
        (first, *_) = await control.list_sites(connection)
    key, _ = await control.create_key(at.store.engine, first, now=NOW)
    await oauth.grant_tokens(at.store.engine, key, now=NOW)


@contextmanager
def another(folder: Path, engine: str) -> Iterator[Path]:
    path = new_database(folder, engine, "other")
    yield path
    drop_database(path)


async def compared(one: Engine, other: Engine) -> list[str]:
    async with one.snapshot() as left, other.snapshot() as right:
        return await differences(left, right)


@pytest.mark.parametrize(("source", "target"), WAYS)
async def test_a_copy_is_equal_and_goes_on(source: str, target: str, tmp_path: Path) -> None:
    async with running(tmp_path, engine=source, sites=3) as at:
        await fill(at)
        with another(tmp_path, target) as path:
            engine = engine_for(url_of(path))
            await engine.open()
            told: list[int] = []
            rows = await copy(at.store.engine, engine, told.append)
            assert sum(told) < rows
            assert await compared(at.store.engine, engine) == []
            for table in SITE_TABLES:
                if table.name != "offer_products":
                    assert query(path, f"SELECT count(*) FROM {table.name}") != [(0,)], table.name
            await engine.close()
            # What it numbers goes on where the source stood.
            store = await Store.open(url_of(path))
            assert (await store.ledger.submit(1, upsert(email="ü3@example.com"))).verdict == "unchanged"
            created = await store.ledger.submit(1, upsert(email="new@example.com"))
            assert created.person is not None
            assert created.person.customer.number == 41
            assert (await control.create_site(store.engine, 1, "fourth", now=NOW)).id == 4
            assert_replay_gives_the_tables(path)
            assert await compared(at.store.engine, store.engine) != []
            with pytest.raises(OccupiedError):
                await copy(at.store.engine, store.engine)
            await store.close()


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("target", ENGINES)
async def test_a_copy_that_was_stopped_goes_on_where_it_was(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.store.comparing._ROWS_AT_A_TIME", 7)
    async with running(tmp_path, sites=3) as at:
        await fill(at)
        with another(tmp_path, target) as path:
            engine = engine_for(url_of(path))
            await engine.open()
            whole = 0
            for slices in (1, 3, 8, 20):
                seen = 0

                def stop(rows: int, most: int = slices) -> None:
                    nonlocal seen, whole
                    seen += 1
                    whole += rows
                    if seen == most:
                        raise StoppedError

                with pytest.raises(StoppedError):
                    await copy(at.store.engine, engine, stop)
                for use in (migrate, status):
                    with pytest.raises(IncompatibleError, match="unfinished copy"):
                        await use(engine)
            rows = await copy(at.store.engine, engine)
            assert await compared(at.store.engine, engine) == []
            assert rows > 0
            total = sum(query(path, f"SELECT count(*) FROM {table.name}")[0][0] for table in SITE_TABLES)
            assert whole < total, "it began anew"
            await engine.close()


async def test_a_copy_is_not_continued_once_the_source_was_written_to(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")

        def stop(rows: int) -> None:
            raise StoppedError

        engine = engine_for(f"sqlite:///{tmp_path / 'other.db'}")
        await engine.open()
        with pytest.raises(StoppedError):
            await copy(at.store.engine, engine, stop)
        await at.record("visit", email="a@example.com")
        with pytest.raises(OccupiedError, match="before it changed"):
            await copy(at.store.engine, engine)
        await engine.close()


async def test_a_copy_fills_tables_that_are_empty_and_no_others(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.upsert(email="a@example.com")
        engine = engine_for(f"sqlite:///{tmp_path / 'other.db'}")
        await engine.open()
        await migrate(engine)
        await copy(at.store.engine, engine)
        assert await compared(at.store.engine, engine) == []
        await engine.close()
        used = engine_for(f"sqlite:///{tmp_path / 'used.db'}")
        await used.open()
        await migrate(used)
        await control.create_account(used, "theirs", now=NOW)
        before = query(tmp_path / "used.db", "SELECT * FROM settings")
        with pytest.raises(OccupiedError, match="the target is in use"):
            await copy(at.store.engine, used)
        assert query(tmp_path / "used.db", "SELECT * FROM settings") == before
        await used.close()


async def test_differences_are_counted_by_table_and_site(tmp_path: Path) -> None:
    async with running(tmp_path, sites=3) as at:
        await fill(at)
        engine = engine_for(f"sqlite:///{tmp_path / 'other.db'}")
        await engine.open()
        await copy(at.store.engine, engine)
        other = Store(engine)
        await other.ledger.submit_all(
            3, [activity("visit", email="ü1@example.com"), DeleteCustomer(Who(email_key="ü9@example.com"))]
        )
        found = await compared(at.store.engine, engine)
        assert "site 3, customers: 2 rows differ" in found
        assert "site 3, site_heads: one row differs" in found
        assert not any("site 1" in each for each in found)
        await engine.close()
