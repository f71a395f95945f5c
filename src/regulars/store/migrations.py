"""Migrations: numbered steps that bring a database to the tables this program knows, each in one transaction.

Within a minor series they only add, so that an older process goes on working beside a newer one.
"""

import secrets
from typing import Final, NamedTuple

from sqlalchemy import Table, bindparam, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from regulars.store.engine import Engine, WriteConnection
from regulars.store.schema import metadata, offer_products, settings
from regulars.store.statement import DIALECTS, Statement

SERIES: Final = 1
"""The major number of the stored formats. A program refuses a database of another one."""

ADDED: Final[dict[int, Table]] = {2: offer_products}
"""Tables that came later, by the step that adds each."""

VERSION: Final = f"{SERIES}.1"
COPY_OF: Final = "copy_of"
"""The setting of a database that is being filled by a copy; gone when it is complete."""

_VERSION: Final = "schema_version"
_GET = Statement("get_setting", select(settings.c.value).where(settings.c.name == bindparam("setting")))
_PUT = Statement("put_setting", insert(settings))


class IncompatibleError(Exception):
    """The database was made by a program of another series, or is the beginning of a copy."""


class Status(NamedTuple):
    """Where a database stands: the version of its formats (None: there are no tables), and the steps by number."""

    version: str | None
    applied: list[int]
    pending: list[int]


def _status(version: str | None, tables: set[str]) -> Status:
    there = {1: version is not None, **{number: table.name in tables for number, table in ADDED.items()}}
    return Status(version, [step for step, done in there.items() if done], [s for s, done in there.items() if not done])


async def _version(connection: WriteConnection, tables: set[str]) -> str | None:
    """The version of the stored formats, None if there are none. Raises IncompatibleError."""
    if settings.name not in tables:
        return None
    if await connection.one(_GET, {"setting": COPY_OF}) is not None:
        raise IncompatibleError("the database is an unfinished copy: run the same `regulars copy` again to finish it")
    row = await connection.one(_GET, {"setting": _VERSION})
    version = "" if row is None else str(row[0])
    series = version.partition(".")[0]
    if series != str(SERIES):
        raise IncompatibleError(
            f"the database has stored formats of series {series or 'unknown'}, this program reads series "
            f"{SERIES}: run the program that made it, or restore a backup"
        )
    return version


async def status(engine: Engine) -> Status:
    """Where the database stands; nothing is changed. Raises IncompatibleError."""
    async with engine.transaction() as connection:
        connection.discard()
        tables = await connection.tables()
        return _status(await _version(connection, tables), tables)


def _create(dialect: str) -> list[str]:
    steps: list[str] = []
    for table in metadata.sorted_tables:
        steps += _create_table(table, dialect)
    return steps


def _create_table(table: Table, dialect: str) -> list[str]:
    compiler = DIALECTS[dialect]
    indexes = sorted(table.indexes, key=lambda index: index.name or "")
    return [
        str(CreateTable(table).compile(dialect=compiler)),
        *(str(CreateIndex(index).compile(dialect=compiler)) for index in indexes),
    ]


async def has_tables(engine: Engine) -> bool:
    """Whether the database has been set up, by this program or another version of it."""
    async with engine.transaction() as connection:
        connection.discard()
        return settings.name in await connection.tables()


async def migrate(engine: Engine) -> list[int]:
    """Bring the database up to date; returns the numbers of the steps taken. Two processes may do so at once.

    Raises IncompatibleError.
    """
    async with engine.migration() as connection:
        tables = await connection.tables()
        found = _status(await _version(connection, tables), tables)
        if found.version is None:
            await create_tables(connection, engine.dialect)
            await connection.many(_PUT, [(_VERSION, VERSION), ("secret", secrets.token_hex(32))])
            return found.pending
        for number in found.pending:
            for step in _create_table(ADDED[number], engine.dialect):
                await connection.script(step)
        if not found.pending:
            connection.discard()
    return found.pending


async def create_tables(connection: WriteConnection, dialect: str) -> None:
    """Make every table, empty."""
    for step in _create(dialect):
        await connection.script(step)
