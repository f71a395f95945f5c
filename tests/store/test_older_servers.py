"""Servers of before step 24 take the ties of before a deletion for those of the object that is created again.

So the database refuses what they would write meanwhile. Nothing that they acknowledge is removed with the former ties.
"""

from pathlib import Path

import apsw
import pytest

from regulars.domain.commands import DeleteObject, SaveObject
from regulars.domain.relations import KIND_CODES, RELATIONS
from regulars.store.engine import RejectedError
from regulars.store.migrations import migrate
from regulars.store.store import Store, engine_for

from ..databases import EMPTY, drop_database, new_database, query, url_of
from .running import Running, upsert, with_store
from .schema_fixtures import restore
from .test_deleted_ties import remove_all, sound, tag

_TAG = KIND_CODES["tag"]
_TAKE_HEAD = (
    "UPDATE site_heads SET head = head + 1, previous = token, token = 77, moment = moment + 1 WHERE site_id = 1"
)
_GIVE_BACK_HEAD = "UPDATE site_heads SET head = head - 1, token = previous WHERE site_id = 1"
_FIELDS = "key, name, name_key, description, created_at, updated_at, deleted_at"
_SAVE_OBJECT = (
    f"INSERT INTO objects (site_id, kind, number, {_FIELDS}) "
    "VALUES (1, {0}, {1}, NULL, NULL, NULL, NULL, 1, 1, NULL) "
    "ON CONFLICT (site_id, kind, number) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _FIELDS.split(", ") if name != "key")
)
_SAVE_TIE = (
    "INSERT INTO relations (site_id, customer, relation, object, holds, at) VALUES (1, {0}, 16, {1}, 1, 9) "
    "ON CONFLICT (site_id, customer, relation, object) DO UPDATE SET holds = excluded.holds, at = excluded.at"
)


async def older_server(at: Running, *statements: str) -> bool:
    """Run the statements of an older server as one transaction; False if the database refuses them."""
    try:
        async with at.store.engine.transaction() as connection:
            for statement in (_TAKE_HEAD, *statements):
                await connection.script(statement)
            connection.discard()
    except (apsw.ConstraintError, RejectedError):
        return False
    return True


async def tagged(at: Running) -> None:
    """Customers 1 to 3 have tags 1 and 2."""
    commands = [*tag(1, 2, 3), *tag(1, 2, 3, to=2)]
    await at.store.ledger.submit_all(1, [*(upsert(email=f"p{each}@example.com") for each in range(1, 4)), *commands])


@with_store()
async def test_it_cannot_create_an_object_again_while_its_former_ties_are_stored(at: Running) -> None:
    await tagged(at)
    again = (_SAVE_OBJECT.format(_TAG, 1), _SAVE_TIE.format(2, 1))
    assert await older_server(at, *again)
    await at.store.ledger.submit(1, DeleteObject("tag", 1))
    assert not await older_server(at, *again)
    assert await older_server(at, _SAVE_OBJECT.format(_TAG, 2), _SAVE_TIE.format(2, 2))
    assert await older_server(at, _SAVE_OBJECT.format(_TAG, 3), _SAVE_TIE.format(2, 3))
    assert await remove_all(at.store) == 3
    assert await older_server(at, *again)


@with_store()
async def test_it_cannot_write_while_an_object_created_again_has_former_ties(at: Running) -> None:
    await tagged(at)
    delete, create = [DeleteObject("tag", 1)], tag(3)
    for commits in ((delete, create), ([*delete, *create],)):
        for commands in commits:
            assert await older_server(at), "a deletion alone refuses nobody"
            await at.store.ledger.submit_all(1, commands)
        assert not await older_server(at), "even what it would not write: it takes the former ties for held"
        assert not await older_server(at, _GIVE_BACK_HEAD)
        assert (await at.upsert(email="p1@example.com", name=str(commits))).verdict == "updated"
        assert (await at.upsert(email="p1@example.com", name=str(commits))).verdict == "unchanged"
        await sound(at)
        await remove_all(at.store)
        assert await older_server(at)
        await sound(at)


@with_store()
async def test_the_deleted_objects_of_every_kind_are_closed_to_it(at: Running) -> None:
    for kind in sorted({relation.kind for relation in RELATIONS if relation.kind is not None}):
        await at.store.ledger.submit(1, SaveObject(kind=kind, key="k", name="K"))
        ((number,),) = at.rows("SELECT number FROM objects WHERE kind = ?", KIND_CODES[kind])
        await at.store.ledger.submit(1, DeleteObject(kind, "k"))
        again = _SAVE_OBJECT.format(KIND_CODES[kind], number)
        assert not await older_server(at, again), kind
        await remove_all(at.store)
        assert await older_server(at, again), kind


@pytest.mark.parametrize("engine", EMPTY)
async def test_sites_with_deleted_ties_are_closed_to_it_by_the_migration(tmp_path: Path, engine: str) -> None:
    path = new_database(tmp_path, engine)
    try:
        restore(path, 23, engine)
        sites = query(path, "SELECT DISTINCT site_id FROM deleted_ties ORDER BY site_id")
        assert sites
        opened = engine_for(url_of(path))
        await opened.open()
        await migrate(opened)
        await opened.close()
        assert query(path, "SELECT site_id FROM site_heads WHERE fence > 0 ORDER BY site_id") == sites
        store = await Store.open(url_of(path))
        try:
            for (site,) in sites:
                await remove_all(store, site)
            assert query(path, "SELECT site_id FROM site_heads WHERE fence > 0 ORDER BY site_id") == []
        finally:
            await store.close()
    finally:
        drop_database(path)
