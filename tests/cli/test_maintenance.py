import re
import sqlite3
from pathlib import Path

import pytest

from .conftest import Once, Run, contents, damage, tamper, write_lines


@pytest.fixture
def filled(run: Run, database: dict[str, object], once: Once) -> None:
    once("filled of maintenance", lambda: fill(run))


def fill(run: Run) -> None:
    people = [{"email": f"p{n}@example.com", "data": {"city": "Berlin"}, "groups": ["g"]} for n in range(20)]
    run("import", "customers", write_lines("p.ndjson", people))
    events = [
        {"event": name, "email": "p1@example.com", **more}
        for name, more in (
            ("tag_added", {"tag_id": "vip"}),
            ("email_opened", {"broadcast_id": 1}),
            ("purchase", {"revenue": "10"}),
            ("tag_removed", {"tag_id": "vip"}),
            ("subscribed", {}),
        )
    ]
    run("import", "activity", write_lines("a.ndjson", events))
    run("import", "customers", write_lines("q.ndjson", [{"email": "p2@example.com", "data": {"city": "Rome"}}]))


@pytest.mark.usefixtures("filled")
def test_a_sound_database_passes(run: Run) -> None:
    found = run("check", "--json")
    assert found.code == 0
    assert found.json == {
        "ok": True,
        "damage": [],
        "sites": [{"site": 1, "name": "main", "customers": 20, "changes": 3, "problems": []}],
    }
    assert run("check").out == "site 1 (main): 20 customers, 3 changes: index = store\n"


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE customers SET net_revenue = 5 WHERE number = 3", "customer 3: net_revenue is 5 in the first, 0 in"),
        ("UPDATE object_counts SET count = 7", "group: the stored count is 7, the actual count 1"),
        (
            "UPDATE object_titles SET title_key = 'x' WHERE kind = 1",
            "group 1000000000001: lists have a different title",
        ),
        ("DELETE FROM customers WHERE number = 20", "customer 20: only in the second"),
        (
            "UPDATE relations SET holds = 0 WHERE customer = 4",
            "customer 4: group.member to 1000000000001 only in the second",
        ),
        (
            "UPDATE customers SET email_key = 'o@x.org' WHERE number = 3",
            "customer 3: email_key does not match",
        ),
        ("UPDATE customers SET email_key = NULL WHERE number = 3", "customer 3: email_key does not match"),
        (
            "UPDATE customers SET attributes = '{bad' WHERE number = 3",
            "customer 3: the attributes are not",
        ),
        (
            "UPDATE customers SET attributes = '[1]' WHERE number = 3",
            "customer 3: the attributes are not",
        ),
        ("UPDATE activities SET detail = '{bad'", "the details of an event cannot be read"),
        ("DELETE FROM objects", "there are ties group.member to 1000000000001, which has no row"),
        ("INSERT INTO relations VALUES (1, 999999, 8, 7, 0, 5, 0)", "customer 999999: does not exist"),
        ("DELETE FROM customers WHERE number = 4", "customer 4: does not exist, but has a tie group.member to"),
        ("INSERT INTO relations VALUES (1, 99, 8, 1000000000001, 1, 5, 0)", "customer 99: does not exist"),
        ("UPDATE changes SET token = 1 WHERE number = 2", "change 3 does not follow change 2"),
        ("UPDATE changes SET last = 0 WHERE number = 2", "change 2 is incomplete"),
        ("DELETE FROM changes WHERE number = 2", "change 2 is missing; the next one is 3"),
        ("DELETE FROM changes WHERE number = 3", "change 3 is missing"),
        ("DELETE FROM changes", "change 1 is missing"),
        ("UPDATE site_heads SET token = 1", "the newest change is 3"),
        ("UPDATE changes SET body = x'00' WHERE number = 2", "change record in an unknown format"),
        ("UPDATE site_heads SET next_customer = 20", "the next customer would get number 20, but number 20"),
        ("DELETE FROM site_heads", "site 1 has no head"),
    ],
)
def test_a_check_finds_what_is_wrong(run: Run, statement: str, problem: str) -> None:
    tamper(statement)
    found = run("check")
    assert found.code == 1
    assert problem in found.out
    assert found.err.startswith("regulars: the check found problems")
    assert not run("check", "--json").json["ok"]


@pytest.mark.usefixtures("filled")
def test_a_check_finds_a_damaged_file(run: Run) -> None:
    tamper("PRAGMA wal_checkpoint(TRUNCATE)")
    tamper("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'logs_address'")
    found = run("check", "--json")
    assert found.code == 1
    assert found.json["damage"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("table", ["customers", "changes", "sites", "settings"])
def test_a_check_of_damaged_pages_says_so_and_goes_as_far_as_it_can(run: Run, table: str) -> None:
    damage(table)
    found = run("check", "--json")
    assert (found.code, found.json["ok"], found.json["sites"]) == (1, False, [])
    assert any("malformed" in each or "btree" in each for each in found.json["damage"])
    told = run("check")
    assert told.out.startswith("the file: ")
    assert told.err == "regulars: the check found problems; the safest remedy is a backup from before they occurred\n"


@pytest.mark.parametrize("command", ["keys list", "import customers p.ndjson", "migrate", "reindex", "serve", "init"])
@pytest.mark.parametrize("content", [b"no database\n" * 1000, None], ids=["something else", "cut off"])
def test_a_file_that_is_no_sound_database_is_one_sentence(
    run: Run, database: dict[str, object], command: str, content: bytes | None
) -> None:
    damage("settings")
    file = Path("regulars.db")
    file.write_bytes(file.read_bytes()[: 3 * 4096] if content is None else content)
    write_lines("p.ndjson", [{"email": "p@example.com"}])
    told = run(*command.split())
    assert (told.code, told.out) == (1, "")
    assert re.fullmatch(r"regulars: .*(malformed|not a database)\n", told.err)


@pytest.mark.usefixtures("filled")
def test_reindex_asks_every_process_to_load_anew(run: Run) -> None:
    run("sites", "create", "shop")
    assert run("reindex", "--json").json == {"reindexed": [1, 2]}
    assert run("reindex", "--site", "2", "--json").json == {"reindexed": [2]}
    assert [row[:2] for row in contents("changes")][-3:] == [(1, 4), (2, 1), (2, 2)]
    assert run("check").code == 0
    assert run("reindex", "--site", "9").code == 1


@pytest.mark.usefixtures("filled")
def test_a_backup_is_a_whole_database(run: Run) -> None:
    made = run("backup", "copy.db", "--json")
    assert made.json == {"file": "copy.db", "bytes": Path("copy.db").stat().st_size}
    assert run("--database", "sqlite:///copy.db", "check").out == run("check").out
    with sqlite3.connect("copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM customers").fetchone() == (20,)
    again = run("backup", "copy.db")
    assert (again.code, again.err) == (1, "regulars: copy.db already exists, and a backup never overwrites a file\n")
    assert run("backup", "no/such/folder.db").code == 1
