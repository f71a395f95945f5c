"""What the tests of importing share with those of the command line."""

from ..cli.conftest import _own_folder, database, once, run

__all__ = ["_own_folder", "database", "once", "run"]
