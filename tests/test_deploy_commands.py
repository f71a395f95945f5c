"""The commands of docs/deploy.md, run as they stand but for names of hosts and folders.

What cannot be run here (systemd, a cluster, containers) is named below, and the page says so beside it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from .databases import only_on_postgresql, server, started_server

PAGE: Final = Path(__file__).parents[1] / "docs" / "deploy.md"
BLOCKS: Final[list[str]] = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)

NOT_RUN: Final = {
    "systemctl enable --now regulars": "neither the unit nor `systemd-run` was run",
    "systemd-run": "neither the unit nor `systemd-run` was run",
    "regulars migrate --distribute": "by hand on a real Citus",
    "podman compose": "**These files have never been run**",
}
"""What the blocks that no test runs contain, and what the page says about them."""

_RUN: Final = ("regulars backup", "createdb --encoding UTF8 --template template0 regulars", "pg_dump", "regulars copy")
"""What the blocks that are run below contain."""

_PRELUDE: Final = """
regulars() { "$PYTHON" -m regulars "$@"; }
systemctl() { :; }
chown() { :; }
"""


def block(containing: str) -> str:
    (found,) = (each for each in BLOCKS if containing in each)
    return found


def run(text: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        ["sh", "-euc", _PRELUDE + text],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=300,  # only what hangs: a loaded machine takes its time
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_is_run_or_said_not_to_be() -> None:
    text = " ".join(PAGE.read_text().split())
    for each in BLOCKS:
        said = [sentence for command, sentence in NOT_RUN.items() if command in each]
        assert said or any(command in each for command in _RUN), each
        assert all(sentence in text for sentence in said), said


def test_a_backup_of_sqlite_is_restored(tmp_path: Path) -> None:
    database, backups = tmp_path / "regulars.db", tmp_path / "backups"
    backups.mkdir()
    line = tmp_path / "line.ndjson"
    line.write_text('{"email": "late@example.com"}\n')
    url = {"REGULARS_DATABASE": f"sqlite:///{database}"}
    run("regulars init", tmp_path, **url)
    backup, _, restore = block("regulars backup").replace("/var/lib/regulars/", f"{tmp_path}/").partition("\n\n")
    backup, restore = (each.replace("/backups/", f"{backups}/") for each in (backup, restore))
    run(backup, tmp_path)
    run(f"regulars import customers {line}", tmp_path, **url)
    (kept,) = backups.iterdir()
    said = run(re.sub(r"regulars-\d{4}-\d\d-\d\d\.db", kept.name, restore), tmp_path, **url)
    assert ": 0 customers" in said and "index = store" in said


@only_on_postgresql("these commands of the page are about PostgreSQL; those about SQLite are above")
class TestPostgreSQL:
    @pytest.fixture
    @staticmethod
    def names() -> Iterator[dict[str, str]]:
        """The names of databases on the page, and those that the tests use for them."""
        names = {name: f"regulars_docs_{os.getpid()}_{name}" for name in ("regulars", "restored")}
        yield names
        for each in names.values():
            run(f"dropdb --if-exists --force {each}", Path.cwd(), **_tools())

    @pytest.mark.slow  # a backup of SQLite is restored always, and test_copying copies between engines
    def test_a_database_is_made_dumped_restored_and_copied(self, names: dict[str, str], tmp_path: Path) -> None:
        tools = _tools()

        def pasted(text: str) -> str:
            """A block with the databases of the test."""
            text = re.sub(r"(template0 )(\w+)", lambda found: found[1] + names[found[2]], text)
            return re.sub(r"postgresql://\S*?/(\w+)", lambda found: f"postgresql:///{names[found[1]]}", text)

        create = block("template0 regulars\n").partition("regulars serve")[0]
        assert "key" in run(pasted(create), tmp_path, **tools)
        said = run(pasted(block("pg_dump")), tmp_path, REGULARS_DATABASE=f"postgresql:///{names['regulars']}", **tools)
        assert "index = store" in said

        run(f"dropdb {names['regulars']} && createdb {names['regulars']}", tmp_path, **tools)
        database = f"sqlite:///{tmp_path}/regulars.db"
        run("regulars init", tmp_path, REGULARS_DATABASE=database)
        copy = block("--against sqlite").replace("sqlite:////var/lib/regulars/regulars.db", database)
        run(pasted(copy), tmp_path, **tools)


def _tools() -> dict[str, str]:
    """PostgreSQL's own programs, of the server's version, and where the server is. Skips the test without them."""
    parts = urlsplit(server())
    if os.environ.get("REGULARS_TEST_POSTGRES"):
        pytest.skip("its programs may be of another version than the given server")
    binaries = str(started_server().bin_path)
    assert shutil.which("pg_dump", path=binaries)
    host = parse_qs(parts.query)["host"][0]
    return {"PATH": f"{binaries}:{os.environ['PATH']}", "PGHOST": host, "PGUSER": parts.username or "postgres"}
