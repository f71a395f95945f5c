"""Fixtures of the tests of pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher

from regulars.http.pages import passwords

from .browsing import chromium
from .served import Served, serving


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes() -> Iterator[None]:
    """Hashes of passwords that take a millisecond instead of half a second."""
    usual, passwords.hasher = passwords.hasher, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield
    passwords.hasher = usual


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the tests of a module. While it is there, this thread can run no other event loop."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests of a module in a browser."""
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found
