"""`regulars restore` and `regulars erasures`: nobody who was erased comes back with a backup."""

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from .conftest import Run


def save(run: Run, *addresses: str) -> None:
    lines = [{"email": each, "firstname": each.partition("@")[0], "customer_id": f"id-{each}"} for each in addresses]
    Path("people.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("import", "customers", "people.ndjson").code == 0


def people(run: Run) -> set[str]:
    lines = run("export", "customers", "-", "--format", "ndjson").out.splitlines()
    return {json.loads(line)["email"] for line in lines}


def test_a_restored_backup_has_nobody_who_was_erased_later(run: Run, database: dict[str, Any]) -> None:
    save(run, "wanda@example.com", "kept@example.com", "back@example.com")
    assert run("backup", "old.db").code == 0
    save(run, "later@example.com")
    for who in ("wanda@example.com", "later@example.com"):
        certificate = run("erase", who, "--yes", "--reason", "Article 17 GDPR", "--json").json
        assert (certificate["state"], certificate["erased"]["customers"]) == ("pending", 1)
        assert len(certificate["hashes"]) == 2
    exported = run("erasures", "export", "erasures.json", "--json").json
    assert (exported["identifiers"], exported["erasures"]) == (4, 2)
    assert b"example.com" not in Path("erasures.json").read_bytes()

    done = run("restore", "old.db", "--yes", "--json").json
    assert (done["erased_customers"], done["erased_identifiers"]) == (1, 4)
    assert Path(done["replaced"]).is_file()
    assert people(run) == {"kept@example.com", "back@example.com"}
    content = Path("regulars.db").read_bytes()
    assert b"wanda" not in content
    assert b"kept@example.com" in content
    save(run, "wanda@example.com", "later@example.com", "new@example.com")
    assert people(run) == {"kept@example.com", "back@example.com", "new@example.com"}
    assert run("check").code == 0

    # On another machine there is only the backup, and the list.
    for each in Path().glob("regulars.db*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    refused = run("restore", "old.db", "--yes")
    assert (refused.code, "--erasures" in refused.err) == (1, True)
    assert run("restore", "old.db", "--erasures", "erasures.json", "--json").json["erased_customers"] == 1
    assert people(run) == {"kept@example.com", "back@example.com"}
    again = run("erasures", "apply", "erasures.json", "--json").json
    assert again == {"erased_customers": 0, "erased_identifiers": 0}


def test_what_cannot_be_restored_changes_nothing(run: Run, database: dict[str, Any]) -> None:
    save(run, "wanda@example.com")
    assert run("backup", "old.db").code == 0
    Path("foreign.json").write_text('{"regulars_erasures":1,"secret":"x","tombstones":[],"records":[]}')
    Path("none.json").write_text("[]")
    for arguments in (("absent.db",), ("none.json",), ("regulars.db",), ("old.db", "--erasures", "none.json")):
        assert run("restore", *arguments, "--yes").code == 1, arguments
    foreign = run("restore", "old.db", "--erasures", "foreign.json", "--yes")
    assert (foreign.code, "another database" in foreign.err) == (1, True)
    with closing(apsw.Connection("regulars.db")) as server:
        server.execute("SELECT count(*) FROM customers").fetchall()
        used = run("restore", "old.db", "--yes")
        assert (used.code, "stop every server" in used.err) == (1, True)
    assert people(run) == {"wanda@example.com"}
    assert not [each for each in Path().iterdir() if "partial" in each.name or "replaced" in each.name]


def test_files_are_cleaned_in_the_maintenance_hour_or_now(
    run: Run, database: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(run, "wanda@example.com", "kept@example.com")
    assert run("erasures", "clean", "--json").json == {"erasures": 0}
    assert run("erase", "wanda@example.com", "--yes").code == 0
    monkeypatch.setenv("REGULARS_VACUUM_AT_ONCE", "0")
    monkeypatch.setenv("REGULARS_VACUUM_HOUR", str((datetime.now(UTC).hour + 12) % 24))
    waiting = run("erasures", "clean", "--json").json
    assert (waiting["erasures"], waiting["pending"], "T" in waiting["due_at"]) == (0, 1, True)
    done = run("erasures", "clean", "--now", "--json").json
    assert (done["erasures"], done["engine"], done["rewritten"]) == (1, "sqlite", True)
    assert b"wanda" not in Path("regulars.db").read_bytes()
    assert run("erasures", "clean").code == 0
