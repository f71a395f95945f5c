"""Fixtures that everybody may use: an application in this process, one for each module of tests and each engine."""

import gc
from collections.abc import Iterator
from typing import Final

import pytest
from _pytest.nodeid import NodeId
from hypothesis import settings

from .databases import ENGINES
from .effort import examples
from .in_process import Client, InProcess, application
from .logs import plain_logs

APPLICATIONS: Final = {"app", "world", "own_world"}
"""The fixtures that are an application in this process, on an engine."""

ON_BOTH_ENGINES: Final = (
    "http.classic.test_customers",
    "http.classic.test_events",
    "http.jsonapi.test_customers",
    "http.jsonapi.test_contacts",
    "http.jsonapi.test_questions",
    "http.test_large_numbers",
    "test_faults",
)
"""The modules of the HTTP surface that `make test` runs on PostgreSQL, too."""

settings.register_profile("regulars", max_examples=examples(12, 200), deadline=None)  # the machine may be busy
settings.load_profile("regulars")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one application in one process of pytest-xdist, and mark those that `make test` leaves out.

    Handlers know no engine, and the tests of the store run on all of them: on a server, `make test` therefore runs only
    some modules of the HTTP surface, and `make test-all` runs all.
    """
    for item in items:
        if not isinstance(item, pytest.Function) or APPLICATIONS.isdisjoint(item.fixturenames):
            continue
        callspec = getattr(item, "callspec", None)  # only parametrised tests have one
        engine = callspec.params.get("engine", "") if callspec is not None else ""
        module = item.module.__name__
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(f"{module} {engine}"))
        if engine == "postgresql" and "sqlite" in ENGINES and module.removeprefix("tests.") not in ON_BOTH_ENGINES:
            item.add_marker(pytest.mark.twin)


@pytest.hookimpl(specname="pytest_collection_modifyitems", trylast=True)
def pytest_keep_groups_together(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name each test's group where pytest-xdist looks for it.

    pytest-xdist 3.8 itself writes it to `_nodeid`, which pytest 9.2 does not read: every test would go to any process,
    and each process would start every application.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and "@" not in item.nodeid.rpartition("]")[2]:
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")  # noqa: SLF001


def pytest_configure() -> None:
    """Collect no garbage while tests are collected: almost nothing is garbage then."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave ten thousand tests and all modules out of every collection of garbage from now on, as a server does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _plain_tracebacks() -> None:
    """structlog shows the values of all variables in a traceback, which takes seconds."""
    plain_logs()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop on which anyio's plugin runs every test that is a coroutine."""
    return "asyncio"


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that the HTTP surface is tested on."""
    return str(request.param)


@pytest.fixture(scope="module")
def app(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with application(tmp_path_factory.mktemp("app"), engine) as running:
        yield running


@pytest.fixture(scope="module")
def api(app: InProcess) -> Client:
    """A caller who may read and write, and names no vendor."""
    return app.client()


@pytest.fixture(scope="module")
def swu(app: InProcess) -> Client:
    """The same, as Sendwithus's client libraries call."""
    return app.client().having(X_SWU_API_CLIENT="python-5.4.0")
