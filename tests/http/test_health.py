"""Alive, ready and healthy: what each says of a database that is away, and of one that takes no writes."""

from pathlib import Path

import pytest

from regulars.store import store
from regulars.store.sqlite import SqliteEngine

from ..databases import ENGINES
from ..in_process import Client, application


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_that_is_well_is_alive_and_ready(engine: str, tmp_path: Path) -> None:
    with application(tmp_path, engine) as app:
        nobody = Client(app, {})
        for path in ("/healthz", "/livez", "/readyz", "/readyz"):
            reply = nobody.get(path)
            assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_a_database_that_takes_no_writes_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PROVEN_SECONDS", -1.0)
    with application(tmp_path, "sqlite") as app:
        nobody = Client(app, {})
        engine = app.services.store.engine
        assert isinstance(engine, SqliteEngine)
        writer = engine.writer
        writer.execute("PRAGMA query_only = ON").fetchall()
        assert [nobody.get(path).status_code for path in ("/readyz", "/livez", "/healthz")] == [503, 200, 200]
        writer.execute("PRAGMA query_only = OFF").fetchall()
        assert nobody.get("/readyz").status_code == 200
