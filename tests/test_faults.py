"""A PostgreSQL that fails, as callers see it: an answer after one more try, or 503; nothing lost, nothing done twice.

tests/store/test_faults.py has the same faults at the store, and more of them.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import structlog

from regulars.jobs.runner import Runner
from regulars.store import ledger
from regulars.store.postgresql.engine import PostgresqlEngine

from .contents import contents, inconsistencies
from .databases import empty_database, only_on_postgresql, query, restart_server, server, url_of
from .in_process import NOTHING, Client, InProcess
from .running_server import Caller, Server, make_database
from .store.proxy import Fault, Proxy, proxied

ANNA = {"email": "anna@example.com"}
VISIT = {**ANNA, "event": "visit"}

pytestmark = only_on_postgresql("these are faults between the program and a database server")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    with empty_database(tmp_path, "postgresql") as path:
        yield path


@pytest.fixture
def app(database: Path) -> Iterator[InProcess]:
    """A server with Anna, who has not visited."""
    with InProcess(database) as app:
        assert app.client().post("customers", ANNA).status_code == 200
        yield app
    assert inconsistencies(database) == []


@pytest.fixture
def api(app: InProcess) -> Client:
    api = app.client()
    assert api.get("/v1/customers").json()["meta"]["total_count"] == 1  # its key is known, the index is loaded
    return api


def administer(url: str, *texts: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for text in texts:
            connection.execute(text.encode())


def meanwhile(app: InProcess, *texts: str) -> None:
    """`administer` while the server goes on: what it has begun would keep its locks if it stood still."""
    app.run(asyncio.to_thread(administer, url_of(app.path), *texts))


def hang_up_all(path: Path) -> None:
    """Cut every connection to a database, as a restart does."""
    administer(server(), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name_of(path)}'")


def name_of(path: Path) -> str:
    return urlsplit(url_of(path)).path[1:]


def engine_of(app: InProcess) -> PostgresqlEngine:
    """The engine below the server under test."""
    engine = app.services.store.engine
    assert isinstance(engine, PostgresqlEngine)
    return engine


def visits(path: Path) -> list[tuple[Any, ...]]:
    return query(path, "SELECT lifetime_visits FROM customers WHERE email_key = ?", ANNA["email"])


def unavailable(reply: httpx.Response) -> None:
    """The reply is a 503 that says when to come back, in the words of its surface."""
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1"), reply.text
    body = reply.json()
    assert body.get("code") == "unavailable" or [error["code"] for error in body["errors"]] == ["unavailable"]


# -- a commit whose answer is lost ------------------------------------------------------------------------------


@contextmanager
def behind_proxy(database: Path, folder: Path) -> Iterator[tuple[InProcess, Proxy]]:
    """A server whose connections to the database can be cut."""
    with tempfile.TemporaryDirectory() as socket_folder:
        pointer = folder / "proxied.url"
        opened = proxied(url_of(database), Path(socket_folder))
        proxy: Proxy
        with asyncio.Runner() as runner:
            proxy = runner.run(_entered(opened))
            pointer.write_text(proxy.url)
            with InProcess(pointer, runner=runner) as app:
                yield app, proxy
            runner.run(opened.__aexit__(None, None, None))


async def _entered(opened: Any) -> Proxy:
    return await opened.__aenter__()  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy cuts the next COMMIT: it has to be that of the call, not of a job."""

    async def idle(runner: Runner) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Runner, "run", idle)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_connection_cut_at_the_commit(cut: Literal["before", "after"], database: Path, tmp_path: Path) -> None:
    with behind_proxy(database, tmp_path) as (app, proxy):
        api = app.client()
        api.post("customers", ANNA)
        before = contents(database).heads
        proxy.cut = cut
        reply = api.post("event", VISIT)
        assert (reply.status_code, proxy.cuts) == (200, 1), reply.text
        assert api.get("/v1/customers").json()["meta"]["total_count"] == 1
    assert contents(database).heads == {site: head + 1 for site, head in before.items()}
    assert visits(database) == [(1,)]
    assert inconsistencies(database) == []


CODES = ("08006", "22P02", "25P02", "40P01", "42501", "42601", "53300", "57P01", "XX000")


def test_no_error_of_a_statement_is_a_500(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever PostgreSQL says, at any statement of a call, the call is answered or told to come back."""
    monkeypatch.setattr(ledger, "SETTLE_SECONDS", 0)
    calls = (("POST", "event", VISIT), ("GET", "/v1/customers", NOTHING), ("GET", "/healthz", NOTHING))
    with behind_proxy(database, tmp_path) as (app, proxy):
        api = app.client()
        assert api.post("customers", ANNA).status_code == 200
        done, met = 0, set()
        for number, code in enumerate(CODES):
            for method, path, body in calls:
                proxy.fault = fault = Fault(code, number % 4, lasting=number % 2 == 1)
                reply = api.send(method, path, body)
                proxy.fault = None
                if reply.status_code != 200:
                    met.add(code)
                    unavailable(reply)
                done += reply.status_code == 200 and path == "event"
                assert api.get("/healthz").status_code == 200, (code, path, fault.hit)
        assert len(met) > len(CODES) / 2
    assert visits(database) == [(done,)]
    assert inconsistencies(database) == []


def test_a_lost_node_is_no_concern_of_other_sites(database: Path, tmp_path: Path) -> None:
    with behind_proxy(database, tmp_path) as (app, proxy):
        apis = [app.client(site=f"site{number}") for number in range(17)]
        here, there = apis[0], apis[16]
        for api in (here, there):
            assert api.post("customers", ANNA).status_code == 200
        proxy.fault = Fault("08006", argument=b"17", lasting=True)
        for _ in range(3):
            unavailable(there.post("event", VISIT))
            assert here.post("event", VISIT).status_code == 200
            assert here.get("/v1/customers?filter[site_id]=1").status_code == 200
            assert here.get("/healthz").status_code == 200
        proxy.fault = None
        assert there.post("event", VISIT).status_code == 200


def test_while_the_database_is_away_all_logs_together_are_a_line_a_second(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SETTLE_SECONDS", 0)
    seconds = time.monotonic() + 10  # past what other tests had to say
    monkeypatch.setattr("regulars.logs.monotonic", lambda: seconds)
    with behind_proxy(database, tmp_path) as (app, proxy):
        api = app.client()
        assert api.post("customers", ANNA).status_code == 200
        assert api.get("/v1/customers").status_code == 200
        proxy.fault = Fault("57P01", lasting=True)
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                for _ in range(5):
                    unavailable(api.post("event", VISIT))
                    unavailable(api.get("/v1/customers"))
                    unavailable(api.get("/healthz"))
                app.run(asyncio.sleep(0.15))  # the audience's own look at the site
                seconds += 1
        proxy.fault = None
    assert len(lines) == 3, lines
    assert all("held_back" in line for line in lines[1:])


def test_an_outcome_that_stays_unknown_is_not_said_to_be_known(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SETTLE_SECONDS", 0)
    with behind_proxy(database, tmp_path) as (app, proxy):
        api = app.client()
        api.post("customers", ANNA)

        async def visit() -> httpx.Response:
            calling = asyncio.ensure_future(app.exchange(api.request("POST", "event", VISIT)))
            await proxy.was_cut.wait()
            proxy.path.unlink()  # nobody gets through any more
            return await calling

        proxy.cut = "after"
        reply = app.run(visit())
        assert (reply.status_code, reply.json()["code"]) == (503, "outcome_unknown")
        assert visits(database) == [(1,)]


# -- a server that goes away ------------------------------------------------------------------------------------


def test_connections_that_were_cut_are_replaced_unnoticed(app: InProcess, api: Client, database: Path) -> None:
    for n in range(3):
        hang_up_all(database)
        assert api.get("customers/anna@example.com").status_code == 200
        hang_up_all(database)
        assert api.get("/v1/customers").json()["meta"]["total_count"] == 1
        hang_up_all(database)
        assert api.post("event", VISIT).status_code == 200
        assert visits(database) == [(n + 1,)]


def test_a_restart_loses_nothing_that_was_answered(database: Path) -> None:
    """The real server, asked over sockets while PostgreSQL is restarted."""
    key = make_database(database)
    answered: list[str] = []
    odd: list[object] = []
    going = True

    def write(caller: Caller, name: str) -> None:
        n = 0
        while going:
            n += 1
            reply = caller.call("POST", "customers", {"email": f"{name}{n}@example.com"})
            if reply.status == 200:
                answered.append(f"{name}{n}@example.com")
            elif (reply.status, reply.headers.get("retry-after")) == (503, "1"):
                time.sleep(0.02)
            else:
                odd.append(reply)

    with Server(database) as running:
        with running.caller(key) as first, running.caller(key) as second:
            writers = [threading.Thread(target=write, args=each) for each in ((first, "a"), (second, "b"))]
            for writer in writers:
                writer.start()
            wait_for(lambda: len(answered) > 10)
            restart_server()
            healed = len(answered)
            wait_for(lambda: len(answered) > healed + 10)
            going = False
            for writer in writers:
                writer.join()
        with running.caller(key) as caller:
            listed = caller.call("GET", "/v1/customers?page[size]=1").json()["meta"]["total_count"]
        assert "Traceback" not in running.log
    stored = [email for (email,) in query(database, "SELECT email FROM customers")]
    assert odd == []
    assert listed == len(stored) == len(set(stored))
    assert set(answered) <= set(stored)
    assert inconsistencies(database) == []


def wait_for(condition: Any) -> None:
    """Until something has come true, on however busy a machine."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_fail_over_that_lost_commits_is_noticed(app: InProcess, api: Client, database: Path) -> None:
    name = name_of(database)
    hang_up_all(database)
    administer(server(), f'CREATE DATABASE "{name}_old" TEMPLATE "{name}"')
    for n in range(3):
        assert api.post("customers", {"email": f"lost{n}@example.com", "name": "Lost"}).status_code == 200
    assert api.get("/v1/customers").json()["meta"]["total_count"] == 4
    administer(
        server(),
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        f'ALTER DATABASE "{name}" RENAME TO "{name}_lost"',
        f'ALTER DATABASE "{name}_old" RENAME TO "{name}"',
        f'DROP DATABASE "{name}_lost" WITH (FORCE)',
    )
    # As many changes as were lost, but other ones: only their tokens tell.
    for n in range(3):
        assert api.post("customers", {"email": f"new{n}@example.com", "name": "New"}).status_code == 200
    counts = [
        api.get(f"/v1/customers?filter[name_contains]={text}").json()["meta"]["total_count"] for text in ("lost", "new")
    ]
    assert counts == [0, 3]


# -- limits -----------------------------------------------------------------------------------------------------


def test_when_all_connections_are_in_use_calls_are_told_to_come_back(app: InProcess, api: Client) -> None:
    engine = engine_of(app)
    engine.pool.patience = 0.1

    async def crowd() -> list[httpx.Response]:
        taken = [await engine.pool.take() for _ in range(engine.pool.size)]
        try:
            return [await app.exchange(request) for request in requests]
        finally:
            for session in taken:
                engine.pool.give(session)

    requests = [
        api.request("POST", "event", VISIT),
        api.request("GET", "customers/anna@example.com"),
        api.request("GET", "/v1/customers"),
    ]
    for reply in app.run(crowd()):
        unavailable(reply)
    assert [app.request(request).status_code for request in requests] == [200, 200, 200]
    assert visits(app.path) == [(1,)]


@pytest.mark.parametrize("limit", ["statement_timeout", "lock_timeout"])
def test_what_takes_too_long_is_given_up(app: InProcess, api: Client, database: Path, limit: str) -> None:
    engine_of(app).settings[limit] = "200"
    hang_up_all(database)  # the limits of a connection are set when it is made
    with closing(psycopg.connect(url_of(database))) as holder:
        app.run(asyncio.to_thread(holder.execute, "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"))
        unavailable(api.get("customers/anna@example.com"))
        unavailable(api.get("/v1/customers"))
        unavailable(api.post("event", VISIT))
        holder.rollback()
    assert api.post("event", VISIT).status_code == 200
    assert visits(database) == [(1,)]


FAILURES = {"serialisation failure": "40001", "deadlock": "40P01", "full disk": "53100"}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_may_be_gone_at_once_is_tried_once_more(app: InProcess, api: Client, database: Path, failure: str) -> None:
    code = FAILURES[failure]
    meanwhile(
        app,
        "CREATE SEQUENCE tries",
        f"""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') % 2 = 1 THEN RAISE EXCEPTION 'bad luck' USING ERRCODE = '{code}'; END IF;
            RETURN NEW; END $$""",
        "CREATE TRIGGER fail BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    first = api.post("event", VISIT)
    if failure == "full disk":
        unavailable(first)
    else:
        assert first.status_code == 200
    done = int(first.status_code == 200)
    assert visits(database) == [(done,)]
    meanwhile(app, "ALTER SEQUENCE tries INCREMENT 2 RESTART 1")
    unavailable(api.post("event", VISIT))
    assert visits(database) == [(done,)]
    meanwhile(app, "DROP TRIGGER fail ON changes")
    assert api.post("event", VISIT).status_code == 200
    assert visits(database) == [(done + 1,)]
