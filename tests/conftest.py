"""Fixtures that everybody may use: an application in this process, one for each module of tests and each engine."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from .databases import ENGINES
from .effort import examples
from .in_process import Client, InProcess, application
from .logs import plain_logs

settings.register_profile("regulars", max_examples=examples(30, 200))
settings.load_profile("regulars")


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
