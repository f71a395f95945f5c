"""Puts another file in the place of an SQLite database that nobody uses."""

import os
import time
from contextlib import closing
from pathlib import Path

import apsw

from regulars import files
from regulars.store.engine import UnavailableError
from regulars.store.sqlite_connections import run


def replace_database(path: Path, partial: Path) -> Path | None:
    """Put the file `partial` in the place of a database; returns where the old one is now, None if there was none.

    Raises UnavailableError if somebody uses the old one, which then stays.
    """
    files.sync(partial)
    kept = None
    if path.exists():
        _close_log(path)
        kept = path.with_name(f"{path.name}.replaced-{time.strftime('%Y%m%dT%H%M%S')}")
        os.link(path, kept)
    partial.replace(path)
    files.sync(path.parent)
    return kept


def _close_log(path: Path) -> None:
    """Copy the write-ahead log into the file and delete it, which SQLite does only if nobody else has the file open."""
    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            ((mode,),) = run(connection, "PRAGMA journal_mode = DELETE")
    except (apsw.Error, UnavailableError) as error:
        raise UnavailableError(f"{path} is in use; stop every server first ({error})") from error
    if mode != "delete":
        raise UnavailableError(f"{path} is in use; stop every server first")
