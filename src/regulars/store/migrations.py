"""Migrations: numbered steps that bring a database to the tables this program knows, each in one transaction.

Within a minor series they only add, so that an older process goes on working beside a newer one.
"""

import secrets
from typing import Final

from sqlalchemy import Table, bindparam, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from regulars.store.engine import Engine
from regulars.store.schema import metadata, offer_products, settings
from regulars.store.statement import DIALECTS, Statement

SERIES: Final = 1
"""The major number of the stored formats. A program refuses a database of another one."""

ADDED: Final[dict[int, Table]] = {2: offer_products}
"""Tables that came later, by the step that adds each."""

_VERSION: Final = "schema_version"
_GET = Statement("get_setting", select(settings.c.value).where(settings.c.name == bindparam("setting")))
_PUT = Statement("put_setting", insert(settings))


class IncompatibleError(Exception):
    """The database was made by a program of another series."""


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
    """Bring the database up to date; returns the numbers of the steps taken. Two processes may do so at once."""
    taken = []
    async with engine.migration() as connection:
        tables = await connection.tables()
        if settings.name not in tables:
            for step in _create(engine.dialect):
                await connection.script(step)
            rows = ((_VERSION, f"{SERIES}.1"), ("secret", secrets.token_hex(32)))
            await connection.many(_PUT, rows)
            taken.append(1)
        else:
            row = await connection.one(_GET, {"setting": _VERSION})
            series = "" if row is None else str(row[0]).partition(".")[0]
            if series != str(SERIES):
                raise IncompatibleError(
                    f"the database has stored formats of series {series or 'unknown'}, this program reads series "
                    f"{SERIES}: run the program that made it, or restore a backup"
                )
            for number, table in ADDED.items():
                if table.name not in tables:
                    for step in _create_table(table, engine.dialect):
                        await connection.script(step)
                    taken.append(number)
            if not taken:
                connection.discard()
    return taken
