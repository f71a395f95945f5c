"""Rewrites an SQLite database without what deleted rows left in its pages and in the write-ahead log.

`PRAGMA secure_delete` is not enough. SQLite copies rows to other pages when it balances a tree, and it does not
overwrite all of the copies, not even with `secure_delete = ON`. VACUUM writes every page anew.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Final

import apsw

from regulars.store.engine import UnavailableError
from regulars.store.sqlite_connections import AWAY, TABLES, connect, run, unavailable
from regulars.store.threads import Worker

_TRIES: Final = 60
_PAUSE: Final = 1.0
"""Seconds between tries to empty the log, which a reader may still need."""


async def vacuum(
    path: Path, check: Callable[[], object], locked: Callable[[], AbstractAsyncContextManager[Worker]]
) -> None:
    """Write every page anew, then empty the write-ahead log. Writers wait for the first; readers go on.

    check: raises UnavailableError if the files are not those that were opened. locked: holds the write lock, and gives
    the thread that may work with it. Raises UnavailableError, also if readers need the log for a minute.
    """
    async with locked() as worker:
        await worker.run(lambda: _rewrite(path, check))
    emptied: list[bool] = []
    for _ in range(_TRIES):
        async with locked() as worker:
            await worker.run(lambda: emptied.append(_empty_log(path, check)))
        if emptied[-1]:
            return
        await asyncio.sleep(_PAUSE)
    raise UnavailableError("the write-ahead log cannot be emptied, as a reader needs it")


def _rewrite(path: Path, check: Callable[[], object]) -> None:
    check()
    with closing(_opened(path)) as connection:
        run(connection, "PRAGMA temp_store = FILE")  # the copy that VACUUM makes may be larger than the memory
        run(connection, "VACUUM")


def _empty_log(path: Path, check: Callable[[], object]) -> bool:
    """Copy the log into the file and cut it to nothing; False if a reader needs it."""
    check()
    with closing(_opened(path)) as connection:
        connection.set_busy_timeout(0)  # writers must not wait for a reader
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        except AWAY as error:
            raise unavailable("the write-ahead log cannot be emptied", error) from error
    return True


def _opened(path: Path) -> apsw.Connection:
    connection = connect(path, apsw.SQLITE_OPEN_READWRITE)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.wal_autocheckpoint(0)
    run(connection, TABLES)  # opens the log
    return connection
