"""How much the tests try: enough in `make test`, more in `make test-long`, which sets REGULARS_EXAMPLES."""

import os
from typing import Final

import pytest

IS_THOROUGH: Final = "REGULARS_EXAMPLES" in os.environ
EXAMPLES: Final = int(os.environ.get("REGULARS_EXAMPLES", "8"))
"""How many random histories are tried by the tests that live through one on a real database.

Of those that try a part of them, two at least: the first one that hypothesis makes is the emptiest.
"""


def examples(usual: int, thorough: int) -> int:
    """The number of examples of a property test."""
    return thorough if IS_THOROUGH else usual


def slow(*values: object) -> object:
    """Parameters that take long; a test that has them has others that do not."""
    return pytest.param(*values, marks=pytest.mark.slow)
