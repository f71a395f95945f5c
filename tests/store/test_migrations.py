from pathlib import Path

import pytest

from regulars.store.migrations import ADDED, migrate
from regulars.store.store import engine_for

from ..databases import EMPTY, drop_database, new_database, query, url_of
from .running import on_a_loop


@pytest.mark.parametrize("engine", EMPTY)
@on_a_loop
async def test_a_table_that_came_later_is_added(tmp_path: Path, engine: str) -> None:
    path = new_database(tmp_path, engine)
    opened = engine_for(url_of(path))
    await opened.open()
    try:
        assert await migrate(opened) == [1, *ADDED]
        async with opened.migration() as connection:
            for table in ADDED.values():
                await connection.script(f"DROP TABLE {table.name}")
        assert await migrate(opened) == list(ADDED)
        assert await migrate(opened) == []
        for table in ADDED.values():
            assert query(path, f"SELECT * FROM {table.name}") == []
    finally:
        await opened.close()
        drop_database(path)
