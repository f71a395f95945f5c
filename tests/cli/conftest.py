"""Running the command line: in this process, or as a user does."""

import copy
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from regulars.cli.main import main

from ..logs import plain_logs


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("REGULARS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterable[Run]:
    """Run a command in this process: code, stdout, stderr."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Result(int(ended.value.code or 0), *capsys.readouterr())

    yield run
    # main has tied them to a stderr that ends with the test
    plain_logs()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


Once = Callable[[str, Callable[[], Any]], Any]
_made: dict[str, tuple[Path, Any]] = {}


@pytest.fixture
def once(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make what many tests begin with, by its name: the first time in earnest, then the files are copied.

    The lock file beside a database is left out: it says which file it belongs to.
    """

    def once(name: str, make: Callable[[], Any]) -> Any:
        if name not in _made:
            value = make()
            kept = tmp_path_factory.mktemp("once")
            shutil.copytree(tmp_path, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.lock"))
            _made[name] = kept, value
        else:
            shutil.copytree(_made[name][0], tmp_path, dirs_exist_ok=True)
        return copy.deepcopy(_made[name][1])

    return once


@pytest.fixture
def database(run: Run, once: Once) -> dict[str, Any]:
    """A database in the current folder: what init printed."""
    made: dict[str, Any] = once("database", lambda: run("init", "--json").json)
    return made


def start(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "regulars", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def write_lines(name: str, bodies: Iterable[object]) -> str:
    """A file of lines in the current folder."""
    Path(name).write_text("".join(json.dumps(body) + "\n" for body in bodies))
    return name


def contents(table: str, order: str = "1, 2, 3") -> list[tuple[Any, ...]]:
    """The rows of a table of the database in the current folder."""
    import apsw

    connection = apsw.Connection("regulars.db")
    try:
        return connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
    finally:
        connection.close()


def tamper(statement: str) -> None:
    """Change the database in the current folder behind everybody's back."""
    import apsw

    connection = apsw.Connection("regulars.db")
    connection.execute(statement).fetchall()
    connection.close()


def damage(table: str) -> None:
    """Overwrite the first page of a table, and of each of its indexes, of the database in the current folder."""
    import apsw

    connection = apsw.Connection("regulars.db")
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()  # all is in the one file
    found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE tbl_name = ?", (table,)).fetchall()
    roots = [int(str(root)) for (root,) in found]
    size = int(str(connection.execute("PRAGMA page_size").fetchall()[0][0]))
    connection.close()
    with Path("regulars.db").open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * size)
            file.write(b"\xaa" * size)
