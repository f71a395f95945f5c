"""The entry point of the command. `--version` is answered before anything else is imported."""

import gc
import sys

from regulars import __version__


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"regulars {__version__}\n")
        return
    gc.disable()  # until the command is imported: see commands.py
    from regulars.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()  # else Python goes through all objects once more before it ends, which takes a quarter of a second
