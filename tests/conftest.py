"""Fixtures that everybody may use: an application in this process, one for each module of tests.

REGULARS_TEST_ENGINE=postgresql runs them on the other engine."""

from collections.abc import Iterator

import pytest

from .databases import ENGINE, drop_database, new_database
from .in_process import Client, InProcess


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    path = new_database(tmp_path_factory.mktemp("app"), ENGINE, "regulars")
    with InProcess(path) as running:
        yield running
    drop_database(path)


@pytest.fixture(scope="module")
def api(app: InProcess) -> Client:
    """A caller who may read and write, and names no vendor."""
    return app.client()


@pytest.fixture(scope="module")
def swu(app: InProcess) -> Client:
    """The same, as Sendwithus's client libraries call."""
    return app.client().having(X_SWU_API_CLIENT="python-5.4.0")
