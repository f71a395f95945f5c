from collections.abc import Iterator

import pytest

from ...in_process import application
from .world import World


@pytest.fixture(scope="package")
def world(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("jsonapi")
    with application(folder, engine, trusted_proxies=("10.0.0.0/8", "127.0.0.1")) as app:
        yield World(app)


@pytest.fixture(scope="module")
def own_world(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for a module that writes."""
    with application(tmp_path_factory.mktemp("jsonapi"), engine) as app:
        yield World(app)
