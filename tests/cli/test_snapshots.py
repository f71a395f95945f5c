"""`regulars check` and `reindex` where there are snapshots: they are compared too, and deleted."""

from collections.abc import Callable

import pytest

from regulars.audience import Audience
from regulars.audience.filters.predicates import EVERYBODY
from regulars.audience.index import SiteIndex
from regulars.audience.snapshot_directory import SnapshotDirectory
from regulars.audience.structures.archive import _HEADER, FORMAT, Reader
from regulars.audience.structures.attributes import AttributeColumn
from regulars.domain.relations import BY_NAME
from regulars.store.pruning import prune_changes
from regulars.store.store import Store

from .. import coroutines
from .conftest import Once, Run, tamper, write_lines

URL = "sqlite:///regulars.db"
FAR_AWAY = 2**62
pytestmark = pytest.mark.usefixtures("filled")


def directory() -> SnapshotDirectory:
    """Where the servers of the database in the current folder keep their snapshots."""
    from regulars.cli.session import snapshot_folder

    folder = snapshot_folder(URL)
    assert folder is not None
    return SnapshotDirectory(folder)


@pytest.fixture
def filled(run: Run, database: dict[str, object], once: Once) -> None:
    once("filled of snapshots", lambda: fill(run))


def fill(run: Run) -> None:
    add(run, *(f"p{n}" for n in range(5)))
    save()


def add(run: Run, *names: str) -> None:
    people = [{"email": f"{name}@example.com", "name": name, "groups": ["g"]} for name in names]
    assert run("import", "customers", write_lines("p.ndjson", people)).code == 0


def save(change: Callable[[SiteIndex], object] = id) -> None:
    """Write the snapshot of site 1 as a server does, after a change of its index that the store does not know of."""

    async def work() -> None:
        store = await Store.open(URL)
        audience = Audience(store.changes, directory=directory(), large=0)
        async with audience.ask(1, EVERYBODY):
            pass
        loaded = audience.loaded[1]
        change(loaded.index)
        await audience.maintenance.save(1, loaded, directory())
        await audience.close()
        await store.close()

    coroutines.run(work())


def prune() -> None:
    """Delete the changes that the snapshot does not need, as a server does."""

    async def work() -> None:
        store = await Store.open(URL)
        saved = directory().head(1)
        assert saved is not None
        assert await prune_changes(store.engine, 1, before=FAR_AWAY, until=saved.number) > 0
        await store.close()

    coroutines.run(work())


def spoil(section: str) -> None:
    """Damage a section of the snapshot."""
    path = directory().path(1)
    content = bytearray(path.read_bytes())
    content[Reader(path).sections[section].offset] ^= 0xFF
    path.unlink()
    path.write_bytes(content)


def test_a_snapshot_that_is_right_passes(run: Run) -> None:
    add(run, "later")
    assert run("check").out == "site 1 (main): 6 customers, 2 changes: index = store\n"
    assert directory().path(1).exists()


def test_the_changes_since_a_snapshot_are_enough(run: Run) -> None:
    """With the first changes pruned, what is compared is the snapshot, brought up to date by the changes after it."""
    add(run, "later")
    save()
    add(run, "latest", "p1")
    prune()
    assert run("check").out == "site 1 (main): 7 customers, 3 changes: index = store\n"


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE customers SET net_revenue = 5 WHERE number = 3",
            "customer 3: net_revenue is 5 in the first, 0",
        ),
        (
            "UPDATE customers SET name = 'Other' WHERE number = 2",
            "customer 2: name is 'other' in the first, 'p1' in the",
        ),
        ("DELETE FROM customers WHERE number = 4", "customer 4: only in the second"),
        ("DELETE FROM relations WHERE customer = 1", "customer 1: group.member to 1000000000001 only in the second"),
    ],
)
def test_a_snapshot_that_is_not_what_the_store_holds(run: Run, statement: str, problem: str, pruned: bool) -> None:
    add(run, "later")
    save()
    add(run, "latest")
    if pruned:
        prune()
    tamper(statement)
    found = run("check", "--json")
    assert found.code == 1
    assert found.err.startswith("regulars: the check found problems")
    (site,) = found.json["sites"]
    told = [each for each in site["problems"] if "the snapshot of change 2" in each]
    assert any(each.startswith(problem) for each in told), site["problems"]
    assert problem in run("check").out


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda index: index.columns["net_revenue"].__setitem__(1, 700),
            "customer 2: net_revenue is 0 in the first, 700 in the second",
        ),
        (
            lambda index: index.ties[BY_NAME["group.member"].code, 1000000000001].discard(0),
            "customer 1: group.member to 1000000000001 only in",
        ),
        (lambda index: index.texts["name"].set(4, "nobody"), "customer 5: name is 'p4' in the first, 'nobody' in the"),
        (lambda index: index.alive.discard(2), "customer 3: only in the first"),
    ],
)
def test_a_snapshot_that_was_written_wrong(
    run: Run, change: Callable[[SiteIndex], object], problem: str, pruned: bool
) -> None:
    save(change)
    add(run, "later", "latest")
    if pruned:
        add(run, "newest")
        prune()
    found = run("check")
    assert found.code == 1
    assert problem in found.out
    assert "(first: the customers; second: the changes since the snapshot of change 1)" in found.out
    assert run("reindex").code == 0
    assert not directory().path(1).exists()
    assert run("check").code == 0


@pytest.mark.parametrize("section", ["numbers", "columns/created_at", "ties/bodies", "texts/email/pending"])
def test_a_snapshot_that_is_damaged(run: Run, section: str) -> None:
    spoil(section)
    found = run("check", "--json")
    assert found.code == 1
    ((problem,),) = [each["problems"] for each in found.json["sites"]]
    assert problem.startswith("the snapshot is damaged: ")
    assert "`regulars reindex` deletes it" in problem
    assert directory().path(1).exists()


def test_a_snapshot_that_no_server_would_use_is_passed_over(run: Run) -> None:
    path = directory().path(1)
    content = path.read_bytes()
    magic, version, *rest = _HEADER.unpack(content[: _HEADER.size])
    assert version == FORMAT
    path.unlink()
    path.write_bytes(_HEADER.pack(magic, FORMAT + 1, *rest) + content[_HEADER.size :])
    assert run("check").code == 0
    path.write_bytes(content)
    add(run, "later")
    for table in ("changes", "outbox"):  # another history than that of the snapshot
        tamper(f"UPDATE {table} SET token = 7 WHERE number = 1")
        tamper(f"UPDATE {table} SET previous = 7 WHERE number = 2")
    assert run("check").code == 0


def test_reindex_deletes_the_snapshots_of_the_sites_it_is_asked_for(run: Run) -> None:
    run("sites", "create", "shop")
    copy = directory().path(2)
    copy.write_bytes(directory().path(1).read_bytes())
    assert run("reindex", "--site", "1", "--json").json == {"reindexed": [1]}
    assert [directory().path(site).exists() for site in (1, 2)] == [False, True]
    assert run("reindex").code == 0
    assert not copy.exists()
    assert run("check").out.startswith("site 1 (main): 5 customers, 3 changes: index = store\n")


def test_an_attribute_that_a_snapshot_has_wrongly_is_found(run: Run) -> None:
    people = [{"email": "p1@example.com", "data": {"plan": "pro"}}]
    assert run("import", "customers", write_lines("p.ndjson", people)).code == 0

    def keep(plan: str) -> Callable[[SiteIndex], object]:
        column = AttributeColumn(("plan",))
        column.set(1, f'{{"plan": "{plan}"}}')
        return lambda index: index.attributes.install([column])

    save(keep("pro"))
    assert "plan" in directory().load(1).attributes.peek(("plan",)).path  # type: ignore[union-attr]
    assert run("check").code == 0
    save(keep("trial"))
    assert "customer 2: the attribute plan of the first and the second differ" in run("check").out
