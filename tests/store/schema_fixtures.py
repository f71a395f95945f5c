"""Databases of earlier states of the tables, as SQL: one file for each step and engine in tests/fixtures/schema.

`python -m tests.store.schema_fixtures` writes those of the newest step, with a few rows in every table. They are
written once, when the step is added, and never again: they stand for databases that are out there.
"""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import apsw

from regulars.store.migration_steps import STEPS
from regulars.store.migrations import create_statements
from regulars.store.schema import metadata

from ..coroutines import run
from ..databases import url_of

FOLDER: Final = Path(__file__).parents[1] / "fixtures" / "schema"
ENGINES: Final = ("sqlite", "postgresql")
_END: Final = ";\n\n"


def fixture_of(step: int, engine: str) -> Path:
    """The file of the state after a step."""
    return FOLDER / f"{step:04}.{engine}.sql"


def statements_of(path: Path) -> list[str]:
    """The statements in a file, in order."""
    return path.read_text(encoding="utf-8").removesuffix(_END).split(_END)


def restore(path: Path, step: int, engine: str) -> None:
    """Make a new, empty database one of that state."""
    text = fixture_of(step, engine).read_text(encoding="utf-8")
    if engine == "sqlite":
        with closing(apsw.Connection(str(path))) as file:
            file.execute(text).fetchall()
        return
    import psycopg

    with closing(psycopg.connect(url_of(path), autocommit=True)) as server:
        server.execute(text.encode())


def normal(statement: str) -> str:
    """A statement with its white space made alike."""
    return " ".join(statement.split())


def _trimmed(statement: str) -> str:
    return "\n".join(line.rstrip() for line in statement.strip().splitlines())


def _literal(value: Any, engine: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'" if engine == "sqlite" else f"'\\x{value.hex()}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _rows(path: Path, engine: str) -> list[str]:
    """The statements that put the rows of a SQLite file in."""
    found = []
    with closing(apsw.Connection(str(path))) as file:
        for table in metadata.sorted_tables:
            columns = ", ".join(table.c.keys())
            rows = file.execute(f"SELECT {columns} FROM {table.name}").fetchall()
            values = [f"({', '.join(_literal(value, engine) for value in row)})" for row in rows]
            if values:
                found.append(f"INSERT INTO {table.name} ({columns}) VALUES\n  " + ",\n  ".join(values))
            if rows and engine == "postgresql" and "id" in table.c:
                found.append(f"SELECT setval('{table.name}_id_seq', (SELECT max(id) FROM {table.name}))")
    return found


async def _fill(folder: Path) -> Path:
    from .running import running
    from .test_copying import fill

    async with running(folder, sites=3) as at:
        await fill(at, customers=4)
        return at.path


def write(step: int) -> None:
    """Write the files of the tables as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        path = run(_fill(Path(folder)))
        for engine in ENGINES:
            statements = [_trimmed(statement) for statement in create_statements(engine)] + _rows(path, engine)
            fixture_of(step, engine).write_text(_END.join(statements) + _END, encoding="utf-8")


if __name__ == "__main__":
    write(STEPS[-1].number)
