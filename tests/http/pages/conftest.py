"""Fixtures of the tests of pages."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from regulars.http.pages import passwords


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes() -> Iterator[None]:
    """Hashes of passwords that take a millisecond instead of half a second."""
    usual, passwords.hasher = passwords.hasher, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield
    passwords.hasher = usual
