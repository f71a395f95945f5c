import subprocess
import sys

import pytest

from regulars import __version__

_LARGE = {"typer", "pydantic", "sqlalchemy", "numpy", "structlog", "rich", "uvicorn", "starlette"}
_PROGRAM = """
import sys
from regulars.cli.entry import main
try:
    main()
except SystemExit:
    pass
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def _imported(*arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and the large libraries that it imports."""
    found = subprocess.run([sys.executable, "-c", _PROGRAM, *arguments], capture_output=True, text=True, check=True)
    return found.stdout, _LARGE & set(found.stderr.split())


def test_the_version_is_told_before_anything_is_imported() -> None:
    assert _imported("--version") == (f"regulars {__version__}\n", set())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--help", {"typer"}),
        ("users list --help", {"typer", "pydantic", "sqlalchemy", "structlog", "rich"}),
    ],
)
def test_a_command_imports_what_it_needs_itself(arguments: str, expected: set[str]) -> None:
    printed, imported = _imported(*arguments.split())
    assert printed.startswith("Usage: regulars")
    assert imported == expected


def test_the_command_is_the_same_by_both_names() -> None:
    found = subprocess.run([sys.executable, "-m", "regulars", "--version"], capture_output=True, text=True, check=True)
    assert found.stdout == f"regulars {__version__}\n"
