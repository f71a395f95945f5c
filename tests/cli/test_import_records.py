"""`regulars import list` and `regulars import undo`."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from regulars.cli.session import opened
from regulars.domain.imports import SILENCE
from regulars.domain.moments import now_ms
from regulars.exporting.export import Export, ExportRequest
from regulars.importing.importer import Import
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.importing.recording import Recording

from .. import coroutines
from .conftest import Run, contents, tamper, write_lines

pytestmark = pytest.mark.usefixtures("database")
PEOPLE = [{"email": f"p{n}@x.org", "firstname": "Anna", "tags": ["x"]} for n in range(5)]


def test_an_import_is_listed_and_undone(run: Run) -> None:
    run("import", "customers", write_lines("first.ndjson", PEOPLE[:2]))
    before = Path("before.ndjson"), Path("after.ndjson")
    run("export", "customers", str(before[0]))
    file = write_lines("people.ndjson", [{**each, "firstname": "Other"} for each in PEOPLE])
    assert "import" not in run("import", "customers", file, "--dry-run", "--json").json
    made = run("import", "customers", file)
    assert "this was import 2; `regulars import undo 2` takes it back" in made.err
    listed = run("import", "list", "--json").json
    assert [(each["id"], each["file"], each["state"], each["by"]) for each in listed] == [
        (2, "people.ndjson", "done", "command line"),
        (1, "first.ndjson", "done", "command line"),
    ]
    assert (listed[0]["summary"]["created"], listed[0]["summary"]["updated"]) == (3, 2)
    found = run("import", "undo", "2", "--json")
    assert found.code == 0
    assert {name: found.json[name] for name in ("customers", "deleted", "restored", "skipped", "reasons")} == {
        "customers": 5, "deleted": 3, "restored": 2, "skipped": 0, "reasons": {},
    }  # fmt: skip
    run("export", "customers", str(before[1]))
    assert before[1].read_bytes() == before[0].read_bytes()
    assert run("check").code == 0
    stored = [contents(table) for table in ("customers", "changes", "imports")]
    assert run("import", "undo", "2", "--json").json["customers"] == 0
    assert [contents(table) for table in ("customers", "changes", "imports")] == stored
    assert run("import", "list", "--json").json[0]["state"] == "undone"
    again = run("import", "customers", file, "--json").json
    assert (again["import"], again["created"], again["updated"]) == (3, 3, 2)


def test_who_changed_since_is_told(run: Run) -> None:
    run("import", "customers", write_lines("people.ndjson", PEOPLE))
    run("import", "customers", write_lines("later.ndjson", [{"email": "p0@x.org", "city": "Rome"}]))
    found = run("import", "undo", "1")
    assert found.code == 3
    assert "1 left as they are: changed since the import" in found.err
    assert "1 of 5 customers were left as they are" in found.err
    assert "customer 4294967297: changed since the import" in found.err
    assert len(contents("customers")) == 1
    assert run("import", "undo", "2").code == 0  # newer imports first: then the rest of the older one can be undone
    assert run("import", "undo", "1").code == 0
    assert contents("customers") == []
    undone = run("import", "list", "--json").json[1]["undo"]
    assert (undone["deleted"], undone["skipped"]) == (5, 0)


def test_what_cannot_be_undone_is_told(run: Run) -> None:
    assert "nothing was imported yet" in run("import", "list").err
    assert run("import", "undo", "1").code == 1
    run("import", "activity", write_lines("a.ndjson", [{"event": "visit", "email": "a@x.org"}]))
    refused = run("import", "undo", "1")
    assert refused.code == 1
    assert "import 1 is of activity, which cannot be undone" in refused.err
    run("import", "customers", write_lines("people.ndjson", PEOPLE))
    tamper("DELETE FROM import_changes WHERE import_number = 2")
    assert "can no longer be undone" in run("import", "undo", "2").err


def test_an_import_that_was_killed_is_stopped_after_a_while(run: Run) -> None:
    file = write_lines("people.ndjson", PEOPLE)
    run("import", "customers", file)
    stalled = "UPDATE imports SET state = 'running', finished_at = NULL, seen_at = "
    tamper(f"{stalled}{now_ms()}")
    assert "import 1 is running" in run("import", "undo", "1").err
    tamper(f"{stalled}{now_ms() - SILENCE - 1}")
    assert run("import", "list", "--json").json[0]["state"] == "stopped"
    assert run("import", "customers", file, "--json").json["unchanged"] == 5
    assert run("import", "undo", "1", "--json").json["deleted"] == 5


def test_an_import_that_failed_is_stopped_and_can_be_undone(run: Run) -> None:
    lines = [json.dumps({"email": f"p{n}@x.org", "note": str(hash(n * 7.1))}) for n in range(5_000)]
    whole = gzip.compress("\n".join(lines).encode())

    async def stop() -> None:
        async with opened("sqlite:///regulars.db") as store:
            recording = await Recording.begin(store, 1, kind="customers", file="people", origin="a test")
            parser = line_parser("customers", store.limits)
            work = Import(store, 1, parser, recording=recording, on_chunk=lambda: task.cancel())
            task = asyncio.create_task(work.run(Line(n, line.encode()) for n, line in enumerate(lines, 1)))
            with pytest.raises(asyncio.CancelledError):
                await task

    coroutines.run(stop())
    (stopped,) = run("import", "list", "--json").json
    assert stopped["state"] == "stopped"
    assert 0 < stopped["summary"]["created"] < 5_000
    Path("people.ndjson.gz").write_bytes(whole)
    assert run("import", "customers", "people.ndjson.gz", "--json").json["unchanged"] == stopped["summary"]["created"]
    assert [run("import", "undo", number).code for number in ("2", "1")] == [0, 0]
    assert contents("customers") == []


def addresses() -> dict[str, str]:
    lines = coroutines.run(_exported())
    return {each["customer_id"]: each["email"] for each in map(json.loads, lines)}


async def _exported() -> list[bytes]:
    async with opened("sqlite:///regulars.db") as store, store.snapshot() as connection:
        chunks = [chunk async for chunk in Export(connection, 1, ExportRequest()).chunks()]
        return b"".join(chunks).splitlines()


def test_customers_who_swapped_addresses_get_them_back(run: Run) -> None:
    names = ("a", "b", "c", "d")
    before = [{"customer_id": each, "email": f"{each}@x.org", "firstname": each} for each in names]
    run("import", "customers", write_lines("before.ndjson", before))
    ring = dict(zip("abc", "bca", strict=True))
    after = [{"customer_id": each, "email": f"{other}@x.org"} for each, other in ring.items()]
    after += [{"customer_id": "d", "email": "new@x.org"}]
    assert run("import", "customers", write_lines("after.ndjson", after), "--json").json["updated"] == 4
    run("import", "customers", write_lines("taken.ndjson", [{"customer_id": "e", "email": "d@x.org"}]))
    assert addresses()["a"] == "b@x.org"
    found = run("import", "undo", "2", "--json")
    assert (found.code, found.json["restored"], found.json["skipped"]) == (3, 3, 1)
    (left,) = found.json["examples"]
    assert "another customer has the address" in left["reason"]
    assert addresses() == {
        **{each: f"{each}@x.org" for each in "abc"},
        "d": "new@x.org",
        "e": "d@x.org",
    }
    assert run("check").code == 0
