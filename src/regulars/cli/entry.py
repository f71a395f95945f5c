"""The entry point of the command. `--version` is answered before anything else is imported, which takes a second."""

import sys

from regulars import __version__


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"regulars {__version__}\n")
        return
    from regulars.cli.main import main as run

    run()
