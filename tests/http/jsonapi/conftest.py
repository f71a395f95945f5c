from collections.abc import Iterator

import pytest

from ...in_process import InProcess
from .world import World


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("jsonapi") / "regulars.db"
    with InProcess(path, trusted_proxies=("10.0.0.0/8", "127.0.0.1")) as app:
        yield World(app)


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for a module that writes."""
    with InProcess(tmp_path_factory.mktemp("jsonapi") / "regulars.db") as app:
        yield World(app)
