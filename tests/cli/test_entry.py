import subprocess
import sys

from regulars import __version__

_IMPORTED = "; print(*sorted({name.partition('.')[0] for name in sys.modules} & {'typer', 'sqlalchemy', 'numpy'}))"


def test_the_version_is_told_before_anything_is_imported() -> None:
    program = "import sys; sys.argv = ['regulars', '--version']; from regulars.cli.entry import main; main()"
    found = subprocess.run([sys.executable, "-c", program + _IMPORTED], capture_output=True, text=True, check=True)
    assert found.stdout == f"regulars {__version__}\n\n"


def test_the_command_is_the_same_by_both_names() -> None:
    found = subprocess.run([sys.executable, "-m", "regulars", "--version"], capture_output=True, text=True, check=True)
    assert found.stdout == f"regulars {__version__}\n"
