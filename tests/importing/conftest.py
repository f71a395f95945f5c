"""What the tests of importing share with those of the command line."""

from ..cli.conftest import database, run

__all__ = ["database", "run"]
