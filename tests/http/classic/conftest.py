"""The accounts and customers of the tests of /v1, for tests of both."""

from ..jsonapi.conftest import own_world, world

__all__ = ["own_world", "world"]
