"""Fixtures that everybody may use: an application in this process, one for each module of tests."""

from collections.abc import Iterator

import pytest

from .in_process import Client, InProcess


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with InProcess(tmp_path_factory.mktemp("app") / "regulars.db") as running:
        yield running


@pytest.fixture(scope="module")
def api(app: InProcess) -> Client:
    """A caller who may read and write, and names no vendor."""
    return app.client()


@pytest.fixture(scope="module")
def swu(app: InProcess) -> Client:
    """The same, as Sendwithus's client libraries call."""
    return app.client().having(X_SWU_API_CLIENT="python-5.4.0")
