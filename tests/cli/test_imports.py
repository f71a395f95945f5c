import asyncio
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regulars.cli.session import opened
from regulars.importing import pacing
from regulars.importing.importer import Import
from regulars.importing.lines import Line
from regulars.importing.parsing import line_parser
from regulars.importing.reading.json_lines import LONGEST_LINE
from regulars.importing.reading.opening import UnreadableFileError

from .. import coroutines
from .conftest import Run, contents, write_lines

PEOPLE = [{"email": f"p{n}@example.com", "customer_id": f"c{n}", "data": {"city": "Berlin"}} for n in range(30)]
pytestmark = pytest.mark.usefixtures("database")


def figures(run: Run, *arguments: str) -> dict[str, Any]:
    summary = run("import", *arguments, "--json").json
    assert list(summary)[:10] == [
        "lines", "created", "updated", "unchanged", "rejected", "clamped", "kept_back", "ignored", "anonymous",
        "warnings",
    ]  # fmt: skip
    beside = ("seconds", "rate", "reasons", "tables", "import")
    return {name: value for name, value in summary.items() if value and name not in beside}


def test_a_repeat_changes_nothing(run: Run) -> None:
    file = write_lines("p.ndjson", PEOPLE)
    assert figures(run, "customers", file) == {"lines": 30, "created": 30}
    before = [contents(table) for table in ("customers", "changes", "relations")]
    assert figures(run, "customers", file) == {"lines": 30, "unchanged": 30}
    assert [contents(table) for table in ("customers", "changes", "relations")] == before
    changed = write_lines("q.ndjson", [PEOPLE[0] | {"firstname": "Anna"}])
    assert figures(run, "customers", changed) == {"lines": 1, "updated": 1}


def test_a_repeat_of_activity_changes_nothing(run: Run) -> None:
    visit = {"event": "visit", "email": "a@example.com", "timestamp": 1700000000}
    shuffled = dict(reversed(visit.items()))
    lines = [
        visit,
        shuffled,
        visit | {"page": "/"},
        visit,
        {"event": "purchase", "email": "a@example.com", "revenue": "9.99"},
        {"event": "identify", "email": "a@example.com", "firstname": "Anna"},
        {"event": "visit", "email": "a@example.com", "event_uuid": "mine"},
    ]
    file = write_lines("a.ndjson", lines)
    assert figures(run, "activity", file)["created"] == 1
    before = [contents(table) for table in ("customers", "activities", "changes")]
    assert len(before[1]) == len(lines)
    assert len({row[5] for row in before[1]}) == len(lines)
    again = figures(run, "activity", file)
    assert again == {"lines": 7, "unchanged": 7}
    assert [contents(table) for table in ("customers", "activities", "changes")] == before


def test_activity_of_an_unknown_customer_id_creates_nobody(run: Run) -> None:
    run("import", "customers", write_lines("p.ndjson", [{"customer_id": "known"}]))
    lines = [
        {"event": "visit", "customer_id": "known"},
        {"event": "visit", "customer_id": "unknown"},
        {"event": "identify", "customer_id": "unknown", "firstname": "Anna"},
        {"event": "visit", "customer_id": "other", "email": "other@example.com"},
        {"event": "visit", "customer_id": "other"},
    ]
    file = write_lines("a.ndjson", lines)
    assert figures(run, "activity", file, "--rejects", "refused.ndjson") == {
        "lines": 5, "created": 1, "updated": 2, "rejected": 2,
    }  # fmt: skip
    refused = [json.loads(line) for line in Path("refused.ndjson").read_text().splitlines()]
    assert [(each["line"], each["code"]) for each in refused] == [(2, "customer_not_found"), (3, "customer_not_found")]
    assert "No customer has this customer_id" in refused[0]["reason"]
    assert len(contents("customers")) == 2
    assert figures(run, "activity", file, "--create") == {"lines": 5, "created": 1, "updated": 1, "unchanged": 3}


def test_refused_lines_are_collected_and_lose_no_others(run: Run) -> None:
    Path("p.ndjson").write_bytes(
        b'\xef\xbb\xbf{"email": "a@example.com"}\r\n'
        b"\n"
        b'{"email": "nobody", "groups": 5}\n'
        b"{broken\n"
        b"[1]\n"
        b'{"firstname": "Anna"}\n'
        b'{"email": "\xff@example.com"}\n'
        b'{"email": "b@example.com", "customer_id": "1"}\n'
        b'{"email": "b@example.com", "customer_id": "1", "uuid": "06743da2-9589-4c01-afda-e3d85e487fa7"}\n'
        b'{"email": "c@example.com"}'
    )
    result = run("import", "customers", "p.ndjson", "--rejects", "refused.ndjson", "--json")
    assert result.code == 3
    assert (result.json["lines"], result.json["created"], result.json["rejected"]) == (9, 3, 6)
    assert result.err == "6 of 9 lines were refused: see refused.ndjson\n"
    refused = [json.loads(line) for line in Path("refused.ndjson").read_text().splitlines()]
    assert sorted(line["line"] for line in refused) == [3, 4, 5, 6, 7, 9]
    both = refused[0]
    assert (both["line"], both["code"], both["raw"]) == (3, "invalid", '{"email": "nobody", "groups": 5}')
    assert [fault["field"] for fault in both["faults"]] == ["email", "groups"]
    assert {line["line"]: line["code"] for line in refused}[6] == "user_identifier_missing"
    assert {line["line"]: line["code"] for line in refused}[9] == "identity_conflict"
    assert "--rejects FILE" in run("import", "customers", "p.ndjson").err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name,city\nAnna,Berlin\n", "no column has the address of a customer"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is an image"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04rest", "damaged or truncated ZIP"),
    ],
    ids=("no-address", "image", "pdf", "html", "zip"),
)
def test_a_file_that_is_no_list_is_told_what_it_is(run: Run, content: bytes, told: str) -> None:
    Path("people").write_bytes(content)
    for arguments in ((), ("--dry-run",)):
        failed = run("import", "customers", "people", *arguments)
        assert failed.code == 1
        assert told in failed.err
    assert contents("customers") == []


def test_a_file_that_ends_early_says_what_was_taken_of_it(run: Run) -> None:
    packed = gzip.compress(b"".join(json.dumps(body).encode() + b"\n" for body in PEOPLE))
    Path("cut.ndjson.gz").write_bytes(packed[:-30])
    for arguments in ((), ("--dry-run",)):
        failed = run("import", "customers", "cut.ndjson.gz", *arguments)
        assert (failed.code, failed.err.endswith("gzip file: get it again; nothing was imported\n")) == (1, True)
    assert contents("customers") == []


def test_lines_that_end_early_say_how_many_were_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "LARGEST_CHUNK", 10)

    def lines() -> Iterator[Line]:
        yield from (Line(number, json.dumps(body).encode()) for number, body in enumerate(PEOPLE, 1))
        raise UnreadableFileError("the input is cut off")

    async def work(*, dry_run: bool) -> str:
        async with opened("sqlite:///regulars.db") as store:
            intake = Import(store, 1, line_parser("customers", store.limits), dry_run=dry_run)
            with pytest.raises(UnreadableFileError) as failed:
                await intake.run(lines())
            return str(failed.value)

    assert coroutines.run(work(dry_run=True)) == "the input is cut off; nothing was imported"
    told = coroutines.run(work(dry_run=False))
    taken = len(contents("customers"))
    assert told == f"the input is cut off; {taken} lines before that were imported and stay"
    assert taken > 0
    assert figures(run, "customers", write_lines("p.ndjson", PEOPLE))["unchanged"] == taken


def test_the_reject_file_never_replaces_the_import(run: Run) -> None:
    file = write_lines("p.ndjson", PEOPLE)
    assert run("import", "customers", file, "--rejects", "./p.ndjson").code == 1
    assert Path(file).read_text().count("\n") == len(PEOPLE)
    assert run("import", "customers", file, "--rejects", "no/such/folder").code == 1


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock"])
def test_the_reject_file_never_replaces_the_database(run: Run, suffix: str) -> None:
    file = write_lines("p.ndjson", PEOPLE)
    assert run("import", "customers", file).code == 0
    database = Path("regulars.db")
    before = database.read_bytes()
    failed = run("import", "customers", file, "--rejects", f"regulars.db{suffix}")
    assert failed.code == 1
    assert "--rejects" in failed.err
    assert database.read_bytes() == before


def test_the_reject_file_only_replaces_one_of_its_kind(run: Run) -> None:
    file = write_lines("p.ndjson", [{"email": "nobody"}, *PEOPLE])
    Path("mine.txt").write_text("dear diary\n")
    failed = run("import", "customers", file, "--rejects", "mine.txt")
    assert failed.code == 1
    assert "is not a reject file" in failed.err
    assert Path("mine.txt").read_text() == "dear diary\n"
    for _ in range(2):
        run("import", "customers", file, "--rejects", "refused")
        assert Path("refused").read_text().count("\n") == 1
    Path("link").symlink_to("mine.txt")
    assert run("import", "customers", file, "--rejects", "link").code == 1
    assert Path("mine.txt").read_text() == "dear diary\n"
    assert run("import", "customers", file, "--rejects", "/dev/null").code == 3


def test_gzip(run: Run) -> None:
    file = write_lines("p.ndjson", PEOPLE)
    Path("p.ndjson.gz").write_bytes(gzip.compress(Path(file).read_bytes()))
    assert figures(run, "customers", "p.ndjson.gz") == {"lines": 30, "created": 30}


def test_what_cannot_be_read_fails(run: Run) -> None:
    missing = run("import", "customers", "missing.ndjson")
    assert (missing.code, missing.err) == (
        1,
        "regulars: missing.ndjson cannot be read: No such file or directory; nothing was imported\n",
    )
    packed = gzip.compress(b"".join(json.dumps(body).encode() + b"\n" for body in PEOPLE))
    for name, content in {"short.gz": packed[:-30], "wrong.gz": b"not gzip at all", "broken.gz": packed[:40]}.items():
        Path(name).write_bytes(content)
        failed = run("import", "customers", name)
        assert failed.code == 1
        assert failed.err.startswith(f"regulars: {name}")
    Path("folder").mkdir()
    assert run("import", "customers", "folder").code == 1
    assert run("import", "people", "missing.ndjson").code == 2


def test_standard_input(run: Run) -> None:
    lines = "".join(json.dumps(body) + "\n" for body in PEOPLE)
    done = subprocess.run(
        [sys.executable, "-m", "regulars", "import", "customers", "-", "--json"],
        input=lines, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["created"] == 30
    assert done.stderr == ""


def test_a_dry_run_checks_and_changes_nothing(run: Run) -> None:
    file = write_lines("p.ndjson", [*PEOPLE, {"email": "nobody"}])
    before = contents("site_heads")
    assert figures(run, "customers", file, "--dry-run") == {
        "lines": 31, "created": 30, "rejected": 1, "dry_run": True,
    }  # fmt: skip
    assert contents("customers") == []
    assert contents("site_heads") == before


def test_moments_ahead_are_clamped_and_counted(run: Run) -> None:
    ahead = time.time() + 3600
    lines = [
        {"event": "visit", "email": "a@example.com", "timestamp": stamp}
        for stamp in (ahead, time.time() + 60, 1700000000)
    ]
    assert figures(run, "activity", write_lines("a.ndjson", lines)) == {
        "lines": 3, "created": 1, "updated": 2, "clamped": 1,
    }  # fmt: skip
    assert all(row[4] <= time.time() * 1000 for row in contents("activities"))
    past = [{"email": "b@example.com", "created_at": ahead}]
    assert figures(run, "customers", write_lines("b.ndjson", past))["clamped"] == 1


def test_an_import_restores_the_past_of_an_export(run: Run) -> None:
    uuid = "06743da2-9589-4c01-afda-e3d85e487fa7"
    line = {
        "email": "a@example.com",
        "uuid": uuid,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2021-01-01T00:00:00Z",
        "bsft_control_bucket": "42",
        "unsubscribed": False,
        "consents": [
            {"at": "2020-03-01T00:00:00Z", "granted": True, "source": "form", "wording": "Yes"},
            {"at": "2020-02-01T00:00:00Z", "granted": False, "cause": "opt_out"},
        ],
    }
    file = write_lines("p.ndjson", [line])
    assert figures(run, "customers", file) == {"lines": 1, "created": 1}
    (row,) = contents("customers")
    assert row[2].hex() == uuid.replace("-", "")
    assert row[3:6] == (1577836800000, 1609459200000, 42)
    consents = contents("consents")
    assert [(row[3], row[4], row[5], row[6]) for row in consents] == [
        (1580515200000, 0, "opt_out", "import"),
        (1583020800000, 1, None, "form"),
    ]
    assert figures(run, "customers", file) == {"lines": 1, "unchanged": 1}
    assert contents("consents") == consents


def test_a_wrong_past_is_refused_with_every_fault(run: Run) -> None:
    line = {
        "email": "nobody",
        "created_at": "soon",
        "bsft_control_bucket": 101,
        "consents": [
            {"granted": True},
            {"at": 1, "granted": False, "cause": "boredom"},
            {"at": "x", "granted": True},
            {"at": 1},
        ],
    }
    run("import", "customers", write_lines("p.ndjson", [line]), "--rejects", "r")
    faults = json.loads(Path("r").read_text())["faults"]
    assert [fault["field"] for fault in faults] == [
        "email", "created_at", "bsft_control_bucket", "consents.1.cause", "consents.2.at", "consents.3",
    ]  # fmt: skip


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_an_import_that_takes_no_line_has_failed(
    run: Run, database: dict[str, object], option: tuple[str, ...]
) -> None:
    file = write_lines("p.ndjson", [{"email": "no address"}, {}])
    failed = run("import", "customers", file, *option, "--json")
    assert (failed.code, failed.json["lines"], failed.json["rejected"]) == (1, 2, 2)
    assert failed.err == ("regulars: every line was refused, 2 of 2: run it again with --rejects FILE to see them\n")
    assert run("import", "customers", write_lines("none.ndjson", [])).code == 0


def test_an_overlong_line_is_refused_alone(run: Run) -> None:
    with Path("p.ndjson").open("wb") as file:
        file.write(b'{"email": "a@example.com", "data": {"x": "' + b"x" * 2 * LONGEST_LINE + b'"}}\n')
        file.write(b'{"email": "b@example.com"}\n')
    assert figures(run, "customers", "p.ndjson") == {"lines": 2, "created": 1, "rejected": 1}


def test_a_cancelled_import_keeps_what_it_counted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "LARGEST_CHUNK", 10)

    async def work() -> int:
        async with opened("sqlite:///regulars.db") as store:
            lines = [Line(number, json.dumps(body).encode()) for number, body in enumerate(PEOPLE, 1)]
            intake = Import(store, 1, line_parser("customers", store.limits), on_chunk=lambda: task.cancel())
            task = asyncio.create_task(intake.run(lines))
            with pytest.raises(asyncio.CancelledError):
                await task
            return intake.summary.created

    counted = coroutines.run(work())
    assert counted == 10
    stored = len(contents("customers"))
    assert counted <= stored <= counted + 10
    repeated = figures(run, "customers", write_lines("p.ndjson", PEOPLE))
    assert repeated["unchanged"] == stored
    assert len(contents("customers")) == 30


def test_warnings_are_counted_by_field_and_the_first_are_listed(run: Run) -> None:
    run("sites", "update", "--country", "DE", "--currency", "EUR")
    people = [
        {"email": "a@example.com", "phone_number": "0151 12345678"},
        {"email": "b@example.com", "phone_number": "x" * 300, "gender": 5},
        *({"email": f"c{n}@example.com", "joined_at": "some day"} for n in range(30)),
    ]
    file = write_lines("p.ndjson", people)
    result = run("import", "customers", file, "--json").json
    assert (result["created"], result["warnings"]) == (32, {"phone_number": 1, "gender": 1, "joined_at": 30})
    assert len(result["examples"]) == 20
    first = result["examples"][0]
    assert (first["line"], first["field"], first["given"], first["taken"]) == (
        2,
        "phone_number",
        "x" * 200 + "...",
        None,
    )
    assert "national number of DE" in first["detail"]
    told = run("import", "customers", file)
    assert "gender: 1, joined_at: 30, phone_number: 1" in told.out
    assert "line 2: gender 5 was left out: must be text" in told.err
    assert told.err.count("was left out") == 20
    events = [
        {"event": "purchase", "email": "a@example.com", "revenue": "1.005"},
        {"event": "purchase", "email": "a@example.com", "revenue": 2, "currency": "USD"},
    ]
    result = run("import", "activity", write_lines("a.ndjson", events), "--json").json
    assert result["warnings"] == {"revenue": 1, "currency": 1}
    assert [(each["line"], each["given"], each["taken"]) for each in result["examples"]] == [
        (1, "1.005", "1.01"),
        (2, "USD", None),
    ]
    strict = run("import", "activity", write_lines("b.ndjson", events[:1]), "--strict")
    assert strict.code == 1
