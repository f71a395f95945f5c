"""Snapshots of an index: what they hold, what they outlive, and that a spoilt one is never believed."""

import asyncio
from typing import Any

import pytest

from regulars.audience.difference import differences
from regulars.audience.index import Tuning
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.audience.structures.archive import _HEADER, Reader
from regulars.domain.commands import DeleteCustomer, DeleteObject
from regulars.domain.identity import Who
from regulars.store.pruning import prune_changes

from .audience_world import SORTS, World, in_a_world, world
from .databases import ENGINES
from .store.running import activity, upsert
from .test_questions_end_to_end import check


async def _saved_world(made: World) -> None:
    audience = await made.audience(directory=True)
    await made.do(*(upsert(email=f"p{each}@example.com", name=f"Anna {each}") for each in range(20)))
    await made.do(activity("tag_added", email="p3@example.com", tag_id="t"))
    await made.check([("search", "anna")], "name")
    await made.save(audience)


@in_a_world()
async def test_a_restart_goes_on_from_the_snapshot(made: World) -> None:
    await _saved_world(made)
    await made.do(upsert(email="p3@example.com", name="Berta"), DeleteCustomer(Who(email_key="p4@example.com")))
    again = await made.audience(directory=True)
    await made.check([("search", "anna")], "-name")
    await made.check([("has_tag_id", "t")])
    assert (again.restored, again.rebuilds) == (1, 0)


@in_a_world()
async def test_a_snapshot_outlives_pruning_and_a_gap_is_rebuilt(made: World) -> None:
    await _saved_world(made)
    await made.do(upsert(email="new@example.com"))
    saved = made.directory.head(made.site)
    assert saved is not None
    assert await prune_changes(made.store.engine, made.site, before=made.now + 1, until=saved.number) > 0
    again = await made.audience(directory=True)
    assert len(await made.check([])) == 21
    assert again.restored == 1
    await made.do(upsert(email="newer@example.com"), upsert(email="newest@example.com"))
    await prune_changes(made.store.engine, made.site, before=made.now + 1)
    late = await made.audience(directory=True)
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
async def test_a_snapshot_that_cannot_be_used_is_ignored(spoil: Any) -> None:
    async with world() as made:
        await _saved_world(made)
        path = made.directory.path(made.site)
        path.write_bytes(spoil(path.read_bytes()))
        again = await made.audience(directory=True)
        await made.check([("search", "anna")], "name")
        assert again.restored == 0
        assert not path.exists()


@pytest.mark.parametrize(
    "part", ["ties/bodies", "texts/name/0/content", "texts/name/0/words/owners", "orders/name/labels"]
)
@pytest.mark.parametrize("engine", ENGINES)
async def test_damage_that_shows_later_is_noticed_before_it_is_told(part: str, engine: str) -> None:
    async with world(Tuning(1, 1, 2), engine) as made:
        await _saved_world(made)
        _damage(made, part)
        again = await made.audience(directory=True)
        await made.check([("has_tag_id", "t")])
        await made.check([("name_contains", "anna 1")])
        await made.check([("search", "anna")], "name")
        assert (again.restored, again.rebuilds) == (1, 1)


@pytest.mark.parametrize("engine", ENGINES)
async def test_damage_that_shows_in_what_every_question_asks_about_is_mended(engine: str) -> None:
    async with world(Tuning(1, 1, 2), engine) as made:
        audience = await made.audience(directory=True)
        await made.do(*(upsert(email=f"p{each}@example.com") for each in range(20)))
        await made.do(activity("hidden", email="p3@example.com"))
        await made.save(audience)
        _damage(made, "ties/bodies")
        again = await made.audience(directory=True)
        assert len(await made.check([])) == 19
        assert (again.restored, again.rebuilds) == (1, 1)


def _damage(made: World, part: str) -> None:
    """Change each byte of a part of the site's snapshot."""
    path = made.directory.path(made.site)
    content = bytearray(path.read_bytes())
    section = Reader(path).sections[part]
    for place in range(section.offset, section.offset + section.length):
        content[place] ^= 0xFF
    path.unlink()
    path.write_bytes(content)


@in_a_world(["sqlite"])
async def test_an_older_file_is_restored_under_a_running_server(made: World) -> None:
    """The store goes back in time and takes another way from there; snapshots of the first way are foreign."""
    await _saved_world(made)
    copy = made.folder / "copy.db"
    await made.store.engine.backup(str(copy))
    await made.do(*(upsert(email=f"lost{each}@example.com") for each in range(3)))
    await made.check([])
    await made.save(made.audiences[0])
    await made.close_stores()
    for suffix in ("", "-wal", "-shm"):
        made.path.with_name(made.path.name + suffix).unlink(missing_ok=True)
    copy.rename(made.path)
    made.store = await made.open_store()
    await made.do(*(upsert(email=f"other{each}@example.com") for each in range(5)))
    running = made.audiences[0]
    made.sources[0].source = made.store.changes
    again = await made.audience(directory=True)
    assert len(await made.check([])) == 25
    assert (again.restored, running.rebuilds) == (0, 1)


@in_a_world()
async def test_a_snapshot_is_captured_while_everything_changes(made: World) -> None:
    writer = await made.audience(directory=True)
    await made.do(*(upsert(email=f"p{each}@example.com", name=f"Anna {each}") for each in range(40)))
    await made.ask(writer, [], "name")

    async def write() -> None:
        for each in range(60):
            await made.do(upsert(email=f"q{each}@example.com", name=f"Zoe {each}", phone_number=f"+4930{each:06}"))
            await made.do(activity("tag_added", email=f"p{each % 40}@example.com", tag_id=str(each % 5 + 1)))
            if each % 7 == 0:
                await made.do(DeleteCustomer(Who(email_key=f"p{each}@example.com")))
                await made.do(DeleteObject("tag", each % 5 + 1))
            await made.ask(writer, [("has_tag_id", "1")], "name")

    async def save() -> None:
        for _ in range(5):
            await writer.maintenance.save(made.site, writer.loaded[made.site], made.directory)
            again = await made.audience(directory=True)
            await made.ask(again, [("search", "anna")], "name")
            assert (again.restored, again.rebuilds) == (1, 0)

    await asyncio.gather(write(), save())
    for asked in ([("has_tag_id", "1,2")], [("search", "anna zoe")], [("name_contains", "zoe 1")], []):
        for sort in SORTS:
            await made.check(asked, sort)
    first, *others = [audience.loaded[made.site].index for audience in made.audiences]
    assert all(differences(first, other) == [] for other in others)


@in_a_world()
async def test_attribute_columns_are_in_snapshots_and_follow(made: World) -> None:
    writer = await made.audience(directory=True)
    plans: list[Any] = ["pro", "Pro", 7, "7", 2.5, True, None, ["pro", 7], {"a": 1}, "é"]
    await made.do(*(upsert(email=f"p{each}@example.com", plan=plan) for each, plan in enumerate(plans)))
    question = {"attribute": "plan", "eq": "pro"}
    assert await check(made, question) == [1, 2]
    await writer.maintenance.save(made.site, writer.loaded[made.site], made.directory)
    await made.do(upsert(email="p1@example.com", plan="trial"), upsert(email="new@example.com", plan="pro"))
    again = await made.audience(directory=True)
    await made.ask(again, [])
    index = again.loaded[made.site].index
    assert (again.restored, [*index.attributes]) == (1, [("plan",)])
    assert await check(made, question) == [1, 11]
    assert differences(index, writer.loaded[made.site].index) == []
    index.attributes.column(("plan",)).set(0, None)
    assert differences(index, writer.loaded[made.site].index) != []


@in_a_world(["sqlite"])
async def test_only_one_process_writes_a_snapshot(made: World) -> None:
    with (
        made.directory.writing(made.site) as first,
        SnapshotDirectory(made.folder / "directory").writing(made.site) as second,
    ):
        assert first is not None
        assert second is None
    with pytest.raises(OSError, match="full"), made.directory.writing(made.site):
        raise OSError("full")
    assert made.directory.read(made.site) is None
    assert not list((made.folder / "directory").glob("*.partial"))
