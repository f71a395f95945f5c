"""The command `regulars`: its options before a command, and errors as a sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from regulars import __version__
from regulars.cli.commands import LazyGroup
from regulars.cli.options import GlobalDatabase
from regulars.cli.output import FailedError, PartlyDoneError, note
from regulars.settings import PREFIX, SettingError

FAILED: Final = 1
WRONG_USAGE: Final = 2
PARTLY_DONE: Final = 3
INTERRUPTED: Final = 130

_LOG_LEVEL: Final = f"{PREFIX}LOG_LEVEL"

_HELP: Final = """A self-hosted customers API: who they are, what they agreed to, every email they got.

\b
First steps:
  regulars demo                                 a server with sample customers to try out
  regulars init                                 a new database; prints its API key and a link to sign in
  regulars import customers people.csv          a list of people, from almost any program
  regulars serve                                the API on http://127.0.0.1:8080

`regulars COMMAND --help` explains each command.
"""

app: Final = typer.Typer(name="regulars", cls=LazyGroup, help=_HELP, rich_markup_mode=None, add_completion=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"regulars {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    database: GlobalDatabase = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    from regulars.logs import configure_logging

    configure_logging()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 success, 1 failure, 2 wrong usage, 3 partial success, 130 interrupted."""
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments) or ["--help"]))


def _run(arguments: list[str]) -> int:
    try:
        return app(arguments, prog_name="regulars", standalone_mode=False) or 0
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "regulars"
        sentence = " ".join(error.format_message().split()).rstrip(".")
        note(f"regulars: {sentence} (see `{command} --help`)")
        return WRONG_USAGE
    except SettingError as error:
        note(f"regulars: {error}")
        return WRONG_USAGE
    except PartlyDoneError as error:
        note(str(error))
        return PARTLY_DONE
    except FailedError as error:
        note(f"regulars: {error}")
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        return _explain(error)


def _explain(error: Exception) -> int:
    """Say what failed. What the store raises is known by its types, which only a command that failed has to import."""
    from regulars.store.control import ControlError
    from regulars.store.engine import UnavailableError
    from regulars.store.ledger import CommandFailedError
    from regulars.store.migrations import IncompatibleError

    if isinstance(error, ControlError | UnavailableError | IncompatibleError):
        note(f"regulars: {error}")
    elif isinstance(error, CommandFailedError):
        note(f"regulars: unexpected error; please report this bug: {error.__cause__!r}")
    else:
        if os.environ.get(_LOG_LEVEL) == "debug":
            raise error
        note(f"regulars: unexpected error: {error!r} ({_LOG_LEVEL}=debug shows where)")
    return FAILED


if __name__ == "__main__":
    main()
